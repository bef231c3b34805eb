# SPDX-License-Identifier: Apache-2.0
"""Demonstrations of the scripted expert, from home, from anywhere above the table, and from states that went wrong."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

import numpy as np

from genima import __version__
from genima.episodes.episode import Episode
from genima.episodes.store import write_episode
from genima.errors import ProfileError, SimulatorError
from genima.processes import in_processes
from genima.randomize.masks import write_masks
from genima.robots.kinematics import solve_ik, tcp_pose
from genima.robots.profile import RobotProfile
from genima.robots.transforms import axis_generators, rotation_about
from genima.sim.base import Setup, Simulator
from genima.sim.look import Dresser, Look, dressed
from genima.sim.masks import BEHIND, Masks
from genima.sim.registry import MUJOCO, is_served, open_simulator
from genima.sim.simulation import ours
from genima.tasks.base import DOWN, RATE_HZ, Task
from genima.tasks.registry import find_task

PLAN_STEPS = 25  # K = 20, or a chunk of 20 on a target image that is 5 steps old
BACKGROUND = ('table', 'floor', BEHIND)
HOLD_STEPS = 8  # the task stays done so long, or the policy learns nothing of what comes then


@dataclass(frozen=True)
class CollectConfig:
    """What makes the demonstrations differ.

    Attributes:
        from_home: Share of episodes that start at home; the others start somewhere above the table.
        near_object: Share of the others that start with the gripper beside or above the handled object.
        closed: Share of the others that start with the gripper closed on nothing.
        push: Probability per step, while the gripper is open, that the arm is pushed away.
        push_m: Largest push along each axis; `push_rad` about the vertical.
        command_noise_rad: Standard deviation of noise on what is commanded (not on what is recorded as intended).
        replan_steps: The intention is planned afresh from the true state after so many steps.
        steps: Longest episode.
        diversity: How much the look varies: none, low, medium or high, see `genima.sim.look`.
        textures: Folder of pictures to take textures from; procedural ones if empty.
        image_px: Edge of the square pictures.
        masks: Folder for the masks of each part of the images that can be given another texture; none if empty.
        cameras: As in `camera_choice.camera_sources`; all four if empty.
        task: What is demonstrated; the default task if empty.
        simulator: Name or address; only ours varies its look and has masks.
        token: Of a served simulator that needs one.
    """

    from_home: float = 0.4
    near_object: float = 0.3
    closed: float = 0.12
    push: float = 0.06
    push_m: float = 0.06
    push_rad: float = 0.35
    command_noise_rad: float = 0.003
    replan_steps: int = 4
    steps: int = 60
    diversity: str = 'none'
    textures: str = ''
    image_px: int = 128
    masks: str = ''
    cameras: str = ''
    task: str = ''
    simulator: str = MUJOCO
    token: str = field(default='', repr=False)


def episode_path(directory: Path | str, seed: int) -> Path:
    """Return the file of the episode with this seed."""
    return Path(directory) / f'episode_{seed:06d}.h5'


def collect(
    directory: Path | str,
    seeds: range,
    robot: str = 'panda',
    workers: int = 2,
    config: CollectConfig | None = None,
) -> Iterator[tuple[int, bool]]:
    """Record one episode per seed, skipping those that exist, and yield (seed, success) as they are done.

    Args:
        directory: Where the HDF5 files go.
        seeds: One episode each; the seed determines everything in it.
        robot: Profile name or file.
        workers: Processes; a served simulator has one client.
        config: What makes the demonstrations differ.

    Raises:
        ProfileError: if there is no such robot, or it has no gripper and the task needs one.
        TaskError: if there is no such task.
    """
    config = config or CollectConfig()
    profile, task = RobotProfile.load(robot), find_task(config.task)
    if task.needs_gripper and not profile.gripper.is_there:
        raise ProfileError(f'robot {profile.name} has no gripper, which task {task.name} needs: give the profile one')
    job = partial(_record_to, Path(directory), robot, config)
    missing = [seed for seed in seeds if not episode_path(directory, seed).exists()]
    yield from in_processes(job, missing, 1 if is_served(config.simulator) else workers)


_simulations: dict[tuple[str, int, str, str, str], Simulator] = {}


def _record_to(directory: Path, robot: str, config: CollectConfig, seed: int) -> tuple[int, bool]:
    key = robot, config.image_px, config.cameras, config.task, config.simulator
    if key not in _simulations:
        task, side_px = find_task(config.task).name, config.image_px
        setup = Setup(RobotProfile.load(robot), task, config.cameras, side_px, side_px)
        _simulations[key] = open_simulator(config.simulator, setup, config.token)
    episode = record(_simulations[key], seed, config)
    write_episode(episode_path(directory, seed), episode)
    return seed, bool(episode.metadata['success'])


def record(simulation: Simulator, seed: int, config: CollectConfig) -> Episode:
    """Let the expert do the task once and return everything it saw, did and intended.

    Raises:
        SimulatorError: if the simulator cannot do what is configured.
    """
    rng, task = np.random.default_rng([seed, 1]), find_task(config.task)
    simulation.reset(seed)
    _check_objects(simulation, task)
    _start_elsewhere(simulation, task, rng, config)
    look = Look.draw(config.diversity, np.random.default_rng([seed, 3]), config.textures)
    with dressed(simulation, look) as dresser:
        masks = _masks(simulation) if config.masks else None
        recording = _Recording(simulation, task, dresser, masks)
        _demonstrate(simulation, task, recording, rng, config)
    for part, views in recording.masks().items():
        write_masks(Path(config.masks) / part / f'{episode_path("", seed).stem}.h5', views)
    return recording.episode(seed)


def _masks(simulation: Simulator) -> Masks:
    built = ours(simulation, 'masks')
    return Masks(built.model, *built.world.size_px)


def _check_objects(simulation: Simulator, task: Task) -> None:
    missing = {each.name for each in task.objects} - set(simulation.state())
    if missing:
        raise SimulatorError(
            f'the expert of task {task.name} must know where {", ".join(sorted(missing))} is, and simulator '
            f'{simulation.software} says it of {", ".join(simulation.state()) or "nothing"}'
        )


def _demonstrate(
    simulation: Simulator, task: Task, recording: '_Recording', rng: np.random.Generator, config: CollectConfig
) -> None:
    """Do the task, with all that goes wrong on the way."""
    done, expert = 0, task.expert(simulation.profile)
    while len(recording) < config.steps and done < HOLD_STEPS:
        now = simulation.q_rad, simulation.gripper_open, simulation.state()
        q_plan, gripper_plan, _ = expert.rollout(*now, PLAN_STEPS + config.replan_steps)
        for step in range(config.replan_steps):
            recording.add(q_plan[step:], gripper_plan[step:])
            noise = rng.normal(0.0, config.command_noise_rad, simulation.profile.n_joints)
            _execute(simulation, q_plan[step] + noise, gripper_plan[step])
            done += simulation.success()
            if gripper_plan[step] > 0.5 and rng.random() < config.push:
                _push(simulation, rng, config)
                break


class _Recording:
    """The growing lists of one episode."""

    def __init__(self, simulation: Simulator, task: Task, dresser: Dresser, masks: Masks | None) -> None:
        self._simulation, self._task, self._dresser, self._masks = simulation, task, dresser, masks
        # parts of the images that masks are written of, and the geoms that they consist of
        self._parts = {'object': (task.objects[0].name,), 'background': BACKGROUND}
        self._rows: list[tuple[float, np.ndarray, float, np.ndarray, np.ndarray]] = []
        self._views: dict[str, list[np.ndarray]] = {name: [] for name in simulation.cameras}
        self._shown: dict[str, dict[str, list[np.ndarray]]] = {
            part: {name: [] for name in simulation.cameras} for part in (self._parts if masks else ())
        }

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, q_plan: np.ndarray, gripper_plan: np.ndarray) -> None:
        """Append the present state and what is intended from it."""
        simulation = self._simulation
        for name, image in self._dresser.render().items():
            self._views[name].append(image)
        masks = self._masks
        for name in simulation.cameras if masks is not None else ():
            assert masks is not None
            seen = masks.render(ours(simulation, 'masks').data, name)
            for part, geoms in self._parts.items():
                self._shown[part][name].append(np.any([seen[geom] for geom in geoms], axis=0))
        self._rows.append(
            (
                simulation.time_s,
                simulation.q_rad.copy(),
                simulation.gripper_open,
                q_plan[:PLAN_STEPS].copy(),
                gripper_plan[:PLAN_STEPS].copy(),
            )
        )

    def masks(self) -> dict[str, dict[str, np.ndarray]]:
        """Return part to camera to masks (T, H, W); nothing where none were wanted."""
        if self._masks is not None:
            self._masks.close()
        return {part: {name: np.stack(each) for name, each in views.items()} for part, views in self._shown.items()}

    def episode(self, seed: int) -> Episode:
        """Return what was recorded."""
        simulation = self._simulation
        times, q, opening, q_plan, gripper_plan = (np.array(column) for column in zip(*self._rows, strict=True))
        return Episode(
            timestamps_s=times,
            views={name: np.stack(images) for name, images in self._views.items()},
            q_rad=q,
            gripper_open=opening,
            q_command_rad=q_plan[:, 0],
            gripper_command_open=gripper_plan[:, 0],
            plan_q_rad=q_plan,
            plan_gripper_open=gripper_plan,
            cameras=dict(simulation.cameras),
            metadata={
                'robot': simulation.profile.name,
                'task': self._task.name,
                'instruction': self._task.instructions[0],
                'joint_names': list(simulation.profile.arm_joints),
                'rate_hz': RATE_HZ,
                'success': simulation.success(),
                'seed': seed,
                'source': 'simulation, scripted expert',
                'simulator': simulation.software,
                'simulated': True,
                'recorded_at': datetime.now(timezone.utc).isoformat(timespec='seconds'),
                'software': f'genima {__version__}',
                **self._dresser.look.metadata(),
            },
        )


def _execute(simulation: Simulator, q_rad: np.ndarray, gripper_open: float) -> None:
    """Let the robot controller go to `q_rad` within one step."""
    now_s = simulation.time_s
    q_now, _ = simulation.controller.sample(now_s)
    simulation.command_gripper(gripper_open)
    simulation.controller.set_trajectory(now_s, now_s, np.array([0.0, 1 / RATE_HZ]), np.stack([q_now, q_rad]), None)
    simulation.step_to(now_s + 1 / RATE_HZ)


def _push(simulation: Simulator, rng: np.random.Generator, config: CollectConfig) -> None:
    """Move the arm away from where it wanted to be, within two steps."""
    T = tcp_pose(simulation.profile, simulation.q_rad)
    size = config.push_m * rng.uniform(0.2, 1.0)
    T[:3, 3] += rng.uniform([-size, -size, -size / 3], [size, size, size])
    T[2, 3] = max(T[2, 3], 0.02)
    yaw = rng.uniform(-config.push_rad, config.push_rad)
    T[:3, :3] = rotation_about(axis_generators(np.array([0.0, 0.0, 1.0])), yaw) @ T[:3, :3]
    q = solve_ik(simulation.profile, T, simulation.q_rad)
    halfway = (simulation.q_rad + q) / 2
    _execute(simulation, halfway, 1.0)
    _execute(simulation, q, 1.0)


def _start_elsewhere(simulation: Simulator, task: Task, rng: np.random.Generator, config: CollectConfig) -> None:
    """Put the arm somewhere else than home, in most episodes, where the simulator can."""
    if rng.random() < config.from_home or not simulation.can_place:
        return
    state = simulation.state()
    kind = rng.random()
    gripper_open = 0.0 if kind < config.closed else 1.0
    if kind < config.closed + config.near_object:
        handled = state[task.objects[0].name][:3, 3]
        xyz = handled + rng.uniform([-0.04, -0.04, 0.05 if gripper_open else 0.06], [0.04, 0.04, 0.12])
    else:
        xyz = rng.uniform([0.32, -0.26, 0.10], [0.66, 0.26, 0.42])
    T = np.eye(4)
    yaw, tilt = rng.uniform(-0.7, 0.7), rng.uniform(-0.12, 0.12)
    vertical, sideways = axis_generators(np.array([0.0, 0.0, 1.0])), axis_generators(np.array([0.0, 1.0, 0.0]))
    T[:3, :3] = rotation_about(vertical, yaw) @ rotation_about(sideways, tilt) @ DOWN
    T[:3, 3] = xyz
    q = solve_ik(simulation.profile, T, simulation.profile.home_rad + rng.uniform(-0.15, 0.15, simulation.profile.n_joints))
    simulation.place(q, gripper_open, state)
