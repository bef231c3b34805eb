# SPDX-License-Identifier: Apache-2.0
"""The shipped controllers read where the spheres are; they do not go on from where the arm is."""

import numpy as np
import pytest

from genima.contract.spec import PolicySpec
from genima.contract.targets import paint_targets
from genima.controller.controller import Controller
from genima.files import config_dir
from genima.randomize.textures import make_pool
from genima.robots.kinematics import tcp_pose
from genima.robots.profile import RobotProfile
from genima.sim.world import World
from genima.tasks.registry import find_task

SCENES = 24


@pytest.fixture(scope='module', params=['panda_pick', 'ur5e_pick'])
def controller(request: pytest.FixtureRequest) -> Controller:
    return Controller.load(config_dir().parent / 'models' / request.param)


@pytest.mark.parametrize(('away_rad', 'median_mm'), [(0.0, 14.0), (0.05, 18.0)])
def test_an_arm_that_is_elsewhere_goes_to_the_same_spheres(
    controller: Controller, away_rad: float, median_mm: float
) -> None:
    """With the demonstrated movement added to where it is, it would be off by half a metre for each rad."""
    spec: PolicySpec = controller.spec
    robot, task = RobotProfile.load(spec.robot), find_task('pick')
    cameras = World(robot, task).cameras
    backgrounds = make_pool(np.random.default_rng(0), SCENES, spec.view_size_px)
    errors_mm = []
    for seed in range(SCENES):
        rng = np.random.default_rng([seed, 5])
        q_rad = robot.home_rad + rng.normal(0.0, 0.05, robot.n_joints)
        q_plan, opening, _ = task.expert(robot).rollout(q_rad, 1.0, task.reset(rng), spec.horizon_steps)
        q_rad += rng.normal(0.0, away_rad, robot.n_joints)
        views = np.stack([backgrounds[seed]] * len(spec.cameras))
        target = paint_targets(spec, robot, cameras, views, q_rad, q_plan[-1], float(opening[-1]))
        chunk = controller.act(target, q_rad, 1.0, 0.0)
        apart = tcp_pose(robot, chunk.q_rad[-1]) - tcp_pose(robot, q_plan[-1])
        errors_mm.append(1e3 * float(np.linalg.norm(apart[:3, 3])))
    assert np.median(errors_mm) < median_mm, np.round(np.sort(errors_mm), 1)
