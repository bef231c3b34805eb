# SPDX-License-Identifier: Apache-2.0
"""The process that answers the robot a thousand times a second, and does nothing else.

`python -m genima.fci.loop FD ROBOT_IP PROFILE realtime|ignore wall|robot`; it ends when the other end of FD is closed,
after it has brought the arm to rest.
"""

import contextlib
import gc
import os
import signal
import socket
import sys
import time

import numpy as np

from genima.errors import GenimaError, LimitError
from genima.fci.door import IDLE, MODES, ArmState, FciArm, ReflexError
from genima.fci.libfranka import LibfrankaArm
from genima.fci.motion import Motion
from genima.fci.packets import RECOVER, TEXT, TRAJECTORY, TROUBLE, LoopState, poll, post, trajectory_in
from genima.fci.robot_clock import RobotClock
from genima.robots.profile import JointLimits, RobotProfile

STATE_CYCLES = 5  # 200 Hz
SILENT_S = 0.3  # a node that says nothing for so long is as good as dead
PRIORITY = 80  # below the 99 of the network's interrupts


class Loop:
    """Reads the robot, and commands it while it lets us.

    Args:
        arm: behind its door.
        limits: of its joints.
        node: end of the socket to the node.
        wall: whether ROS time is that of this computer; else it is the robot's.
    """

    def __init__(self, arm: FciArm, limits: JointLimits, node: socket.socket, wall: bool) -> None:
        self._arm, self._limits, self._node, self._wall = arm, limits, node, wall
        self._clock: RobotClock | None = None
        self._beat_s = time.monotonic()
        self._gone = False  # the node is
        self._wanted = False  # the arm is to be commanded
        self._cycle = 0

    def run(self) -> None:
        """Go on until the node is gone."""
        state = self._arm.read()
        self._wanted = state.mode == IDLE
        if not self._wanted:
            self._say(TROUBLE, f'the robot is not ready ({MODES[state.mode]}): release its stop or unlock it, then recover')
        while not self._gone:
            if self._wanted:
                try:
                    self._command()
                except ReflexError as error:
                    self._wanted = False
                    self._say(TROUBLE, f'{error}: look at the arm, then recover (fci_node/recover)')
            else:
                self._watch()

    def _watch(self) -> None:
        """Say what the robot does without us, and wait for somebody who recovers it."""
        state = self._arm.read()
        self._tell(state, None)
        packet = self._hear()
        if packet == RECOVER:
            try:
                self._arm.recover()
                self._wanted = True
            except ReflexError as error:
                self._say(TROUBLE, f'the robot does not recover: {error}')
        elif packet is not None and packet[:1] == TRAJECTORY:
            self._say(TEXT, f'a trajectory was refused: the arm is not commanded ({MODES[state.mode]})')

    def _command(self) -> None:
        """Run one motion: until the robot ends it, or the node is gone and the arm at rest."""
        self._arm.begin()
        state = self._arm.receive()
        motion = Motion(self._limits, self._time_s(state, True), np.array(state.q_d_rad))
        self._say(TROUBLE, '')
        self._say(TEXT, 'the arm holds its position and waits for trajectories')
        while True:
            command = motion.step(self._time_s(state, motion.at_rest), state)
            last = self._gone and motion.at_rest and not motion.stopping
            self._arm.send(command.tolist(), last)
            if last:
                return
            self._tell(state, motion)
            self._serve(motion)
            state = self._arm.receive()

    def _serve(self, motion: Motion) -> None:
        packet = self._hear()
        if packet is not None and packet[:1] == TRAJECTORY:
            assert self._clock is not None
            stamp_s, times_s, q_rad, v_rad_s = trajectory_in(packet)
            try:
                motion.take(stamp_s - self._clock.epoch_s if stamp_s else 0.0, times_s, q_rad, v_rad_s)
            except LimitError as error:
                self._say(TEXT, f'joint_trajectory refused: {error}')
        if (self._gone or time.monotonic() - self._beat_s > SILENT_S) and not (motion.at_rest or motion.stopping):
            motion.stop()
            self._say(TEXT, 'the node is silent: the arm is brought to rest')

    def _hear(self) -> bytes | None:
        packet = poll(self._node)
        if packet == b'':
            self._gone = True
            return None
        if packet is not None:
            self._beat_s = time.monotonic()
        return packet

    def _time_s(self, state: ArmState, at_rest: bool) -> float:
        wall_s = time.time() if self._wall else None
        if self._clock is None:
            self._clock = RobotClock(state.time_s, wall_s)
        return self._clock.advance(state.time_s, wall_s, at_rest)

    def _tell(self, state: ArmState, motion: Motion | None) -> None:
        t_s = self._time_s(state, True) if motion is None else motion.time_s
        self._cycle += 1
        if self._cycle % STATE_CYCLES:
            return
        assert self._clock is not None
        reference, speed = (state.q_d_rad, state.dq_d_rad_s) if motion is None else motion.reference
        running_s = None if motion is None else motion.running_s
        said = LoopState(
            self._clock.epoch_s + t_s,
            state.time_s,
            0.0 if running_s is None else t_s - running_s,
            self._clock.behind_s,
            state.mode,
            motion is not None,
            state.success_rate,
            state.q_rad,
            state.dq_rad_s,
            tuple(reference),
            tuple(speed),
        )
        post(self._node, said.packed())

    def _say(self, kind: bytes, text: str) -> None:
        post(self._node, kind + text.encode())


def main() -> None:
    """Run the loop; what ends it is said to the node."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the node, and that ends this
    fd, robot_ip, profile, realtime, clock = sys.argv[1:]
    node = socket.socket(fileno=int(fd))
    try:
        limits = RobotProfile.load(profile).limits
        arm = LibfrankaArm(robot_ip, realtime == 'realtime')
        with contextlib.suppress(OSError):  # without the right to it the loop is as late as the computer is busy
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
        gc.collect()
        gc.freeze()
        gc.disable()
        Loop(arm, limits, node, clock == 'wall').run()
    except GenimaError as error:
        post(node, TROUBLE + str(error).encode())
        raise SystemExit(1) from error


if __name__ == '__main__':
    main()
