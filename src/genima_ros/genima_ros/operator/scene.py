# SPDX-License-Identifier: Apache-2.0
"""What the scripted operator sees: joints and objects of the same moment, which makes a held object a held one."""

from collections import deque
from collections.abc import Sequence

import numpy as np
from builtin_interfaces.msg import Time as Stamp
from rclpy.node import Node
from rclpy.time import Time
from sensor_msgs.msg import JointState
from tf2_ros import TransformException

from genima.robots.profile import RobotProfile
from genima_ros.conversions.frames import listen_to_frames, transform_matrix
from genima_ros.conversions.messages import seconds
from genima_ros.core import qos
from genima_ros.operator.script import Scene

MEMORY = 40
SAME_S = 1e-4


class SceneListener:
    """Pairs the poses of objects in tf with the joint states of the same stamp.

    Args:
        node: That listens.
        profile: The robot.
        objects: Names of the frames.
    """

    def __init__(self, node: Node, profile: RobotProfile, objects: Sequence[str]) -> None:
        self._profile, self._objects = profile, objects
        self._joints: deque[tuple[Stamp, np.ndarray, float]] = deque(maxlen=MEMORY)
        self._newest: Scene | None = None
        self.stamp = Stamp()
        """Of the newest scene, to the nanosecond."""
        self._frames = listen_to_frames(node)
        node.create_subscription(JointState, 'joint_states', self._on_joints, qos.SENSOR)

    def newest(self, after_s: float = -1.0) -> Scene | None:
        """Return the newest scene, or None where there is none that is later than `after_s` (ROS time) [s]."""
        try:
            found = {name: self._frames.lookup_transform(self._profile.base_link, name, Time()) for name in self._objects}
        except TransformException:  # it was not heard of yet
            return None
        for stamp, q_rad, gripper_open in reversed(self._joints):
            if all(abs(seconds(stamp) - seconds(each.header.stamp)) < SAME_S for each in found.values()):
                state = {name: transform_matrix(each) for name, each in found.items()}
                self._newest, self.stamp = Scene(seconds(stamp), q_rad, gripper_open, state), stamp
                break
        return self._newest if self._newest is not None and self._newest.stamp_s > after_s else None

    def _on_joints(self, message: JointState) -> None:
        known = dict(zip(message.name, message.position, strict=False))
        gripper = self._profile.gripper
        if all(name in known for name in (*self._profile.arm_joints, *gripper.joints[:1])):
            q_rad = np.array([known[name] for name in self._profile.arm_joints])
            opening = gripper.opening(known[gripper.joints[0]]) if gripper.is_there else 1.0
            self._joints.append((message.header.stamp, q_rad, opening))
