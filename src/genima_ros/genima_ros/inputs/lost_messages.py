# SPDX-License-Identifier: Apache-2.0
"""Messages that the middleware knows it lost (DDS: SAMPLE_LOST), where it counts them."""

from collections.abc import Callable
from typing import Any

import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile


def counts_lost_messages() -> bool:
    """Return whether the middleware tells what was lost on the network.

    Cyclone DDS does not: with 200 of 1000 best effort messages lost, 0.10.5 (Jazzy) and 11.0 (rosless) raise no event, and
    dds_get_sample_lost_status says 0.
    """
    return 'cyclonedds' not in rclpy.get_rmw_implementation_identifier()


def subscribe_raw(
    node: Node, kind: Any, topic: str, qos: QoSProfile, callback: Callable[[bytes], None], on_lost: Callable[[int], None]
) -> bool:
    """Subscribe to serialised messages.

    Args:
        node: That listens.
        kind: Class of the messages.
        topic: Its name.
        qos: What is asked for.
        callback: Called with each message in CDR.
        on_lost: Called with how many more messages were lost, where the middleware counts them.

    Returns:
        Whether it does.
    """
    if counts_lost_messages():
        from rclpy.event_handler import SubscriptionEventCallbacks, UnsupportedEventTypeError

        events = SubscriptionEventCallbacks(message_lost=lambda status: on_lost(int(status.total_count_change)))
        try:
            node.create_subscription(kind, topic, callback, qos, raw=True, event_callbacks=events)
        except UnsupportedEventTypeError:
            node.get_logger().debug(f'{rclpy.get_rmw_implementation_identifier()} does not count lost messages')
        else:
            return True
    node.create_subscription(kind, topic, callback, qos, raw=True)
    return False
