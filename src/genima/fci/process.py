# SPDX-License-Identifier: Apache-2.0
"""The loop's process, as the node sees it."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator

import numpy as np

from genima.errors import GenimaError
from genima.fci.packets import BEAT, MAX_BYTES, RECOVER, STATE, TROUBLE, LoopState, pair, post, trajectory_packet

END_S = 2.0  # a stop, and the end of the motion


class LoopProcess:
    """Starts the loop, hands trajectories over, and yields what it says."""

    def __init__(self, robot_ip: str, profile: str, realtime: bool, wall: bool) -> None:
        """Start it; arguments as those of `genima.fci.loop`."""
        self._end, other = pair()
        options = [robot_ip, profile, 'realtime' if realtime else 'ignore', 'wall' if wall else 'robot']
        command = [sys.executable, '-m', 'genima.fci.loop', str(other.fileno()), *options]
        with other:
            self._process = subprocess.Popen(command, pass_fds=[other.fileno()], start_new_session=True)

    def beat(self) -> None:
        """Say that the node lives; ten times a second at least."""
        post(self._end, BEAT)

    def recover(self) -> None:
        """Clear the robot's error, and command it again."""
        post(self._end, RECOVER)

    def send(self, stamp_s: float, times_s: np.ndarray, q_rad: np.ndarray, v_rad_s: np.ndarray | None) -> None:
        """Hand a trajectory over.

        Raises:
            GenimaError: if the loop does not take it.
        """
        if not post(self._end, trajectory_packet(stamp_s, times_s, q_rad, v_rad_s)):
            raise GenimaError('the control loop does not take the trajectory: is this computer too slow?')

    def said(self) -> Iterator[LoopState | tuple[bool, str]]:
        """Yield states, and texts with whether they are what keeps the arm from moving; ends with the loop."""
        while packet := self._end.recv(MAX_BYTES):
            if packet[:1] == STATE:
                yield LoopState.of(packet)
            else:
                yield packet[:1] == TROUBLE, packet[1:].decode()

    def close(self) -> None:
        """Let the loop bring the arm to rest and end."""
        with contextlib.suppress(OSError):  # the loop has ended, or this was called before
            self._end.shutdown(socket.SHUT_RDWR)
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._end.close()
