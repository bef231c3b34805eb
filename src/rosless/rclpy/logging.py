# SPDX-License-Identifier: Apache-2.0
"""Loggers that write as ROS 2 does: `[INFO] [time] [name]: text`, on the error stream and on /rosout."""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable
from enum import IntEnum
from types import FrameType
from typing import Any


class LoggingSeverity(IntEnum):
    """How grave a message is."""

    UNSET = 0
    DEBUG = 10
    INFO = 20
    WARN = 30
    ERROR = 40
    FATAL = 50


Sink = Callable[[float, int, str, str, FrameType], None]  # seconds since 1970, severity, logger, text, caller
_FORMAT = '[{severity}] [{time}] [{name}]: {message}'
_COLORS = {10: '\x1b[32m', 30: '\x1b[33m', 40: '\x1b[31m', 50: '\x1b[31m'}
_levels: dict[str, LoggingSeverity] = {'': LoggingSeverity.INFO}
_sinks: dict[str, Sink] = {}
_loggers: dict[str, 'RcutilsLogger'] = {}
_output_lock = threading.Lock()


def _ancestors(name: str) -> list[str]:
    parts = name.split('.')
    return ['.'.join(parts[:count]) for count in range(len(parts), 0, -1)] + ['']


def _colored() -> bool:
    wanted = os.environ.get('RCUTILS_COLORIZED_OUTPUT')
    return sys.stderr.isatty() if wanted not in ('0', '1') else wanted == '1'


def _write(now: float, severity: int, name: str, text: str, caller: FrameType) -> None:
    line = os.environ.get('RCUTILS_CONSOLE_OUTPUT_FORMAT') or _FORMAT
    values = {
        'severity': LoggingSeverity(severity).name,
        'time_as_nanoseconds': str(int(now * 1e9)),
        'time': f'{now:.9f}',
        'name': name,
        'function_name': caller.f_code.co_name,
        'file_name': caller.f_code.co_filename,
        'line_number': str(caller.f_lineno),
        'message': text,
    }
    for key, value in values.items():
        line = line.replace(f'{{{key}}}', value)
    color = _COLORS.get(severity, '') if _colored() else ''
    # as rcutils: a node does not end because nobody reads its log any more
    with _output_lock, contextlib.suppress(OSError):
        sys.stderr.write(f'{color}{line}\x1b[0m\n' if color else f'{line}\n')
        sys.stderr.flush()


class RcutilsLogger:
    """A named logger; its level is that of the nearest part of its dotted name that has one."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._seen: set[Any] = set()
        self._last_s: dict[Any, float] = {}
        self._severities: dict[Any, int] = {}

    def get_child(self, name: str) -> 'RcutilsLogger':
        """Return the logger `<own name>.<name>`."""
        if not name:
            raise ValueError('Child logger name must not be empty.')
        return get_logger(f'{self.name}.{name}' if self.name else name)

    def set_level(self, level: int) -> None:
        """Set the least grave severity that is written; UNSET takes that of the parent."""
        set_logger_level(self.name, level)

    def get_effective_level(self) -> LoggingSeverity:
        """Return the least grave severity that is written."""
        return get_logger_effective_level(self.name)

    def is_enabled_for(self, severity: int) -> bool:
        """Return whether messages of that severity are written."""
        return severity >= self.get_effective_level()

    def _skipped(self, place: Any, once: bool, skip_first: bool, throttle_s: float | None) -> bool:
        first = place not in self._seen
        self._seen.add(place)
        if (once and not first) or (skip_first and first):
            return True
        if throttle_s is not None:
            now = time.monotonic()
            if now - self._last_s.get(place, float('-inf')) < throttle_s:
                return True
            self._last_s[place] = now
        return False

    def log(
        self,
        message: str,
        severity: int,
        *,
        once: bool = False,
        skip_first: bool = False,
        throttle_duration_sec: float | None = None,
        throttle_time_source_type: Any = None,
        _depth: int = 1,
    ) -> bool:
        """Write a message and return whether it was written.

        Args:
            message: the text; other objects are written as `str` makes them.
            severity: one of `LoggingSeverity`.
            once: write it the first time only, per line of code.
            skip_first: do not write it the first time.
            throttle_duration_sec: write it at most once in so many seconds (steady time, whatever the next says).
            throttle_time_source_type: accepted as in rclpy.

        Raises:
            ValueError: if one call in the code has another severity than before, as in rclpy.
        """
        caller = sys._getframe(_depth)
        if self._severities.setdefault((caller.f_code, caller.f_lasti), severity) != severity:
            raise ValueError('Logger severity cannot be changed between calls.')
        if not self.is_enabled_for(severity):
            return False
        if (once or skip_first or throttle_duration_sec is not None) and self._skipped(
            (caller.f_code, caller.f_lineno), once, skip_first, throttle_duration_sec
        ):
            return False
        now, text = time.time(), str(message)
        _write(now, severity, self.name, text, caller)
        for ancestor in _ancestors(self.name):
            if ancestor in _sinks:
                _sinks[ancestor](now, severity, self.name, text, caller)
                break
        return True

    def debug(self, message: str, **options: Any) -> bool:
        """Write a message with severity DEBUG; see `log` for the options."""
        return self.log(message, LoggingSeverity.DEBUG, _depth=2, **options)

    def info(self, message: str, **options: Any) -> bool:
        """Write a message with severity INFO; see `log` for the options."""
        return self.log(message, LoggingSeverity.INFO, _depth=2, **options)

    def warning(self, message: str, **options: Any) -> bool:
        """Write a message with severity WARN; see `log` for the options."""
        return self.log(message, LoggingSeverity.WARN, _depth=2, **options)

    warn = warning

    def error(self, message: str, **options: Any) -> bool:
        """Write a message with severity ERROR; see `log` for the options."""
        return self.log(message, LoggingSeverity.ERROR, _depth=2, **options)

    def fatal(self, message: str, **options: Any) -> bool:
        """Write a message with severity FATAL; see `log` for the options."""
        return self.log(message, LoggingSeverity.FATAL, _depth=2, **options)


def get_logger(name: str) -> RcutilsLogger:
    """Return the logger with that dotted name."""
    return _loggers.setdefault(name, RcutilsLogger(name))


def set_logger_level(name: str, level: int, detailed_error: bool = False) -> None:
    """Set the least grave severity that a logger and those below it write; `''` is the default of all."""
    severity = LoggingSeverity(level)
    if severity == LoggingSeverity.UNSET:
        _levels.pop(name, None)
        _levels.setdefault('', LoggingSeverity.INFO)
    else:
        _levels[name] = severity


def get_logger_level(name: str) -> LoggingSeverity:
    """Return the level that was set for exactly this logger; UNSET where none was."""
    return _levels.get(name, LoggingSeverity.UNSET)


def get_logger_effective_level(name: str) -> LoggingSeverity:
    """Return the least grave severity that a logger writes."""
    return next(_levels[ancestor] for ancestor in _ancestors(name) if ancestor in _levels)


def get_logging_severity_from_string(log_severity: str) -> LoggingSeverity:
    """Return the severity called so, in upper or lower case.

    Raises:
        ValueError: if there is none.
    """
    names = {severity.name: severity for severity in LoggingSeverity} | {'WARNING': LoggingSeverity.WARN}
    if log_severity.upper() not in names:
        raise ValueError(f'{log_severity!r} is no severity; allowed: {", ".join(names).lower()}')
    return names[log_severity.upper()]


def add_sink(name: str, sink: Sink) -> None:
    """Have `sink` called for every message of the logger and those below it."""
    _sinks[name] = sink


def remove_sink(name: str, sink: Sink) -> None:
    """Undo `add_sink`."""
    if _sinks.get(name) is sink:
        del _sinks[name]
