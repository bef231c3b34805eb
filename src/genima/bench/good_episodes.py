# SPDX-License-Identifier: Apache-2.0
"""The scripted expert behind the guard: how often is a good episode stopped by checks that are for bad ones?"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial

from genima.chunks.plan import Chunk
from genima.guard.guard import Guard
from genima.guard.status import GuardConfig, GuardOutput
from genima.processes import in_processes
from genima.robots.profile import RobotProfile
from genima.sim.simulation import Simulation
from genima.tasks.base import RATE_HZ

POINTS, LATENCY_S, TICK_S, TIMEOUT_S = 10, 0.02, 0.02, 15.0
CHECKS = ('workspace', 'collision', 'singularity')


@dataclass(frozen=True)
class GoodEpisode:
    """One episode: whether the task was done, the chunks used, and the chunks that each check stopped or cut short."""

    seed: int
    success: bool
    chunks: int
    stopped: dict[str, int]


def run_episodes(robot: str, episodes: int, workers: int) -> Iterator[GoodEpisode]:
    """Yield what the checks say of so many episodes of the expert."""
    yield from in_processes(partial(run_episode, robot), range(episodes), workers)


def run_episode(robot: str, seed: int) -> GoodEpisode:
    """Let the expert do the task once; its chunks go through the guard as those of a policy do."""
    simulation = _simulation(robot)
    simulation.reset(seed)
    guard = Guard(simulation.profile, GuardConfig(max_controller_age_s=0.1))
    guard.arm()
    expert = simulation.task.expert(simulation.profile)
    for step in range(round(TIMEOUT_S * RATE_HZ)):
        now_s = step / RATE_HZ
        _observe(simulation, guard)
        q_rad, gripper_open, _ = expert.rollout(simulation.q_rad, simulation.gripper_open, simulation.state(), POINTS)
        simulation.step_to(now_s + LATENCY_S)
        _command(simulation, guard.accept_chunk(simulation.time_s, Chunk(now_s, 1 / RATE_HZ, q_rad, gripper_open)))
        while simulation.time_s < now_s + 1 / RATE_HZ - 1e-9:
            simulation.step_to(min(now_s + 1 / RATE_HZ, simulation.time_s + TICK_S))
            _observe(simulation, guard)
            _command(simulation, guard.tick(simulation.time_s))
        if simulation.success():
            break
    counts = guard.status.violations
    return GoodEpisode(seed, simulation.success(), guard.status.chunks, {kind: counts.get(kind, 0) for kind in CHECKS})


@lru_cache(maxsize=2)
def _simulation(robot: str) -> Simulation:
    return Simulation(RobotProfile.load(robot), render=False)


def _observe(simulation: Simulation, guard: Guard) -> None:
    controller, now_s = simulation.controller, simulation.time_s
    guard.observe_joints(now_s, simulation.q_rad)
    guard.observe_controller(now_s, controller.sample(now_s)[0], controller.start_s)


def _command(simulation: Simulation, output: GuardOutput) -> None:
    if (message := output.message) is not None:
        simulation.controller.set_trajectory(
            simulation.time_s, message.stamp_s, message.times_from_start_s, message.q_rad, message.v_rad_s
        )
    if output.gripper_open is not None:
        simulation.command_gripper(output.gripper_open)
