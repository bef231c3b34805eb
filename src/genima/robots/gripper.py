# SPDX-License-Identifier: Apache-2.0
"""Grippers, and the units in which their drivers speak: the only place where an opening becomes metres or radians."""

from dataclasses import dataclass, field

import numpy as np

DRIVER_KINDS = ('franka', 'gripper_command', 'parallel_gripper_command', 'topic', 'none')
FALLBACK_DISTRIBUTION = 'jazzy'


@dataclass(frozen=True)
class GripperDriver:
    """How the driver of a gripper is spoken to.

    Attributes:
        kind: 'franka' (actions move and grasp), 'gripper_command' or 'parallel_gripper_command' (control_msgs actions),
            'topic' (a Float64 with the joint's position), 'none' (nobody moves it).
        action: Name of the action; for 'franka' of the node that has the actions, for 'topic' of the topic.
        joint: Joint in joint_states that tells the opening; empty if none does.
        open: Its position when the gripper is open [m or rad], and `closed`.
        max_effort: For 'gripper_command' [N].
        source: Where this is documented.
    """

    kind: str
    action: str = ''
    joint: str = ''
    open: float = 1.0
    closed: float = 0.0
    max_effort: float = 0.0
    source: str = ''

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
    """A parallel gripper. `open_m` and `closed_m` are positions of each of its joints; drivers by ROS distribution.

    An arm without a gripper has one without joints: it is always open, and its TCP is where the tool would be.
    """

    kind: str
    joints: tuple[str, ...]
    tcp_link: str
    open_m: float
    closed_m: float
    speed_m_s: float
    force_n: float
    source: str
    drivers: dict[str, GripperDriver] = field(default_factory=dict)

    @classmethod
    def none(cls, tcp_link: str) -> 'Gripper':
        """Return what an arm without a gripper has; the numbers only keep openings meaningful."""
        return cls('none', (), tcp_link, open_m=1.0, closed_m=0.0, speed_m_s=1.0, force_n=1.0, source='no gripper')

    @property
    def is_there(self) -> bool:
        """False for an arm without a gripper."""
        return bool(self.joints)

    def driver(self, distribution: str) -> GripperDriver:
        """Return the driver of a ROS distribution, that of Jazzy where it has none of its own, or one of kind 'none'."""
        known = self.drivers.get(distribution) or self.drivers.get(FALLBACK_DISTRIBUTION)
        return known or next(iter(self.drivers.values()), GripperDriver('none'))

    def position_m(self, gripper_open: float) -> float:
        """Return the joint position for an opening in [0, 1]."""
        return self.closed_m + gripper_open * (self.open_m - self.closed_m)

    def opening(self, position_m: float) -> float:
        """Return the opening in [0, 1] for a joint position."""
        return float(np.clip((position_m - self.closed_m) / (self.open_m - self.closed_m), 0.0, 1.0))
