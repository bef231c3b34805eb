# SPDX-License-Identifier: Apache-2.0
"""What the loop and the node say to each other over a socket of packets; neither ever waits for the other."""

import socket
import struct
from dataclasses import dataclass

import numpy as np

from genima.errors import LimitError
from genima.fci.door import N_JOINTS

# from the node
BEAT, TRAJECTORY, RECOVER = b'B', b'T', b'R'
# from the loop
STATE, TEXT, TROUBLE = b'S', b'I', b'E'
_HEAD = struct.Struct('<dI?')
_STATE = struct.Struct(f'<4dI?d{4 * N_JOINTS}d')
MAX_POINTS = 1000
MAX_BYTES = 1 + _HEAD.size + 8 * MAX_POINTS * (1 + 2 * N_JOINTS)


@dataclass(frozen=True)
class LoopState:
    """What the loop says 200 times a second.

    Attributes:
        time_s: ROS time of the state.
        robot_s: Time of the robot.
        since_start_s: Time since the stamp of the trajectory that is executed; 0 for a hold.
        clock_behind_s: How much this computer's clock is ahead of `time_s`.
        mode: Of the robot, an index into `MODES`.
        active: Whether the arm is commanded.
        success_rate: Share of the last 100 commands that arrived in time.
        q_rad: Measured positions (7,), and `dq_rad_s`, velocities.
        reference_rad: Commanded positions (7,), and `reference_rad_s`, velocities.
    """

    time_s: float
    robot_s: float
    since_start_s: float
    clock_behind_s: float
    mode: int
    active: bool
    success_rate: float
    q_rad: tuple[float, ...]
    dq_rad_s: tuple[float, ...]
    reference_rad: tuple[float, ...]
    reference_rad_s: tuple[float, ...]

    def packed(self) -> bytes:
        """Return the packet."""
        numbers = (*self.q_rad, *self.dq_rad_s, *self.reference_rad, *self.reference_rad_s)
        times_s = self.time_s, self.robot_s, self.since_start_s, self.clock_behind_s
        return STATE + _STATE.pack(*times_s, self.mode, self.active, self.success_rate, *numbers)

    @classmethod
    def of(cls, packet: bytes) -> 'LoopState':
        """Return the state that `packed` was called on."""
        head, numbers = (values := _STATE.unpack(packet[1:]))[:7], values[7:]
        return cls(*head, *(numbers[i : i + N_JOINTS] for i in range(0, 4 * N_JOINTS, N_JOINTS)))


def trajectory_packet(stamp_s: float, times_s: np.ndarray, q_rad: np.ndarray, v_rad_s: np.ndarray | None) -> bytes:
    """Return the packet of a trajectory; arrays as in `Motion.take`.

    Raises:
        LimitError: if it has too many points.
    """
    if not 0 < len(times_s) <= MAX_POINTS:
        raise LimitError(f'a trajectory of {len(times_s)} points; allowed are 1 to {MAX_POINTS}')
    arrays = [times_s, q_rad, *([] if v_rad_s is None else [v_rad_s])]
    head = _HEAD.pack(stamp_s, len(times_s), v_rad_s is not None)
    return b''.join((TRAJECTORY, head, *(np.ascontiguousarray(each, dtype='<f8').tobytes() for each in arrays)))


def trajectory_in(packet: bytes) -> tuple[float, np.ndarray, np.ndarray, np.ndarray | None]:
    """Return stamp, times, positions and velocities of a packet."""
    stamp_s, points, moving = _HEAD.unpack_from(packet, 1)
    numbers = np.frombuffer(packet, '<f8', offset=1 + _HEAD.size)
    times_s, q_rad, v_rad_s = np.split(numbers, [points, points * (1 + N_JOINTS)])
    return stamp_s, times_s, q_rad.reshape(points, N_JOINTS), v_rad_s.reshape(points, N_JOINTS) if moving else None


def pair() -> tuple[socket.socket, socket.socket]:
    """Return two ends that keep packets whole and tell when the other one is gone."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def post(end: socket.socket, packet: bytes) -> bool:
    """Send a packet if there is room; return whether it went."""
    try:
        end.send(packet, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
    except OSError:  # full, or the other end is gone, which a receiver hears
        return False
    return True


def poll(end: socket.socket) -> bytes | None:
    """Return the next packet, empty if the other end is gone, or None if there is none."""
    try:
        return end.recv(MAX_BYTES, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return None
    except OSError:
        return b''
