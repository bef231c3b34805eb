# SPDX-License-Identifier: Apache-2.0
"""Publish transforms on /tf, and latched on /tf_static."""

from collections.abc import Iterable
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile
from tf2_msgs.msg import TFMessage


class TransformBroadcaster:
    """Sends transforms that change."""

    def __init__(self, node: Node, qos: Any = None) -> None:
        self.pub_tf = node.create_publisher(TFMessage, '/tf', qos or QoSProfile(depth=100))

    def sendTransform(self, transform: Any) -> None:
        """Send one transform, or several."""
        self.pub_tf.publish(TFMessage(transforms=_listed(transform)))


class StaticTransformBroadcaster:
    """Sends transforms that stay; each message has all of them, and late listeners get it."""

    def __init__(self, node: Node, qos: Any = None) -> None:
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL, history=HistoryPolicy.KEEP_LAST)
        self.net_message = TFMessage()
        self.pub_tf = node.create_publisher(TFMessage, '/tf_static', qos or latched)

    def sendTransform(self, transform: Any) -> None:
        """Send one transform, or several, with those sent before; they replace those of the same child."""
        known = {each.child_frame_id: each for each in [*self.net_message.transforms, *_listed(transform)]}
        self.net_message = TFMessage(transforms=list(known.values()))
        self.pub_tf.publish(self.net_message)


def _listed(transform: Any) -> list[Any]:
    return list(transform) if isinstance(transform, Iterable) else [transform]
