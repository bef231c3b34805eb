# SPDX-License-Identifier: Apache-2.0
"""Does somebody else publish what one program alone may? Two of them would move the arm in turns."""

import time
from collections.abc import Callable, Mapping, Sequence

from rclpy.clock import Clock, ClockType
from rclpy.node import Node

PERIOD_S = 0.5
COMPANIONS = ('gripper_node',)
"""Nodes of this stack that publish joint_states beside the robot's driver, by name, one of each."""
LEASE_S = 12.0
"""A node that was killed, and started again under its name, is listed twice until DDS gives the dead one up (10 s)."""


class Rivals:
    """Looks twice a second who publishes on some topics.

    Args:
        node: that looks.
        topics: Topics with one publisher at most.
        shared: Topics with one publisher at most, and one node of each of these names beside it.
        stop: Called with a sentence that names topic and nodes, as long as there is a second publisher: at once if it is
            of another name, after `LEASE_S` if it is of the same.
    """

    def __init__(
        self, node: Node, topics: Sequence[str], shared: Mapping[str, Sequence[str]], stop: Callable[[str], None]
    ) -> None:
        self._node, self._stop = node, stop
        self._companions: dict[str, Sequence[str]] = {**dict.fromkeys(topics, ()), **shared}
        self._since_s: dict[str, float] = {}
        node.create_timer(PERIOD_S, self.look, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def look(self) -> None:
        """Look now."""
        now_s = time.monotonic()
        for topic, companions in self._companions.items():
            name = self._node.resolve_topic_name(topic)
            publishers = self._node.get_publishers_info_by_topic(name)
            nodes = sorted(f'{info.node_namespace.rstrip("/")}/{info.node_name}' for info in publishers)
            for companion in companions:
                known = next((node for node in nodes if node.rpartition('/')[2] == companion), None)
                if known is not None and len(nodes) > 1:
                    nodes.remove(known)
            if len(nodes) < 2:
                self._since_s.pop(name, None)
                continue
            since_s = self._since_s.setdefault(name, now_s)
            if len(set(nodes)) > 1 or now_s - since_s > LEASE_S:
                self._stop(f'{name} has {len(nodes)} publishers, {", ".join(nodes)}; allowed is one: end the others')
