# SPDX-License-Identifier: Apache-2.0
"""The scripted expert: a state machine without memory, so that it can take over anywhere and shows how to recover.

From any state of arm, gripper and cube it says the next step; a plan is that rule applied again and again to a
kinematic model of the arm, the fingers and the held cube.
"""

from dataclasses import dataclass

import numpy as np

from genima.robots.kinematics import solve_ik, tcp_pose
from genima.robots.profile import RobotProfile
from genima.robots.transforms import axis_generators, rotation_about, rotation_vector
from genima.tasks.base import DOWN, RATE_HZ, Floats, State


@dataclass(frozen=True)
class ExpertConfig:
    """How the expert moves. Lengths in metres, angles in radians, speeds per second.

    Attributes:
        speed_m_s: Of the TCP far from the cube; `turn_rad_s` likewise.
        approach_gain: Share of the remaining way that one step may cover, so that motions end softly.
        acceleration_m_s2: How fast the speed of the TCP may grow.
        funnel: Height above the cube per distance beside it; keeps the fingers off until they straddle the cube.
        hover_m: Highest point of the funnel over the cube.
        align_m: Distance beside the cube, and above the grasp, at which the gripper closes; `align_rad` likewise.
        lift_m: Height to which the cube's grasp point is brought.
    """

    speed_m_s: float = 0.28
    turn_rad_s: float = 1.2
    approach_gain: float = 0.4
    acceleration_m_s2: float = 0.9
    funnel: float = 5.0
    hover_m: float = 0.10
    align_m: float = 0.005
    align_rad: float = 0.08
    lift_m: float = 0.20


@dataclass
class ExpertState:
    """What the expert decides on: T_base_tcp, the opening in [0, 1], and T_base_cube."""

    T_base_tcp: np.ndarray
    gripper_open: float
    T_base_cube: np.ndarray
    speed_m_s: float = 0.0


class PickExpert:
    """Picks up a cube.

    Args:
        profile: The robot.
        cube: Name of the object.
        cube_size_m: Its edge.
        config: Speeds and distances.
    """

    def __init__(self, profile: RobotProfile, cube: str, cube_size_m: float, config: ExpertConfig | None = None) -> None:
        self._profile, self._cube, self._config = profile, cube, config or ExpertConfig()
        gripper = profile.gripper
        self._held_opening = cube_size_m / 2 / gripper.open_m
        self._finger_step = gripper.speed_m_s / RATE_HZ / (gripper.open_m - gripper.closed_m)

    def rollout(self, q_rad: Floats, gripper_open: float, state: State, steps: int) -> tuple[Floats, Floats, Floats]:
        """Return joint targets (steps, n), gripper commands and openings (steps,), see `genima.tasks.base.Expert`."""
        profile, q = self._profile, np.asarray(q_rad, dtype=float)
        now = ExpertState(tcp_pose(profile, q), gripper_open, state[self._cube].copy())
        q_steps, commands, openings = np.empty((steps, profile.n_joints)), np.empty(steps), np.empty(steps)
        for index in range(steps):
            goal, command = decide(now, self._held_opening, self._config)
            _move(now, goal, command, self._held_opening, self._finger_step, self._config)
            q = solve_ik(profile, now.T_base_tcp, q, iterations=8)
            q_steps[index], commands[index], openings[index] = q, command, now.gripper_open
        return q_steps, commands, openings


def decide(state: ExpertState, held_opening: float, config: ExpertConfig) -> tuple[np.ndarray, float]:
    """Return where the TCP should go (4, 4) and whether the gripper should be open (1.0) or closed (0.0)."""
    position, cube = state.T_base_tcp[:3, 3], state.T_base_cube[:3, 3]
    grasp = _grasp_pose(state)
    beside_m = float(np.linalg.norm(position[:2] - cube[:2]))
    around = beside_m < 0.012 and abs(position[2] - cube[2]) < 0.014
    if around and _touching(state.gripper_open, held_opening):
        return _at(grasp, position[0], position[1], config.lift_m), 0.0
    if around and held_opening < state.gripper_open < 0.97:  # closing
        return grasp, 0.0
    turn_rad = float(np.linalg.norm(rotation_vector(grasp[:3, :3] @ state.T_base_tcp[:3, :3].T)))
    if around and beside_m < config.align_m and turn_rad < config.align_rad and position[2] < cube[2] + config.align_m:
        return grasp, 0.0
    if state.gripper_open < 0.9:  # closed on nothing: open while rising out of the way
        return _at(grasp, position[0], position[1], max(position[2], cube[2] + config.hover_m)), 1.0
    off = beside_m + 0.04 * max(0.0, turn_rad - config.align_rad)
    height_m = cube[2] + np.clip(config.funnel * (off - 0.004), 0.0, config.hover_m)
    beside = 1.0 if position[2] > height_m - 0.03 else 0.15  # first up, then across
    x, y = position[:2] + beside * (cube[:2] - position[:2])
    return _at(grasp, x, y, height_m), 1.0


def _touching(gripper_open: float, held_opening: float) -> bool:
    """Return whether the fingers are as far open as the cube between them is wide; they press a little into it."""
    return held_opening - 0.12 < gripper_open < held_opening + 0.06


def _grasp_pose(state: ExpertState) -> np.ndarray:
    """Return the pose that grasps the cube, fingers along the cube's faces with the least turn from now."""
    yaw = float(np.arctan2(state.T_base_cube[1, 0], state.T_base_cube[0, 0]))
    hand = float(np.arctan2(state.T_base_tcp[1, 0], state.T_base_tcp[0, 0]))
    quarter = np.pi / 2
    yaw += quarter * np.round((np.clip(hand, -0.6, 0.6) - yaw) / quarter)
    T = np.eye(4)
    T[:3, :3] = rotation_about(axis_generators(np.array([0.0, 0.0, 1.0])), yaw) @ DOWN
    T[:3, 3] = state.T_base_cube[:3, 3]
    return T


def _at(T: np.ndarray, x: float, y: float, z: float) -> np.ndarray:
    moved = T.copy()
    moved[:3, 3] = x, y, z
    return moved


def _move(
    state: ExpertState,
    goal: np.ndarray,
    command: float,
    held_opening: float,
    finger_step: float,
    config: ExpertConfig,
) -> None:
    """Advance the kinematic model by one step towards `goal`."""
    way = goal[:3, 3] - state.T_base_tcp[:3, 3]
    length = float(np.linalg.norm(way))
    reach = min(config.speed_m_s, state.speed_m_s + config.acceleration_m_s2 / RATE_HZ) / RATE_HZ
    step = min(reach, max(config.approach_gain * length, 0.006), length)
    state.speed_m_s = step * RATE_HZ
    around = bool(np.linalg.norm(state.T_base_tcp[:3, 3] - state.T_base_cube[:3, 3]) < 0.018)
    holding = command < 0.5 and around and _touching(state.gripper_open, held_opening)
    moved = way * (step / length) if length > 1e-9 else np.zeros(3)
    state.T_base_tcp = state.T_base_tcp.copy()
    state.T_base_tcp[:3, 3] += moved
    if holding:
        state.T_base_cube = state.T_base_cube.copy()
        state.T_base_cube[:3, 3] += moved
    turn = rotation_vector(goal[:3, :3] @ state.T_base_tcp[:3, :3].T)
    angle = float(np.linalg.norm(turn))
    if angle > 1e-9:
        part = min(config.turn_rad_s / RATE_HZ, max(config.approach_gain * angle, 0.02), angle)
        state.T_base_tcp[:3, :3] = rotation_about(axis_generators(turn / angle), part) @ state.T_base_tcp[:3, :3]
    least = held_opening if around else 0.0
    closing = max(least, state.gripper_open - finger_step) if state.gripper_open > least else state.gripper_open
    state.gripper_open = min(1.0, state.gripper_open + finger_step) if command > 0.5 else closing
