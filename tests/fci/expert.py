# SPDX-License-Identifier: Apache-2.0
"""A stand-in for painter and controller: a process that answers what it sees of arm and cube with the expert's chunks."""

import genima_ros  # isort: skip  # noqa: F401  its gate decides which rclpy this is

import numpy as np
from genima_ros.conversions.messages import seconds
from genima_ros.conversions.trajectories import chunk_message
from genima_ros.core import qos
from genima_ros.core.run import run
from genima_ros.inputs.joint_states import JointStates
from genima_ros.operator.script import Scene, Script
from rclpy.node import Node
from rclpy.parameter import Parameter
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import JointState

from genima.errors import GenimaError
from genima.recording.jog import CONTRACT
from genima.robots.profile import RobotProfile
from genima.tasks.registry import find_task
from genima_msgs.msg import ActionChunk, EpisodeStatus

MAX_AGE_S = 1.0


class Expert(Node):
    """Answers each status of the episode, ten a second of the robot's time; the guard lets an answer through or not."""

    def __init__(self) -> None:
        super().__init__('expert', parameter_overrides=[Parameter('use_sim_time', value=True)])
        self._profile = RobotProfile.load('fr3')
        self._joints = JointStates(self._profile, MAX_AGE_S)
        self._script = Script(self._profile, find_task('pick'), np.random.default_rng(0), diversion=0.0)
        self._opening, self._seen_s = 1.0, 0.0
        self._chunk = self.create_publisher(ActionChunk, 'action_chunk', qos.COMMAND)
        self.create_subscription(JointState, 'joint_states', self._on_joints, qos.NEWEST)
        self.create_subscription(EpisodeStatus, 'episode', self._on_episode, qos.COMMAND)

    def _on_joints(self, message: JointState) -> None:
        self._joints.add(message.name, message.position, message.header.stamp)

    def _on_episode(self, message: EpisodeStatus) -> None:
        stamp_s = seconds(message.header.stamp)
        try:
            q_rad, opening = self._joints.arm_at(stamp_s), self._joints.gripper_open(stamp_s)
        except GenimaError:
            return
        chunk = self._script.intent(Scene(stamp_s, q_rad, self._follow(opening, stamp_s), _state(message))).chunk
        self._chunk.publish(chunk_message(chunk, self._profile, CONTRACT))

    def _follow(self, opening: float, stamp_s: float) -> float:
        """Return the opening of fingers as fast as the mirror's: those of the simulated hand are there at once."""
        gripper = self._profile.gripper
        most = gripper.speed_m_s * min(max(stamp_s - self._seen_s, 0.0), 1.0) / (gripper.open_m - gripper.closed_m)
        self._opening += min(max(opening - self._opening, -most), most)
        self._seen_s = stamp_s
        return self._opening


def _state(message: EpisodeStatus) -> dict[str, np.ndarray]:
    state = {}
    for name, pose in zip(message.objects, message.poses, strict=True):
        place, turn, T = pose.position, pose.orientation, np.eye(4)
        T[:3, :3] = Rotation.from_quat([turn.x, turn.y, turn.z, turn.w]).as_matrix()
        T[:3, 3] = place.x, place.y, place.z
        state[name] = T
    return state


if __name__ == '__main__':
    run(Expert)
