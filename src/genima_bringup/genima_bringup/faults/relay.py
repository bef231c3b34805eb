# SPDX-License-Identifier: Apache-2.0
"""Stands between the nodes: hands messages on, and puts a fault into one stream at a time."""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message

from genima_bringup.faults.streams import StreamFault

PERIOD_S = 0.005


@dataclass(frozen=True)
class Link:
    """A stream that passes the relay.

    Attributes:
        kind: Class of its messages.
        source: Topic that the relay reads.
        sink: Topic that it writes.
        qos: Of the reader and the writer.
    """

    kind: Any
    source: str
    sink: str
    qos: QoSProfile


class Relay:
    """Hands on what passes its links; `inject` a fault, and `clear` it again.

    Args:
        node: whose subscriptions and publishers these are.
        links: by name.
        seed: of the faults that are random.
    """

    def __init__(self, node: Node, links: Mapping[str, Link]) -> None:
        self._node = node
        self._links, self._faults = dict(links), dict[str, StreamFault]()
        self._rng = np.random.default_rng(0)
        self._waiting: list[tuple[float, int, str, Any]] = []
        self._order = count()
        self._sinks = {name: node.create_publisher(link.kind, link.sink, link.qos) for name, link in links.items()}
        for name, link in links.items():
            self._listen(name, link)
        node.create_timer(PERIOD_S, self._deliver, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def inject(self, name: str, fault: StreamFault, seed: int) -> None:
        """Put a fault into a stream."""
        if name not in self._sinks:
            raise KeyError(f'no link {name!r}; there are {", ".join(self._sinks)}')
        self._rng = np.random.default_rng(seed)
        self._faults[name] = fault

    def clear(self) -> None:
        """End all faults; what is under way still arrives."""
        self._faults.clear()

    def _listen(self, name: str, link: Link) -> None:
        # as bytes: a relay that reads what it only hands on would be late itself
        self._node.create_subscription(link.kind, link.source, lambda data: self._pass(name, data), link.qos, raw=True)

    def _now_s(self) -> float:
        return 1e-9 * self._node.get_clock().now().nanoseconds

    def _pass(self, name: str, data: bytes) -> None:
        fault = self._faults.get(name)
        if fault is None:
            self._sinks[name].publish(data)
            return
        for delay_s, arrival in fault(deserialize_message(data, self._links[name].kind), self._rng):
            if delay_s <= 0.0:
                self._sinks[name].publish(arrival)
            else:
                heapq.heappush(self._waiting, (self._now_s() + delay_s, next(self._order), name, arrival))

    def _deliver(self) -> None:
        now_s = self._now_s()
        while self._waiting and self._waiting[0][0] <= now_s:
            _, _, name, message = heapq.heappop(self._waiting)
            self._sinks[name].publish(message)
