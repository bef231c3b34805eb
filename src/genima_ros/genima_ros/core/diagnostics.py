# SPDX-License-Identifier: Apache-2.0
"""How a node is, once a second on /diagnostics for standard tools; what it refuses is counted and said, not too often."""

import time
from collections import Counter
from typing import Any
from weakref import WeakKeyDictionary

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from genima_ros.conversions.messages import stamp
from genima_ros.core import qos

PERIOD_S = 1.0
RECENT_S = 3.0  # what was refused longer ago is counted, and no warning any more
COMPLAINT_PERIOD_S = 5.0
TASK = 'inputs'


class Health:
    """What a node refused, and what is wrong with it now."""

    def __init__(self) -> None:
        self.trouble = ''  # keeps the node from its work until it is empty
        self.counts: Counter[str] = Counter()
        self._recent: dict[str, tuple[float, str]] = {}
        self._said_s: dict[str, float] = {}

    def count(self, what: str, text: str) -> bool:
        """Count a refusal; return whether it is time to write it into the log."""
        now_s = time.monotonic()
        self.counts[what] += 1
        self._recent[what] = now_s, text
        if now_s - self._said_s.get(what, float('-inf')) < COMPLAINT_PERIOD_S:
            return False
        self._said_s[what] = now_s
        return True

    def status(self, node: Node) -> DiagnosticStatus:
        """Return what is true now, named as diagnostic_updater names it: node, then task."""
        now_s = time.monotonic()
        recent = [text for at_s, text in list(self._recent.values()) if now_s - at_s < RECENT_S]
        level = DiagnosticStatus.ERROR if self.trouble else DiagnosticStatus.WARN if recent else DiagnosticStatus.OK
        counts = dict(self.counts)
        values = {'refused': sum(counts.values()), **{f'refused: {what}': count for what, count in counts.items()}}
        return DiagnosticStatus(
            level=level,
            name=f'{node.get_fully_qualified_name().lstrip("/")}: {TASK}',
            message=self.trouble or '; '.join(recent) or 'running',
            values=[KeyValue(key=key, value=str(value)) for key, value in values.items()],
        )


_HEALTHS: 'WeakKeyDictionary[Node, Health]' = WeakKeyDictionary()


def health(node: Node) -> Health:
    """Return the health of a node."""
    return _HEALTHS.setdefault(node, Health())


def refuse(node: Node, what: str, text: str, severe: bool = False) -> None:
    """Count that something was refused, and write it into the node's log, not too often.

    Args:
        node: that refuses.
        what: kind of thing; each is counted and said for itself.
        text: what is wrong, and what to do.
        severe: whether it is an error rather than a warning.
    """
    if not health(node).count(what, text):
        return
    if severe:  # two calls: rclpy raises a ValueError where one call has another severity than before
        node.get_logger().error(text)
    else:
        node.get_logger().warning(text)


def report(node: Node) -> None:
    """Publish the node's health from now on."""
    publisher: Any = node.create_publisher(DiagnosticArray, '/diagnostics', qos.RELIABLE)

    def publish() -> None:
        message = DiagnosticArray(status=[health(node).status(node)])
        message.header.stamp = stamp(node.get_clock().now().nanoseconds)
        publisher.publish(message)

    node.create_timer(PERIOD_S, publish, clock=Clock(clock_type=ClockType.STEADY_TIME))
