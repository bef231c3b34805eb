# SPDX-License-Identifier: Apache-2.0
"""Nodes in one process, joined without DDS: what one publishes is handed to the others in simulated time, or spoiled."""

import heapq
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

import numpy as np
from rclpy.node import Node

from genima_bringup.faults.streams import StreamFault

NS = 1_000_000_000
Handler = Callable[[Any], None]


class StepTime:
    """Time that goes on when it is told to; takes the place of /clock, and of the steady clock, in a node."""

    def __init__(self) -> None:
        self.newest_ns = 0

    def now_ns(self) -> int:
        """Return the time."""
        return self.newest_ns

    def wait_ns(self, limit_ns: int) -> None:
        """Return at once: nobody here may wait."""


class Wires:
    """Carries messages from publishers to handlers by topic. Faults of a stream do to it what the relay does in a graph."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.faults: dict[str, tuple[StreamFault, np.random.Generator]] = {}
        self._handlers: dict[str, list[Handler]] = {}
        self._waiting: list[tuple[float, int, str, Any]] = []
        self._order = count()

    def take_over(self, node: Node) -> None:
        """Have what a node publishes come here instead of going out to DDS."""
        for publisher in node.publishers:
            topic = publisher.topic_name

            def send(message: Any, topic: str = topic) -> None:
                self.send(topic, message)

            publisher.publish = send  # type: ignore[method-assign]

    def connect(self, topic: str, handler: Handler) -> None:
        """Hand every message of a topic to somebody."""
        self._handlers.setdefault(topic, []).append(handler)

    def restart(self) -> None:
        """Begin at time 0; forget who listens, what is under way, and the faults."""
        self.now_s = 0.0
        self._handlers.clear()
        self._waiting.clear()
        self.faults.clear()

    def send(self, topic: str, message: Any, after_s: float = 0.0) -> None:
        """Send a message; it arrives after a while, or as the fault of its stream says."""
        if topic not in self._handlers:
            return
        arrivals = [(0.0, message)]
        if topic in self.faults:
            fault, rng = self.faults[topic]
            arrivals = fault(message, rng)
        for delay_s, arrival in arrivals:
            if delay_s + after_s <= 0.0:
                self._hand_over(topic, arrival)
            else:
                heapq.heappush(self._waiting, (self.now_s + delay_s + after_s, next(self._order), topic, arrival))

    def deliver(self, now_s: float) -> None:
        """Hand over what arrives by now."""
        self.now_s = now_s
        while self._waiting and self._waiting[0][0] <= now_s:
            _, _, topic, message = heapq.heappop(self._waiting)
            self._hand_over(topic, message)

    def _hand_over(self, topic: str, message: Any) -> None:
        for handler in self._handlers.get(topic, ()):
            handler(message)


class SteppedNode:
    """A node whose callbacks run when simulated time goes on, unless it is held up.

    Args:
        node: of rosless; its timers, its clock and what it subscribes to are taken over.
        wires: that it hangs on.
    """

    def __init__(self, node: Node, wires: Wires) -> None:
        self.node, self._wires = node, wires
        self.clock, self._steady = StepTime(), StepTime()
        self.clock.newest_ns = round(wires.now_s * NS)
        self._steady.newest_ns = time.monotonic_ns()  # goes on from where the node has read it
        self._steady_ahead_ns = self._steady.newest_ns - self.clock.newest_ns
        self._inbox: list[tuple[Any, Any]] = []
        self._busy = False
        node.get_clock().simulated = self.clock  # type: ignore[attr-defined]
        for timer in node.timers:
            if timer.clock is not node.get_clock():
                timer.clock.simulated = self._steady  # type: ignore[attr-defined]
            timer.reset()
        wires.take_over(node)
        for subscription in node.subscriptions:
            wires.connect(subscription.topic_name, partial(self._receive, subscription))
        wires.connect('/clock', self._tell_time)

    def step(self, now_s: float) -> None:
        """Run timers that are due and callbacks of what has come."""
        self._steady.newest_ns = round(now_s * NS) + self._steady_ahead_ns
        if self._busy:
            return
        self._busy = True
        try:
            for timer in list(self.node.timers):
                work = timer.take()  # type: ignore[attr-defined]
                if work is not None:
                    work.callback(*work.arguments)
            while self._inbox:
                subscription, message = self._inbox.pop(0)
                subscription.callback(message)
        finally:
            self._busy = False

    def call(self, name: str) -> Any:
        """Call a service by the end of its name, and return the response."""
        service = next(each for each in self.node.services if each.srv_name.endswith(f'/{name}'))
        kind = service.srv_type
        return service.callback(kind.Request(), kind.Response())

    def _receive(self, subscription: Any, message: Any) -> None:
        """Put a message into the inbox; as many of a topic are kept as its quality of service says."""
        mine = [i for i, (other, _) in enumerate(self._inbox) if other is subscription]
        if len(mine) >= max(1, subscription.qos_profile.depth):
            del self._inbox[mine[0]]
        self._inbox.append((subscription, message))

    def _tell_time(self, message: Any) -> None:
        if message.clock.sec >= 0:  # else the node's time source ignores it
            self.clock.newest_ns = message.clock.sec * NS + message.clock.nanosec
