# SPDX-License-Identifier: Apache-2.0
"""What the scripted operator intends: the expert's plans, mistakes made on purpose, and the object carried elsewhere."""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from genima.chunks.plan import Chunk
from genima.recording.jog import DT_S, STEPS
from genima.robots.kinematics import solve_ik, tcp_pose
from genima.robots.profile import RobotProfile
from genima.robots.transforms import axis_generators, rotation_about
from genima.tasks.base import State, Task

REPLAN_STEPS = 4  # as the demonstrations of `genima collect`
DIVERT_STEPS, DIVERT_M, DIVERT_RAD = 8, 0.06, 0.35
CARRY_M, CARRY_STEP_M = 0.14, 0.014
RELEASE_STEPS = 10
NEAR_M = 0.008


@dataclass(frozen=True)
class Scene:
    """What the operator sees at one moment.

    Attributes:
        stamp_s: ROS time of all of it [s].
        q_rad: Joint positions (n,).
        gripper_open: Opening in [0, 1].
        state: Poses of the task's objects.
    """

    stamp_s: float
    q_rad: np.ndarray
    gripper_open: float
    state: State


class Intent(NamedTuple):
    """The next chunk, and what is to be marked in the recording just before it ('' for nothing)."""

    chunk: Chunk
    mark: str


class _Stage(NamedTuple):
    """A part of carrying: go to a pose (4, 4) with the gripper at an opening, and stay there for so many steps."""

    T_base_tcp: np.ndarray
    gripper_open: float
    steps: int


class Script:
    """Says what to do next, from any state of arm and objects. One for each episode.

    Args:
        profile: The robot.
        task: What to do.
        rng: Decides on mistakes and places.
        diversion: Probability of a mistake at each new plan, while the gripper is open.
    """

    def __init__(self, profile: RobotProfile, task: Task, rng: np.random.Generator, diversion: float) -> None:
        self._profile, self._task, self._rng, self._diversion = profile, task, rng, diversion
        self._expert = task.expert(profile)
        self._stages: deque[_Stage] = deque()
        self._plan: tuple[np.ndarray, np.ndarray] | None = None
        self._plan_s = 0.0
        self._plan_steps = 0
        self._diverting = False

    @property
    def working(self) -> bool:
        """Whether the task is to be done, not the object carried away."""
        return not self._stages

    def put_back(self, scene: Scene) -> None:
        """Carry the held object to another place on the table, put it down there, and begin again."""
        T = tcp_pose(self._profile, scene.q_rad)
        place = self._task.reset(self._rng)[self._task.objects[0].name]
        over, down = T.copy(), T.copy()
        over[:2, 3] = down[:2, 3] = place[:2, 3]
        over[2, 3], down[2, 3] = CARRY_M, place[2, 3] + 0.004
        self._stages.extend(
            (_Stage(over, 0.0, 0), _Stage(down, 0.0, 2), _Stage(down, 1.0, RELEASE_STEPS), _Stage(over, 1.0, 0))
        )
        self._plan = None

    def intent(self, scene: Scene) -> Intent:
        """Return the next chunk; call it ten times a second."""
        done = round((scene.stamp_s - self._plan_s) / DT_S)
        mark = ''
        if self._plan is None or not 0 <= done < self._plan_steps:
            mark = self._renew(scene)
            done = 0
        assert self._plan is not None
        rows = slice(done, done + STEPS)
        return Intent(Chunk(scene.stamp_s, DT_S, self._plan[0][rows], self._plan[1][rows]), mark)

    def _renew(self, scene: Scene) -> str:
        """Make a new plan; return what is to be marked."""
        self._plan_s, self._plan_steps = scene.stamp_s, REPLAN_STEPS
        ended, self._diverting = self._diverting, False
        if self._stages:
            self._plan = self._carry(scene)
        else:
            steps = STEPS + REPLAN_STEPS
            self._plan = self._expert.rollout(scene.q_rad, scene.gripper_open, scene.state, steps)[:2]
            if not ended and self._plan[1][:REPLAN_STEPS].min() > 0.5 and self._rng.random() < self._diversion:
                self._plan, self._plan_steps, self._diverting = self._divert(scene), DIVERT_STEPS, True
                return 'ignore_begin'
        return 'ignore_end' if ended else ''

    def _divert(self, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
        """Return a way to somewhere beside the right one."""
        T = tcp_pose(self._profile, scene.q_rad)
        size = DIVERT_M * self._rng.uniform(0.4, 1.0)
        T[:3, 3] += self._rng.uniform([-size, -size, -size / 3], [size, size, size])
        T[2, 3] = max(T[2, 3], 0.03)
        vertical = axis_generators(np.array([0.0, 0.0, 1.0]))
        T[:3, :3] = rotation_about(vertical, self._rng.uniform(-DIVERT_RAD, DIVERT_RAD)) @ T[:3, :3]
        q_rad = solve_ik(self._profile, T, scene.q_rad)
        share = np.minimum(np.arange(1, STEPS + DIVERT_STEPS + 1) / DIVERT_STEPS, 1.0)[:, None]
        return scene.q_rad + share * (q_rad - scene.q_rad), np.ones(len(share))

    def _carry(self, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
        """Return the next steps through the stages, and drop the stages that lie behind."""
        T, q = tcp_pose(self._profile, scene.q_rad), np.array(scene.q_rad)
        rows, openings = np.empty((STEPS + REPLAN_STEPS, len(q))), np.empty(STEPS + REPLAN_STEPS)
        ahead = deque(self._stages)
        for step in range(len(rows)):
            stage = ahead[0]
            way = stage.T_base_tcp[:3, 3] - T[:3, 3]
            length_m = float(np.linalg.norm(way))
            T = stage.T_base_tcp.copy()
            T[:3, 3] -= way * max(0.0, 1.0 - CARRY_STEP_M / max(length_m, 1e-9))
            q = solve_ik(self._profile, T, q, iterations=8)
            rows[step], openings[step] = q, stage.gripper_open
            if length_m < NEAR_M:
                ahead[0] = stage._replace(steps=stage.steps - 1)
                if stage.steps <= 0 and len(ahead) > 1:
                    ahead.popleft()
            if step == REPLAN_STEPS - 1:
                self._keep(ahead, T)
        return rows, openings

    def _keep(self, ahead: deque[_Stage], T_base_tcp: np.ndarray) -> None:
        """Take over what lies ahead after the steps that will be executed; at the last pose there is nothing left."""
        last = len(ahead) == 1 and float(np.linalg.norm(ahead[0].T_base_tcp[:3, 3] - T_base_tcp[:3, 3])) < NEAR_M
        self._stages = deque() if last else deque(ahead)
