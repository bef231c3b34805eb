# SPDX-License-Identifier: Apache-2.0
"""Feeds a buffer from /tf and /tf_static."""

from typing import Any

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile
from tf2_msgs.msg import TFMessage

from .buffer import Buffer

DEPTH = 100


class TransformListener:
    """Subscribes for a buffer; the callbacks run where the node is spun.

    Args:
        buffer: That is fed.
        node: That listens.
        spin_thread: Only False.
        qos: Of /tf, and `static_qos` of /tf_static.
    """

    def __init__(
        self, buffer: Buffer, node: Node, *, spin_thread: bool = False, qos: Any = None, static_qos: Any = None
    ) -> None:
        if spin_thread:
            raise NotImplementedError('rosless: tf2_ros.TransformListener has no thread of its own; spin the node')
        moving, static = _quality(DurabilityPolicy.VOLATILE), _quality(DurabilityPolicy.TRANSIENT_LOCAL)
        self.buffer, self.node, self.group = buffer, node, ReentrantCallbackGroup()
        self.tf_sub = node.create_subscription(TFMessage, '/tf', self.callback, qos or moving, callback_group=self.group)
        self.tf_static_sub = node.create_subscription(
            TFMessage, '/tf_static', self.static_callback, static_qos or static, callback_group=self.group
        )

    def callback(self, data: TFMessage) -> None:
        """Take a message of /tf."""
        for transform in data.transforms:
            self.buffer.set_transform(transform, 'default_authority')

    def static_callback(self, data: TFMessage) -> None:
        """Take a message of /tf_static."""
        for transform in data.transforms:
            self.buffer.set_transform_static(transform, 'default_authority')

    def unregister(self) -> None:
        """Listen no more."""
        self.node.destroy_subscription(self.tf_sub)
        self.node.destroy_subscription(self.tf_static_sub)


def _quality(durability: DurabilityPolicy) -> QoSProfile:
    return QoSProfile(depth=DEPTH, durability=durability, history=HistoryPolicy.KEEP_LAST)
