# SPDX-License-Identifier: Apache-2.0
"""Plans that lead the arm into itself, a box or a singularity are refused or cut short, and good episodes are not."""

from dataclasses import replace

import numpy as np
import pytest
from rig import CONTRACT, PANDA, Rig, with_q

from genima.bench.good_episodes import run_episode
from genima.chunks.plan import Plan
from genima.collision.obstacles import Obstacles, parse_obstacles, table
from genima.guard.guard import Guard
from genima.guard.plan_checks import collision_checker, plan_checks, way_refused
from genima.guard.singularity import LEAST_SHARE, NEAR, dexterity, too_fast
from genima.guard.status import GuardConfig
from genima.robots.kinematics import jacobian

WATCHING = GuardConfig(max_controller_age_s=0.1)
# a wall 0.4 rad to the left of the hand
WALL = parse_obstacles({'boxes': {'wall': {'center_m': [0.5, 0.35, 0.3], 'size_m': [0.6, 0.1, 1.0]}}})
# the hand turned back to the forearm
FOLDED = np.array([-0.37, -0.69, -0.16, -1.91, -1.16, 0.43, -0.43])


def _towards(rig: Rig, goal_rad: np.ndarray, speed_rad_s: float = 1.0) -> None:
    """Let every chunk lead straight to a goal."""
    times_s = 0.1 * np.arange(1, 11)[:, None]

    def change(chunk):  # type: ignore[no-untyped-def]
        way = goal_rad - rig.q_rad
        return with_q(chunk, rig.q_rad + np.minimum(times_s * speed_rad_s / max(np.abs(way).max(), 1e-6), 1.0) * way)

    rig.change = change


def _least_clear_m(rig: Rig, obstacles: Obstacles) -> float:
    """The least distance beyond what is kept, of all that was commanded."""
    checker = collision_checker(PANDA, obstacles)
    return min(checker.nearest(q_rad)[2] for q_rad in rig.commanded[::20])


@pytest.mark.parametrize('speed_rad_s', [0.5, 2.0])
def test_an_arm_led_into_a_wall_stops_before_it_and_says_what_would_touch(speed_rad_s: float) -> None:
    rig = Rig(replace(WATCHING, obstacles=WALL))
    _towards(rig, PANDA.home_rad + 1.2 * np.eye(7)[0], speed_rad_s)
    rig.run(3.0)
    assert rig.moved_rad(3.0) > 0.1 and rig.guard.status.violations['collision'] > 3
    assert ' and wall would come as near as ' in rig.reasons and ' mm in ' in rig.reasons and 'are kept' in rig.reasons
    assert rig.moved_rad(0.5) < 1e-3 and _least_clear_m(rig, WALL) > 0.0 and rig.worst_share() <= 1.0
    _towards(rig, PANDA.home_rad)
    assert rig.run(1.5).moved_rad(1.0) > 0.05, 'and it finds its way back'


def test_an_arm_led_into_itself_stops_before_it() -> None:
    rig = Rig(WATCHING)
    _towards(rig, FOLDED, 1.5)
    rig.run(5.0)
    assert rig.guard.status.violations['collision'] > 3 and ' and panda_' in rig.reasons and ' mm' in rig.reasons
    assert _least_clear_m(rig, table()) > 0.0 and rig.worst_share() <= 1.0


def test_without_obstacles_nothing_is_looked_for() -> None:
    rig = Rig(replace(WATCHING, obstacles=None))
    _towards(rig, FOLDED, 1.5)
    assert 'collision' not in rig.run(5.0).guard.status.violations and _least_clear_m(rig, table()) <= 0.0


def test_the_way_to_where_motion_starts_is_checked() -> None:
    checks = plan_checks(PANDA, replace(WATCHING, obstacles=WALL))
    here, there = PANDA.home_rad - 0.7 * np.eye(7)[0], PANDA.home_rad + 1.6 * np.eye(7)[0]
    reason = way_refused(checks, here, Plan.hold(there, 50, 0.02))
    assert reason is not None and reason.kind == 'collision' and 'wall' in reason.text
    assert way_refused(checks, here, Plan.hold(PANDA.home_rad, 50, 0.02)) is None
    guard = Guard(PANDA, GuardConfig(obstacles=WALL), CONTRACT)  # nothing says where the controller holds the arm
    guard.arm()
    rig = Rig()
    inside = PANDA.home_rad + 0.6 * np.eye(7)[0]
    guard.observe_joints(1.0, inside)
    rig.q_rad = inside
    output = guard.accept_chunk(1.0, rig.chunk(1.0), CONTRACT)
    assert output.plan is None and 'touch where the arm is: move it away by hand' in output.status.reasons[0]


def test_dexterity_bounds_the_smallest_singular_value() -> None:
    q_rad = np.random.default_rng(0).uniform(PANDA.limits.position_min_rad, PANDA.limits.position_max_rad, (50, 7))
    J = jacobian(PANDA, q_rad)
    J[:, :3] /= 0.5
    smallest = np.linalg.svd(J, compute_uv=False)[:, -1]
    found = dexterity(PANDA, q_rad)
    assert (found <= smallest + 1e-6).all() and (found >= smallest / np.sqrt(6) - 1e-6).all()
    assert dexterity(PANDA, PANDA.home_rad[None])[0] > 2 * NEAR


def test_joints_turn_slowly_near_a_singularity_and_the_reason_says_how_fast() -> None:
    stretched = np.array([[-0.54, -0.06, 0.26, -0.47, -0.18, 1.89, 1.27]])
    assert dexterity(PANDA, stretched)[0] < 0.5 * NEAR
    fast, slow = 0.9 * PANDA.limits.velocity_rad_s[None], LEAST_SHARE * PANDA.limits.velocity_rad_s[None]
    text = too_fast(PANDA, stretched, fast)
    assert text is not None and 'panda_joint' in text and 'nearly singular' in text and 'rad/s are allowed' in text
    assert too_fast(PANDA, stretched, slow) is None and too_fast(PANDA, PANDA.home_rad[None], fast) is None


def test_an_arm_that_is_stretched_out_slows_down() -> None:
    rig = Rig(WATCHING)
    goal = np.array([0.0, 0.0, 0.0, -0.15, 0.0, 1.9, 0.785])
    _towards(rig, goal, 2.0)
    rig.run(4.0)
    speed = np.abs(np.diff(rig.commanded, axis=0)) / 0.002 / PANDA.limits.velocity_rad_s
    allowed = np.clip(dexterity(PANDA, np.array(rig.commanded[1:])) / NEAR, LEAST_SHARE, 1.0)
    assert (speed.max(axis=1) <= allowed + 0.02).all() and allowed.min() < 0.7
    assert rig.guard.status.violations.get('singularity', 0) > 0


@pytest.mark.parametrize('robot', ['panda', 'ur5e'])
def test_a_good_episode_is_not_stopped(robot: str) -> None:
    episode = run_episode(robot, 3)
    assert episode.success and episode.chunks > 20
    assert episode.stopped['collision'] == episode.stopped['singularity'] == 0
