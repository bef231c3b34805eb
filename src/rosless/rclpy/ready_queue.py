# SPDX-License-Identifier: Apache-2.0
"""What an executor waits for, and in which order things are done that became ready."""

import threading
from collections import deque
from collections.abc import Iterable
from typing import Any, cast

from rosless.dds.endpoints import Reader
from rosless.dds.participant import Participant
from rosless.dds.waitset import WaitSet

from .node_entities import NodeEntities
from .time_source import ClockTopic
from .timer import Timer
from .waitable import ReaderWaitable, Waitable, Work


def _time_left(timer: Timer) -> int | None:
    """Return the nanoseconds until a call, by the newest time that the executor has seen."""
    simulated = timer.clock.simulated
    return timer.time_until_next_call() if simulated is None else timer.time_left_at(simulated.newest_ns)


def _is_due(timer: Timer) -> bool:
    missing_ns = _time_left(timer)
    return missing_ns is not None and missing_ns <= 0


class ReadyQueue:
    """Waits for samples and timers and hands out the work one piece at a time, oldest first, timers before samples.

    Things whose callback group is busy are left out of the wait until the group is free; otherwise the wait would end
    at once again and again.
    """

    def __init__(self, participant: Participant) -> None:
        self._waitset = WaitSet(participant)
        self._lock = threading.RLock()
        self._waitables: dict[Reader, ReaderWaitable] = {}
        self._suspended: set[Waitable] = set()
        self._ready: deque[Waitable] = deque()

    def add(self, waitable: ReaderWaitable) -> None:
        """Wait for a thing from now on."""
        with self._lock:
            self._waitables[waitable.reader] = waitable
            if waitable not in self._suspended:
                self._waitset.attach(waitable.reader)

    def remove(self, waitable: ReaderWaitable) -> None:
        """Undo `add`."""
        with self._lock:
            self._waitables.pop(waitable.reader, None)
            self._waitset.detach(waitable.reader)

    def wake(self) -> None:
        """End the present or the next wait."""
        self._waitset.wake()

    def wait(self, nodes: Iterable[NodeEntities], limit_ns: int) -> bool:
        """Wait at most `limit_ns` for something to become ready; return whether something has."""
        for node in nodes:
            self._watch_simulated_time(node)
        timers = [timer for node in nodes for timer in node.timers if timer not in self._suspended]
        for timer in timers:
            missing_ns = _time_left(timer)
            if missing_ns is None:
                continue
            if missing_ns <= 0:
                limit_ns = 0
            elif timer.clock.simulated is None:  # otherwise a message on /clock ends the wait
                limit_ns = min(limit_ns, missing_ns)
        readers = self._waitset.wait(limit_ns)
        with self._lock:
            waitables = [self._waitables[reader] for reader in readers if reader in self._waitables]
        for waitable in waitables:
            if isinstance(waitable, ClockTopic):
                waitable.take()  # before the timers look at the clock
        self._ready.extend(timer for timer in timers if _is_due(timer))
        self._ready.extend(waitable for waitable in waitables if not isinstance(waitable, ClockTopic))
        return bool(self._ready)

    def _watch_simulated_time(self, node: NodeEntities) -> None:
        topic = node.clock_topic
        if topic is None:
            return
        topic.report_jumps()
        if node.needs_clock_messages():
            if topic.reader not in self._waitables:
                self.add(topic)
        elif topic.reader in self._waitables:
            self.remove(topic)

    def pop(self) -> tuple[Waitable, Work] | None:
        """Return the next piece of work, with its callback group taken; None where nothing is ready."""
        while self._ready:
            waitable = self._ready.popleft()
            work = self._begin(waitable)
            if work is not None:
                return waitable, work
        return None

    def _begin(self, waitable: Waitable) -> Work | None:
        group = waitable.callback_group
        if not group.begin_or_wait(waitable, lambda: self._suspend(waitable), lambda: self._resume(waitable)):
            return None
        work = None
        try:
            work = waitable.take()
        finally:
            if work is None:
                group.ending_execution(waitable)
        return work

    def _suspend(self, waitable: Any) -> None:
        with self._lock:
            self._suspended.add(waitable)
            if hasattr(waitable, 'reader'):
                self._waitset.detach(cast(ReaderWaitable, waitable).reader)

    def _resume(self, waitable: Any) -> None:
        with self._lock:
            self._suspended.discard(waitable)
            if hasattr(waitable, 'reader') and waitable.reader in self._waitables:
                self._waitset.attach(waitable.reader)
        self.wake()

    def close(self) -> None:
        """Give the wait set back."""
        self._waitset.close()
