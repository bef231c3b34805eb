# SPDX-License-Identifier: Apache-2.0
"""Grippers, and the units in which their drivers speak: the only place where an opening becomes metres or radians."""

from dataclasses import dataclass, field

import numpy as np

DRIVER_KINDS = ('franka', 'gripper_command', 'parallel_gripper_command')


@dataclass(frozen=True)
class GripperDriver:
    """How the driver of a gripper is spoken to.

    Attributes:
        kind: 'franka' (actions move and grasp), 'gripper_command' or 'parallel_gripper_command' (control_msgs).
        action: Name of the action; for 'franka' of the node that has the actions.
        joint: Joint in joint_states that tells the opening.
        open: Its position when the gripper is open [m or rad], and `closed`.
        max_effort: For 'gripper_command' [N].
        source: Where this is documented.
    """

    kind: str
    action: str
    joint: str
    open: float
    closed: float
    max_effort: float
    source: str

    def position(self, opening: float) -> float:
        """Return the joint's position for an opening in [0, 1]."""
        return self.closed + opening * (self.open - self.closed)

    def opening(self, position: float) -> float:
        """Return the opening in [0, 1] for a position of the joint."""
        return float(np.clip((position - self.closed) / (self.open - self.closed), 0.0, 1.0))

    def width_m(self, opening: float) -> float:
        """Return the distance between two fingers that move alike: the joint is one of them, half of the width."""
        return 2.0 * self.position(opening)


@dataclass(frozen=True)
class Gripper:
    """A parallel gripper. `open_m` and `closed_m` are positions of each of its joints; drivers by ROS distribution."""

    kind: str
    joints: tuple[str, ...]
    tcp_link: str
    open_m: float
    closed_m: float
    speed_m_s: float
    force_n: float
    source: str
    drivers: dict[str, GripperDriver] = field(default_factory=dict)

    def position_m(self, gripper_open: float) -> float:
        """Return the joint position for an opening in [0, 1]."""
        return self.closed_m + gripper_open * (self.open_m - self.closed_m)

    def opening(self, position_m: float) -> float:
        """Return the opening in [0, 1] for a joint position."""
        return float(np.clip((position_m - self.closed_m) / (self.open_m - self.closed_m), 0.0, 1.0))
