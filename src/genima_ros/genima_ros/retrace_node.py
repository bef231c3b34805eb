# SPDX-License-Identifier: Apache-2.0
"""Moves the arm along a recorded episode, through the guard."""

from typing import NoReturn

import numpy as np
import rclpy
from sensor_msgs.msg import JointState

from genima.episodes.store import read_episode
from genima.errors import ContractError, GenimaError
from genima.recording.jog import CONTRACT, DT_S
from genima.recording.retrace import Retrace
from genima.robots.profile import RobotProfile
from genima_msgs.msg import ActionChunk, GuardStatus
from genima_ros.conversions.messages import seconds
from genima_ros.conversions.trajectories import chunk_message
from genima_ros.core import qos
from genima_ros.core.parameters import declare
from genima_ros.core.run import run
from genima_ros.core.sturdy import SturdyNode
from genima_ros.inputs.joint_states import JointStates, StaleJointsError

COMPLAINT_PERIOD_S = 2.0
REST_TICKS = 10  # the arm comes to rest


class RetraceNode(SturdyNode):
    """Publishes a chunk ten times a second while the guard is armed, and ends when the arm has gone all the way."""

    def __init__(self) -> None:
        super().__init__('retrace_node')
        robot = declare(self, 'robot', 'panda', 'Robot profile: a name in config/robots or a file.')
        path = declare(self, 'episode', '', 'Episode file (.h5) whose commands are sent.')
        age_s = declare(
            self, 'max_joint_age_s', 0.1, 'Joint positions older than this are not used [s].', between=(0.005, 5.0)
        )
        self.profile = RobotProfile.load(robot)
        self._retrace = _load(path, self.profile)
        self._joints = JointStates(self.profile, age_s)
        self._armed, self._rest, self._told = False, 0, -1
        self._worst_rad = 0.0
        self._chunk = self.create_publisher(ActionChunk, 'action_chunk', qos.COMMAND)
        self.create_subscription(JointState, 'joint_states', self._on_joints, qos.NEWEST)
        self.create_subscription(GuardStatus, 'guard/status', self._on_guard, qos.LATCHED)
        self.create_timer(DT_S, self._tick)
        self.get_logger().info(f'{path} is ready; it begins when the guard is armed')

    def run(self) -> None:
        """Spin until the arm is at the end of the episode."""
        while rclpy.ok() and self._rest < REST_TICKS:
            rclpy.spin_once(self, timeout_sec=DT_S)
        self.get_logger().info(f'done; the arm was at most {self._worst_rad:.3f} rad from the episode')

    def _on_joints(self, message: JointState) -> None:
        self._joints.add(message.name, message.position, seconds(message.header.stamp))

    def _on_guard(self, message: GuardStatus) -> None:
        self._armed = message.armed

    def _tick(self) -> None:
        now_s = 1e-9 * self.get_clock().now().nanoseconds
        try:
            q_rad, stamp_s = self._joints.arm(now_s)
        except StaleJointsError as error:
            self.get_logger().warning(f'no chunk: {error}', throttle_duration_sec=COMPLAINT_PERIOD_S)
            return
        if not self._armed:
            self.get_logger().info('waiting: the guard is not armed', throttle_duration_sec=COMPLAINT_PERIOD_S)
            return
        chunk = self._retrace.chunk(stamp_s, q_rad)
        self._worst_rad = max(self._worst_rad, self._retrace.distance_rad(q_rad))
        message = chunk_message(chunk, self.profile, CONTRACT)
        message.header.stamp = self._joints.stamp_of(stamp_s)
        self._chunk.publish(message)
        self._rest += self._retrace.done
        tenth = int(10 * self._retrace.progress)
        if tenth != self._told:
            self._told = tenth
            self.get_logger().info(f'{10 * tenth} % of the episode')


def _load(path: str, profile: RobotProfile) -> Retrace:
    """Return the way of an episode.

    Raises:
        GenimaError: if the episode cannot be read, or is another robot's.
    """
    if not path:
        raise GenimaError('retrace_node: no episode is given; set the parameter episode')
    episode = read_episode(path, images=False)
    joints = tuple(episode.metadata.get('joint_names', ()))
    if joints != tuple(profile.arm_joints):
        raise ContractError(
            f'{path} is of robot {episode.metadata.get("robot")} with joints {", ".join(joints)}; got robot {profile.name}'
            f' with joints {", ".join(profile.arm_joints)}: name its own robot (robot:=)'
        )
    return Retrace(profile, episode.timestamps_s, episode.q_command_rad, np.asarray(episode.gripper_command_open))


def main() -> NoReturn:
    """Run the node."""
    run(RetraceNode)


if __name__ == '__main__':
    main()
