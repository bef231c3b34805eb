# SPDX-License-Identifier: Apache-2.0
"""Simulated time: follows /clock while a node's parameter `use_sim_time` is true.

A simulation sends /clock some hundred times a second to every process. The newest time is therefore fetched when
somebody asks for it; the executor is woken by it only while timers or jump callbacks depend on it.
"""

import struct
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from rosgraph_msgs.msg import Clock as ClockMessage

from rosless.dds.endpoints import Reader
from rosless.dds.waitset import WaitSet

from .callback_groups import CallbackGroup, ReentrantCallbackGroup
from .clock import ClockChange, ROSClock
from .constants import S_TO_NS
from .qos import QoSProfile, ReliabilityPolicy
from .waitable import Work

if TYPE_CHECKING:
    from .node import Node

_CLOCK_BODY = struct.Struct('<4xiI')  # CDR header, seconds, nanoseconds
_CLOCK_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


def _decode_clock(payload: memoryview) -> int | None:
    """Return the time in nanoseconds; None for what is too short, or lies before the beginning."""
    if len(payload) < _CLOCK_BODY.size:
        return None
    seconds, nanoseconds = _CLOCK_BODY.unpack_from(payload)
    return int(seconds) * S_TO_NS + int(nanoseconds) if seconds >= 0 else None


class ClockTopic:
    """The newest time on /clock, and (for the executor) a thing that can be waited for."""

    def __init__(self, reader: Reader, node: 'Node', clock: ROSClock) -> None:
        self.reader = reader
        self.callback_group: CallbackGroup = ReentrantCallbackGroup()
        self._node, self._clock = node, clock
        self._lock = threading.Lock()
        self.newest_ns = 0
        self._jumps_ns: deque[int] = deque()

    def now_ns(self) -> int:
        """Return the newest time, 0 before the first."""
        before_ns = self.newest_ns
        self._fetch()
        if self.newest_ns != before_ns and self._node.needs_clock_messages():
            self._node.wake_executor()  # the sample that would have woken it is gone
        return self.newest_ns

    def _fetch(self) -> None:
        if self._lock.acquire(blocking=False):  # otherwise another thread is fetching it
            try:
                taken = self.reader.take(_decode_clock)  # the reader keeps the newest only
                if taken and taken[0] is not None:
                    if self.newest_ns and self._clock.reports_jumps:
                        self._jumps_ns.append(taken[0] - self.newest_ns)
                    self.newest_ns = taken[0]
            finally:
                self._lock.release()

    def wait_ns(self, limit_ns: int) -> None:
        """Wait for a newer time, at most `limit_ns` of steady time."""
        waiting = WaitSet(self._node.context.participant)
        try:
            waiting.attach(self.reader)
            waiting.wait(min(limit_ns, 10_000_000))  # another thread may fetch the sample that would end the wait
        finally:
            waiting.close()

    def take(self) -> Work | None:
        """Fetch the newest time; there is nothing to execute."""
        self._fetch()
        return None

    def report_jumps(self) -> None:
        """Call the jump callbacks for the times that have come; executors do this."""
        while self._jumps_ns:
            self._clock.report_jump(self._jumps_ns.popleft(), ClockChange.ROS_TIME_NO_CHANGE)


class TimeSource:
    """Switches a node's clock between wall time and /clock as its parameter `use_sim_time` says."""

    def __init__(self, node: 'Node', clock: ROSClock) -> None:
        self._node, self._clock = node, clock
        self.topic: ClockTopic | None = None
        if not node.has_parameter('use_sim_time'):
            node.declare_parameter('use_sim_time', False)
        node.add_on_set_parameters_callback(self._check)
        node.add_post_set_parameters_callback(self._apply)
        self._apply([node.get_parameter('use_sim_time')])

    def _check(self, parameters: list[Any]) -> Any:
        from rcl_interfaces.msg import SetParametersResult

        wrong = [p for p in parameters if p.name == 'use_sim_time' and p.type_ != p.Type.BOOL]
        return SetParametersResult(successful=not wrong, reason='use_sim_time must be a bool' if wrong else '')

    def _apply(self, parameters: list[Any]) -> None:
        for parameter in parameters:
            if parameter.name == 'use_sim_time' and parameter.value != (self.topic is not None):
                self._start() if parameter.value else self.stop()
                change = ClockChange.ROS_TIME_ACTIVATED if parameter.value else ClockChange.ROS_TIME_DEACTIVATED
                self._clock.report_jump(0, change)

    def _start(self) -> None:
        reader = self._node.add_reader(self._node.resolve_topic_name('/clock'), ClockMessage, _CLOCK_QOS)
        self.topic = ClockTopic(reader, self._node, self._clock)
        self._clock.simulated = self.topic
        self._node.wake_executor()

    def stop(self) -> None:
        """Return to wall time."""
        topic, self.topic = self.topic, None
        self._clock.simulated = None
        if topic is not None:
            self._node.drop_reader(topic)
