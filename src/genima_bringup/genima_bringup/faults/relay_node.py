# SPDX-License-Identifier: Apache-2.0
"""Stands between the nodes: hands the messages of one stream on, and puts a fault into it when it is told to.

A process of its own, and one stream only: what it hands on is late by what this machine needs for that.
"""

import heapq
import json
from itertools import count
from typing import Any, NoReturn

import numpy as np
from genima_ros.core import qos
from genima_ros.core.parameters import declare
from genima_ros.core.run import GUARD_PRIORITY, run
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.serialization import deserialize_message
from std_msgs.msg import String

from genima_bringup.faults.cases import fault_cases
from genima_bringup.faults.detour import RELAY, links
from genima_bringup.faults.streams import StreamFault

ORDER, STATE = 'faults/order', 'faults/state'
PERIOD_S = 0.005


class RelayNode(Node):
    """Follows the orders on `faults/order` (JSON: case and seed; an empty case ends the fault), and says so."""

    def __init__(self) -> None:
        super().__init__(RELAY)
        controller = declare(self, 'controller', '', 'Name of the joint_trajectory_controller.')
        link = links(controller)[declare(self, 'link', '', 'The stream that passes.')]
        self._kind, self._rng = link.kind, np.random.default_rng(0)
        self._fault: StreamFault | None = None
        self._waiting: list[tuple[float, int, Any]] = []
        self._order = count()
        self._sink = self.create_publisher(link.kind, link.sink, link.qos)
        self._state = self.create_publisher(String, STATE, qos.LATCHED)
        # as bytes: a relay that reads what it only hands on would be late itself
        self.create_subscription(link.kind, link.source, self._pass, link.qos, raw=True)
        self.create_subscription(String, ORDER, self._obey, qos.LATCHED)
        self.create_timer(PERIOD_S, self._deliver, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _obey(self, message: String) -> None:
        order = json.loads(message.data)
        self._fault, self._rng = None, np.random.default_rng(order['seed'])
        if order['case']:
            case = next(case for case in fault_cases() if case.name == order['case'])
            self._fault = case.stream() if case.stream else None
        self._state.publish(String(data=json.dumps({'order': order, 'since_s': self._now_s()})))

    def _now_s(self) -> float:
        return 1e-9 * self.get_clock().now().nanoseconds

    def _pass(self, data: bytes) -> None:
        if self._fault is None:
            self._sink.publish(data)
            return
        for delay_s, arrival in self._fault(deserialize_message(data, self._kind), self._rng):
            if delay_s <= 0.0:
                self._sink.publish(arrival)
            else:
                heapq.heappush(self._waiting, (self._now_s() + delay_s, next(self._order), arrival))

    def _deliver(self) -> None:
        now_s = self._now_s()
        while self._waiting and self._waiting[0][0] <= now_s:
            self._sink.publish(heapq.heappop(self._waiting)[2])


def main() -> NoReturn:
    """Run the node."""
    run(RelayNode, GUARD_PRIORITY)


if __name__ == '__main__':
    main()
