# SPDX-License-Identifier: Apache-2.0
"""A guard, an emulated controller and an arm that follows it, stepped together."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from genima.chunks.plan import Chunk, Plan
from genima.guard.guard import Guard
from genima.guard.status import GuardConfig, GuardOutput, PlanMessage
from genima.robots.profile import RobotProfile
from genima.sim.trajectory_controller import TrajectoryController

PANDA = RobotProfile.load('panda')
CONTRACT = 'a1b2c3d4e5f60718'
STEP_S = 0.002


class Rig:
    """Policy chunks at 10 Hz swing every joint slowly from where it is; commands are recorded at 500 Hz."""

    def __init__(self, config: GuardConfig | None = None, armed: bool = True) -> None:
        self.guard = Guard(PANDA, config, CONTRACT)
        if armed:
            self.guard.arm()
        self.arm = TrajectoryController(PANDA.n_joints, PANDA.home_rad)
        self.step = 500
        self.q_rad = PANDA.home_rad.copy()
        self.commanded: list[np.ndarray] = []
        self.sent: list[tuple[float, Plan]] = []
        self.gripper: list[float] = []
        self.outputs: list[GuardOutput] = []
        self.joints_alive = self.policy_alive = self.controller_alive = self.says_what_runs = True
        self.offset_rad = np.zeros(PANDA.n_joints)
        self.lies: Callable[[int], bool] = lambda step: True  # which joint states are off by that
        self.lose: Callable[[], bool] = lambda: False
        self.clock_ahead_s: Callable[[float], float] = lambda now_s: 0.0  # of the guard, by the robot's time
        self.delay_s = 0.0  # of the plans on their way to the controller
        self.under_way: list[tuple[float, PlanMessage]] = []
        self.change: Callable[[Chunk], Chunk | None] = lambda chunk: chunk
        self.speed_rad_s = 0.4

    @property
    def now_s(self) -> float:
        return self.step * STEP_S

    @property
    def guard_s(self) -> float:
        """Time on the guard's clock."""
        return self.now_s + self.clock_ahead_s(self.now_s)

    def chunk(self, stamp_s: float | None = None) -> Chunk:
        """What the policy wants now."""
        stamp_s = self.now_s if stamp_s is None else stamp_s
        turn_rad = np.arange(11) * 0.1 + stamp_s - 1.0
        swing = 0.3 * np.sin(turn_rad * self.speed_rad_s / 0.3)
        return Chunk(stamp_s, 0.1, self.q_rad + (swing[1:] - swing[0])[:, None], np.ones(10))

    def take(self, output: GuardOutput) -> GuardOutput:
        """Do what the guard says."""
        self.outputs.append(output)
        message = output.message
        if message is not None and output.plan is not None:
            self.sent.append((self.now_s, output.plan))
            if not self.lose():
                self.under_way.append((self.now_s + self.delay_s, message))
            self.deliver()
        if output.gripper_open is not None:
            self.gripper.append(output.gripper_open)
        return output

    def deliver(self) -> None:
        """Hand the controller what has arrived by now."""
        while self.under_way and self.under_way[0][0] <= self.now_s:
            message = self.under_way.pop(0)[1]
            if not self.controller_alive:
                continue
            self.arm.set_trajectory(self.now_s, message.stamp_s, message.times_from_start_s, message.q_rad, message.v_rad_s)

    def run(self, seconds: float) -> 'Rig':
        """Let everything run."""
        for _ in range(round(seconds / STEP_S)):
            self.deliver()
            if self.joints_alive:
                self.guard.observe_joints(self.now_s, self.q_rad + self.offset_rad * (self.lies(self.step)))
            if self.controller_alive and self.step % 5 == 0:
                q_rad = self.arm.sample(self.now_s)[0]
                running_s = self.arm.start_s if self.says_what_runs else None
                self.guard.observe_controller(self.now_s, q_rad, running_s, self.guard_s, self.q_rad)
            if self.step % 10 == 0:
                self.take(self.guard.tick(self.guard_s))
            if self.policy_alive and self.step % 50 == 0:
                chunk = self.change(self.chunk())
                if chunk is not None:
                    self.take(self.guard.accept_chunk(self.guard_s, chunk, CONTRACT))
            command = self.arm.sample(self.now_s)[0]
            self.commanded.append(command)
            self.q_rad = self.q_rad + (command - self.q_rad) * STEP_S / 0.03
            self.step += 1
        return self

    @property
    def reasons(self) -> str:
        return '; '.join(self.guard.status.reasons)

    def moved_rad(self, since_s: float) -> float:
        """Largest motion of a commanded joint in the last `since_s` seconds."""
        recent = np.array(self.commanded[-round(since_s / STEP_S) :])
        return float(np.ptp(recent, axis=0).max())

    def worst_share(self) -> float:
        """Largest share of the limits of velocity, acceleration and jerk by finite differences."""
        limits, derivative, worst = PANDA.limits, np.array(self.commanded), 0.0
        for bound in (limits.velocity_rad_s, limits.acceleration_rad_s2, limits.jerk_rad_s3):
            derivative = np.diff(derivative, axis=0) / STEP_S
            worst = max(worst, float((np.abs(derivative) / bound).max()))
        return worst


def with_q(chunk: Chunk, q_rad: np.ndarray) -> Chunk:
    """Return the chunk with other positions."""
    return replace(chunk, q_rad=q_rad)
