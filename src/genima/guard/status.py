# SPDX-License-Identifier: Apache-2.0
"""What the guard is told and what it says."""

from dataclasses import dataclass, field

import numpy as np

from genima.chunks.limits import LimitMargins
from genima.chunks.plan import Plan
from genima.chunks.splice import SpliceConfig
from genima.collision.obstacles import Obstacles, table
from genima.guard.gripper import GripperConfig
from genima.guard.workspace import Workspace


@dataclass(frozen=True)
class GuardConfig:
    """What the guard allows.

    Attributes:
        max_joint_age_s: Age of joint states above which the arm is stopped.
        max_chunk_age_s: Age of a chunk's observation above which the chunk is refused.
        max_ahead_s: How far stamps may lie in the future, for clocks that differ a little.
        max_silence_s: Time without a usable chunk after which a moving arm is stopped.
        max_start_gap_rad: Largest distance of a joint between the plan and the chunk where they meet.
        max_tracking_error_rad: Largest distance of a moving joint from the plan.
        resync_rad: Largest distance of a resting joint from where the robot's controller holds it. Where it does not say:
            from the end of the plan, above which motion starts from the measured position and not from that end.
        unknown_gap_rad: How far the robot's controller may hold the arm from its measured position at the start.
        max_controller_age_s: Age of the robot controller's own state above which it counts as inactive; None: it is
            not watched.
        settle_s: How long after the beginning of a plan that began in the future nothing is joined to it: as much as the
            clock of the robot's controller may be behind.
        repeat_s: For how long a plan is sent again at every tick, so that a lost message costs nothing. It must have
            arrived by `splice.lead_s`.
        send_within_s: Longest time between judging a plan and sending it.
        chunk_points: Number of points that a chunk must have; None: any.
        arrival_s: A plan that the robot's controller does not execute so long after it was sent counts as lost.
        splice: Times of the splice.
        margins: Distance kept from the limits.
        workspace: Where gripper and elbow may be.
        obstacles: What the arm must not run into beside itself; None: collisions are not looked for.
        gripper: When the gripper command changes.
    """

    max_joint_age_s: float = 0.1
    max_chunk_age_s: float = 0.5
    max_ahead_s: float = 0.05
    max_silence_s: float = 0.25
    max_start_gap_rad: float = 0.35
    max_tracking_error_rad: float = 0.35
    resync_rad: float = 0.05
    unknown_gap_rad: float = 0.01
    max_controller_age_s: float | None = None
    settle_s: float = 0.12
    repeat_s: float = 0.06
    send_within_s: float = 0.05
    chunk_points: int | None = None
    arrival_s: float = 0.15
    splice: SpliceConfig = field(default_factory=SpliceConfig)
    margins: LimitMargins = field(default_factory=LimitMargins)
    workspace: Workspace = field(default_factory=Workspace)
    obstacles: Obstacles | None = field(default_factory=table)
    gripper: GripperConfig = field(default_factory=GripperConfig)


@dataclass(frozen=True)
class Reason:
    """Why the arm does not move as the chunk wants: a kind to count by and a sentence with the numbers."""

    kind: str
    text: str


@dataclass(frozen=True)
class PlanMessage:
    """A plan as a joint_trajectory_controller takes it.

    Attributes:
        stamp_ns: Time of the first point; never 0, which would mean "on arrival".
        times_from_start_s: Shape (M,), the first is 0.
        q_rad: Positions, shape (M, n).
        v_rad_s: Velocities, shape (M, n), the last row is zero.
    """

    stamp_ns: int
    times_from_start_s: np.ndarray
    q_rad: np.ndarray
    v_rad_s: np.ndarray

    @classmethod
    def of(cls, plan: Plan) -> 'PlanMessage':
        """Return the message that makes a controller follow `plan`."""
        times_s = np.arange(len(plan.q_rad)) * plan.grid_s
        return cls(plan.first_tick * round(plan.grid_s * 1e9), times_s, plan.q_rad, plan.v_rad_s)

    @property
    def stamp_s(self) -> float:
        """Time of the first point."""
        return self.stamp_ns * 1e-9


@dataclass(frozen=True)
class GuardStatus:
    """The guard's judgement.

    Attributes:
        state: 'disarmed' (shadow mode: everything is judged, nothing is sent), 'holding', 'moving' or 'stopped'.
        reasons: Why the arm does not move, or not as the chunk wants, in plain words; empty when all is well.
        share: How far the last plan went towards its chunk, 1 = all the way.
        rate: Speed at which the last chunk is followed, 1 = its own.
        worst: Largest share of each of the robot's limits in the plans since the last reset.
        chunks: Number of chunks used (in shadow mode: that would have been used) since the last reset.
        violations: Number of chunks refused or limited and of stops, by kind of reason, since the last reset.
    """

    state: str
    reasons: tuple[str, ...]
    share: float
    rate: float
    worst: dict[str, float]
    chunks: int
    violations: dict[str, int]

    @property
    def armed(self) -> bool:
        """Whether commands are sent to the robot."""
        return self.state in ('holding', 'moving')


@dataclass(frozen=True)
class GuardOutput:
    """What to do now: send `plan` (as `message`), command the gripper (1 open, 0 closed), tell the `status`."""

    status: GuardStatus
    plan: Plan | None = None
    gripper_open: float | None = None

    @property
    def message(self) -> PlanMessage | None:
        """The plan to send as message arrays; None when there is nothing to send."""
        return None if self.plan is None else PlanMessage.of(self.plan)
