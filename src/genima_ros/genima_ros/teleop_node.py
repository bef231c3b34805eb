# SPDX-License-Identifier: Apache-2.0
"""Moves the arm by the keys of a terminal, through the guard, and tells the recorder what it is to record."""

import time
from typing import NoReturn

from sensor_msgs.msg import JointState

from genima.episodes.episode import FAILURES
from genima.errors import GenimaError
from genima.recording.jog import CONTRACT, DT_S, Jog
from genima.recording.keyboard import DISCARD, FAILURE_KEYS, HELP, MARK, SPEEDS_M_S, START, SUCCESS, Keyboard
from genima.robots.profile import RobotProfile
from genima_msgs.msg import ActionChunk, RecorderStatus
from genima_ros.conversions.trajectories import chunk_message
from genima_ros.core import qos
from genima_ros.core.diagnostics import refuse
from genima_ros.core.parameters import declare
from genima_ros.core.run import run
from genima_ros.core.sturdy import SturdyNode
from genima_ros.inputs.joint_states import JointStates
from genima_ros.teleop.clients import RecorderClient
from genima_ros.teleop.terminal import Terminal


class TeleopNode(SturdyNode):
    """Publishes a chunk ten times a second; it rests where no key is pressed. The guard decides what becomes of it."""

    def __init__(self) -> None:
        super().__init__('teleop_node')
        robot = declare(self, 'robot', 'panda', 'Robot profile: a name in config/robots or a file.')
        path = declare(self, 'terminal', '', 'Terminal device, as `tty` names it; empty: the one of this program.')
        age_s = declare(
            self, 'max_joint_age_s', 0.1, 'Joint positions older than this are not used [s].', between=(0.005, 5.0)
        )
        self.profile = RobotProfile.load(robot)
        self._terminal = Terminal(path)
        self._keyboard, self._jog = Keyboard(), Jog(self.profile)
        self._joints = JointStates(self.profile, age_s)
        self._began = False
        self._recorder = RecorderClient(self, self._tell)
        self._chunk = self.create_publisher(ActionChunk, 'action_chunk', qos.COMMAND)
        self.create_subscription(JointState, 'joint_states', self._on_joints, qos.NEWEST)
        self.create_subscription(RecorderStatus, 'recorder/status', self._on_status, qos.LATCHED)
        self.create_timer(DT_S, self._tick)
        self._terminal.write(HELP)

    def close(self) -> None:
        """Put the terminal back as it was."""
        self._terminal.close()

    def _on_joints(self, message: JointState) -> None:
        self._joints.add(message.name, message.position, message.header.stamp)

    def _on_status(self, message: RecorderStatus) -> None:
        if message.state == 'recording':
            facts = f'{message.elapsed_s:.0f} s, {message.size_bytes / 1e6:.0f} MB, {message.dropped} dropped'
            self._terminal.write(f'\r\033[K{"; ".join([f"{message.episode}: {facts}", *message.warnings])}')

    def _on_key(self, key: str, pressed_s: float) -> None:
        speed = self._keyboard.speed
        asked = self._keyboard.press(key, pressed_s)
        if self._keyboard.speed != speed:
            self._terminal.write(f'speed {SPEEDS_M_S[self._keyboard.speed]:.2f} m/s\n')
        if asked == START:
            self._recorder.start()
        elif asked == MARK:
            self._recorder.mark('mark')
        elif asked in (SUCCESS, DISCARD):
            self._recorder.end('success' if asked == SUCCESS else 'discard')
        elif asked is not None:
            self._recorder.end('failure', FAILURES[FAILURE_KEYS.index(asked)])

    def _tell(self, success: bool, message: str) -> None:
        self._terminal.write(f'\r\033[K{"" if success else "NO: "}{message}\n')

    def _tick(self) -> None:
        keys = self._terminal.pressed()
        now_s = 1e-9 * self.get_clock().now().nanoseconds
        try:
            q_rad, stamp_s = self._joints.arm(now_s)
            if not self._began:
                self._keyboard.gripper_open = self._joints.gripper_open(now_s) > 0.5
        except GenimaError as error:
            refuse(self, 'tick', f'no chunk: {error}')
            return
        self._began = True
        for key, pressed_s in keys:
            self._on_key(key, pressed_s)
        twist = self._keyboard.twist(time.monotonic())
        chunk = self._jog.chunk(stamp_s, q_rad, twist, float(self._keyboard.gripper_open))
        message = chunk_message(chunk, self.profile, CONTRACT)
        message.header.stamp = self._joints.stamp_of(stamp_s)
        self._chunk.publish(message)


def main() -> NoReturn:
    """Run the node."""
    run(TeleopNode)


if __name__ == '__main__':
    main()
