# SPDX-License-Identifier: Apache-2.0
"""Timers, and rates that are built on them."""

import threading
from collections.abc import Callable
from typing import Any

from .callback_groups import CallbackGroup
from .clock import Clock
from .clock_type import ClockType
from .exceptions import InvalidHandle
from .time import Time
from .waitable import Work


class TimerInfo:
    """When a call was due and when it came; for callbacks that take an argument."""

    def __init__(self, expected_call_time: Time, actual_call_time: Time) -> None:
        self.expected_call_time, self.actual_call_time = expected_call_time, actual_call_time


class Timer:
    """Calls a function once per period of a clock.

    Due times lie on a grid that starts with the timer; calls that come late do not shift it, missed ones are left out.
    When the clock goes back by more than one period, the grid starts again.
    """

    def __init__(
        self,
        callback: Callable[..., Any] | None,
        callback_group: CallbackGroup,
        timer_period_ns: int,
        clock: Clock,
        *,
        autostart: bool = True,
        wake: Callable[[], None] = lambda: None,
        pass_info: bool = False,
    ) -> None:
        if timer_period_ns < 0:
            raise ValueError('timer period must be greater than or equal to zero')
        self.callback, self.callback_group, self._clock = callback, callback_group, clock
        self._period_ns, self._wake, self._pass_info = timer_period_ns, wake, pass_info
        self._last_ns = clock.now_ns()
        self._next_ns = self._last_ns + timer_period_ns
        self._canceled = not autostart
        self.destroyed = False

    @property
    def clock(self) -> Clock:
        """The clock that it runs on."""
        return self._clock

    @property
    def timer_period_ns(self) -> int:
        """The period in nanoseconds. A new one counts from the last call on."""
        return self._period_ns

    @timer_period_ns.setter
    def timer_period_ns(self, value: int) -> None:
        if value < 0:
            raise ValueError('timer period must be greater than or equal to zero')
        self._period_ns = int(value)
        self._next_ns = self._last_ns + self._period_ns
        self._wake()

    def time_until_next_call(self) -> int | None:
        """Return the nanoseconds until the next call, negative where it is late; None where canceled."""
        return self.time_left_at(self._clock.now_ns())

    def time_left_at(self, now_ns: int) -> int | None:
        """Return the same for a given time of the timer's clock (not in rclpy)."""
        if self._canceled:
            return None
        if now_ns < self._last_ns:  # the clock went back
            self._last_ns, self._next_ns = now_ns, min(self._next_ns, now_ns + self._period_ns)
        return self._next_ns - now_ns

    def time_since_last_call(self) -> int:
        """Return the nanoseconds since the last call, or since the start."""
        return self._clock.now_ns() - self._last_ns

    def is_ready(self) -> bool:
        """Return whether a call is due."""
        missing_ns = self.time_until_next_call()
        return missing_ns is not None and missing_ns <= 0

    def is_canceled(self) -> bool:
        """Return whether `cancel` was called after the last `reset`."""
        return self._canceled

    def cancel(self) -> None:
        """Make no more calls until `reset`."""
        self._canceled = True

    def reset(self) -> None:
        """Start again: the next call comes one period from now."""
        if self.destroyed:
            raise InvalidHandle('cannot use Destroyable because destruction was requested')
        self._last_ns = self._clock.now_ns()
        self._next_ns = self._last_ns + self._period_ns
        self._canceled = False
        self._wake()

    def take(self) -> Work | None:
        """Return the call if it is due, and plan the next one."""
        if self.callback is None or not self.is_ready():
            return None
        now_ns, expected_ns = self._clock.now_ns(), self._next_ns
        self._last_ns = now_ns
        self._next_ns += self._period_ns
        if self._next_ns <= now_ns and self._period_ns:
            self._next_ns = now_ns + self._period_ns - (now_ns - self._next_ns) % self._period_ns
        if not self._pass_info:
            return Work(self.callback)
        kind: ClockType = self._clock.clock_type
        expected, actual = (Time(nanoseconds=at, clock_type=kind) for at in (expected_ns, now_ns))
        return Work(self.callback, (TimerInfo(expected, actual),))

    def destroy(self) -> None:
        """Stop for good."""
        self._canceled = self.destroyed = True


class Rate:
    """`sleep` returns once per period; another thread must spin the node."""

    def __init__(self, timer: Timer, *, context: Any) -> None:
        self.timer, self._context = timer, context
        self._event = threading.Event()
        self._destroyed = False
        timer.callback = self._event.set

    def sleep(self) -> None:
        """Wait for the next period.

        Raises:
            RuntimeError: if the node is not spun because the context ended, or the rate was destroyed.
        """
        self._event.clear()
        while not self._event.wait(0.1):
            if self._destroyed or not self._context.ok():
                raise RuntimeError('the rate was destroyed or the context has ended')

    def destroy(self) -> None:
        """End a `sleep` that is going on, with an error."""
        self._destroyed = True
        self.timer.destroy()
