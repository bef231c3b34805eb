# SPDX-License-Identifier: Apache-2.0
"""Clocks: wall time, steady time, and ROS time, which is wall time or the time on /clock."""

import time
import weakref
from collections.abc import Callable
from enum import IntEnum
from typing import Protocol

from .clock_type import ClockType
from .constants import S_TO_NS
from .context import Context
from .duration import Duration
from .exceptions import NotInitializedException
from .time import Time
from .utilities import get_default_context

_SLEEP_SLICE_S = 0.05  # how soon a sleep notices that the context has ended


class SimulatedTime(Protocol):
    """Where a ROS clock gets its time from while `use_sim_time` is on."""

    newest_ns: int  # what was fetched last

    def now_ns(self) -> int:
        """Return the newest time on /clock, 0 before the first."""

    def wait_ns(self, limit_ns: int) -> None:
        """Wait for a newer time, at most `limit_ns` of steady time."""


class ClockChange(IntEnum):
    """What kind of jump happened."""

    ROS_TIME_NO_CHANGE = 1
    ROS_TIME_ACTIVATED = 2
    ROS_TIME_DEACTIVATED = 3
    SYSTEM_TIME_NO_CHANGE = 4


class JumpThreshold:
    """Which jumps are reported: forward by at least, or backward by at least so much, or changes of the source."""

    def __init__(self, *, min_forward: Duration | None, min_backward: Duration | None, on_clock_change: bool = True) -> None:
        if min_forward is not None and min_forward.nanoseconds <= 0:
            raise ValueError('min_forward must be a positive non-zero duration')
        if min_backward is not None and min_backward.nanoseconds >= 0:
            raise ValueError('min_backward must be a negative non-zero duration')
        if min_forward is None and min_backward is None and not on_clock_change:
            raise ValueError('At least one jump threshold must be enabled')
        self.min_forward, self.min_backward, self.on_clock_change = min_forward, min_backward, on_clock_change

    def exceeded(self, delta_ns: int, change: ClockChange) -> bool:
        """Return whether a jump is to be reported."""
        if change in (ClockChange.ROS_TIME_ACTIVATED, ClockChange.ROS_TIME_DEACTIVATED):
            return self.on_clock_change
        forward = self.min_forward is not None and delta_ns >= self.min_forward.nanoseconds
        return forward or (self.min_backward is not None and delta_ns <= self.min_backward.nanoseconds)


class TimeJump:
    """A jump of a clock."""

    def __init__(self, clock_change: ClockChange, delta: Duration) -> None:
        self.clock_change, self.delta = clock_change, delta


class JumpHandle:
    """Keeps jump callbacks registered until `unregister`."""

    def __init__(
        self,
        clock: 'Clock',
        threshold: JumpThreshold,
        pre_callback: Callable[[], None] | None,
        post_callback: Callable[[TimeJump], None] | None,
    ) -> None:
        self._clock, self.threshold = clock, threshold
        self.pre_callback, self.post_callback = pre_callback, post_callback

    def unregister(self) -> None:
        """Stop calling the callbacks."""
        self._clock.remove_jump_handle(self)

    def __enter__(self) -> 'JumpHandle':
        return self

    def __exit__(self, *_: object) -> None:
        self.unregister()


class Clock:
    """A clock of one kind."""

    def __init__(self, *, clock_type: ClockType = ClockType.SYSTEM_TIME) -> None:
        if clock_type == ClockType.UNINITIALIZED:
            raise ValueError('a clock needs a type')
        self._clock_type = ClockType(clock_type)
        self.simulated: SimulatedTime | None = None
        self._jump_handles: weakref.WeakSet[JumpHandle] = weakref.WeakSet()

    @property
    def clock_type(self) -> ClockType:
        """The kind of time."""
        return self._clock_type

    def now_ns(self) -> int:
        """Return the time in nanoseconds (not in rclpy)."""
        simulated = self.simulated
        if simulated is not None:
            return simulated.now_ns()
        return time.monotonic_ns() if self._clock_type == ClockType.STEADY_TIME else time.time_ns()

    def now(self) -> Time:
        """Return the time."""
        return Time(nanoseconds=self.now_ns(), clock_type=self._clock_type)

    def sleep_until(self, until: Time, context: Context | None = None) -> bool:
        """Wait until the clock shows `until`; return False if the context ended before.

        Raises:
            ValueError: if the time belongs to another kind of clock.
            NotInitializedException: if the context does not run.
        """
        context = context or get_default_context()
        if not context.ok():
            raise NotInitializedException()
        if until.clock_type != self._clock_type:
            raise ValueError(f'until is a time of another clock: {until.clock_type!r} instead of {self._clock_type!r}')
        while context.ok():
            missing_ns = until.nanoseconds - self.now_ns()
            if missing_ns <= 0:
                return True
            simulated, slice_ns = self.simulated, int(_SLEEP_SLICE_S * S_TO_NS)
            if simulated is not None:
                simulated.wait_ns(slice_ns)
            else:
                time.sleep(min(missing_ns, slice_ns) / S_TO_NS)
        return False

    def sleep_for(self, rel_time: Duration, context: Context | None = None) -> bool:
        """Wait for so much time of this clock; return False if the context ended before."""
        until = Time(nanoseconds=max(0, self.now_ns() + rel_time.nanoseconds), clock_type=self._clock_type)
        return self.sleep_until(until, context)

    def create_jump_callback(
        self,
        threshold: JumpThreshold,
        *,
        pre_callback: Callable[[], None] | None = None,
        post_callback: Callable[[TimeJump], None] | None = None,
    ) -> JumpHandle:
        """Have callbacks called when the clock jumps, as long as the returned handle is kept."""
        if pre_callback is None and post_callback is None:
            raise ValueError('One of pre_callback or post_callback must be callable')
        handle = JumpHandle(self, threshold, pre_callback, post_callback)
        self._jump_handles.add(handle)
        return handle

    def remove_jump_handle(self, handle: JumpHandle) -> None:
        """Forget a handle."""
        self._jump_handles.discard(handle)

    @property
    def reports_jumps(self) -> bool:
        """Whether someone wants to know of jumps."""
        return bool(self._jump_handles)

    def report_jump(self, delta_ns: int, change: ClockChange) -> None:
        """Call the callbacks whose threshold a jump exceeds."""
        concerned = [handle for handle in self._jump_handles if handle.threshold.exceeded(delta_ns, change)]
        for handle in concerned:
            if handle.pre_callback is not None:
                handle.pre_callback()
        for handle in concerned:
            if handle.post_callback is not None:
                handle.post_callback(TimeJump(change, Duration(nanoseconds=delta_ns)))


class ROSClock(Clock):
    """A clock that shows the time on /clock while its node has `use_sim_time`."""

    def __init__(self) -> None:
        super().__init__(clock_type=ClockType.ROS_TIME)

    @property
    def ros_time_is_active(self) -> bool:
        """Whether the time comes from /clock."""
        return self.simulated is not None


__all__ = [
    'Clock', 'ClockChange', 'ClockType', 'JumpHandle', 'JumpThreshold', 'ROSClock', 'SimulatedTime', 'TimeJump',
]  # fmt: skip
