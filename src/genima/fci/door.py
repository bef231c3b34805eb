# SPDX-License-Identifier: Apache-2.0
"""What the control loop needs of an arm at 1 kHz; any library that speaks the FCI can stand behind it."""

import ipaddress
from typing import NamedTuple, Protocol

from genima.errors import GenimaError

CYCLE_S = 0.001
N_JOINTS = 7
IDLE, MOVE = 1, 2  # research_interface::robot::RobotMode
MODES = ('other', 'idle', 'move', 'guiding', 'reflex', 'user stopped', 'error recovery')


class ReflexError(GenimaError):
    """The robot ended a motion by itself: a limit, a collision, lost packets, the user's stop."""


class ArmState(NamedTuple):
    """One state of the robot.

    Attributes:
        time_s: On the robot's clock.
        q_rad: Measured positions (7,), and `dq_rad_s` velocities.
        q_d_rad: What the robot took as the last command (7,), with `dq_d_rad_s` and `ddq_d_rad_s2`; after lost packets
            that is its own extrapolation.
        mode: Index into `MODES`.
        success_rate: Share of the last 100 commands that arrived in time; 0 while nothing is commanded.
    """

    time_s: float
    q_rad: tuple[float, ...]
    dq_rad_s: tuple[float, ...]
    q_d_rad: tuple[float, ...]
    dq_d_rad_s: tuple[float, ...]
    ddq_d_rad_s2: tuple[float, ...]
    mode: int
    success_rate: float


class FciArm(Protocol):
    """An arm. Every call may raise a GenimaError when the connection is lost."""

    def read(self) -> ArmState:
        """Wait for the next state; between motions only."""

    def begin(self) -> None:
        """Begin a motion of joint positions; raises a ReflexError if the robot does not allow one now."""

    def receive(self) -> ArmState:
        """Wait for the next state of the motion; raises a ReflexError if the robot has ended it."""

    def send(self, q_rad: list[float], last: bool = False) -> None:
        """Answer the state with the next position (7,); `last` ends the motion, at rest."""

    def recover(self) -> None:
        """Clear an error, so that a motion can begin; raises a ReflexError if the robot refuses."""


def is_loopback(robot_ip: str) -> bool:
    """Return whether an address is of this computer: the robot behind it is simulated."""
    try:
        return ipaddress.ip_address(robot_ip).is_loopback
    except ValueError:
        return robot_ip == 'localhost'
