# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C and termination end spinning."""

import signal
import threading
from collections.abc import Callable
from enum import IntEnum
from types import FrameType
from typing import Any

from .context import Context


class SignalHandlerOptions(IntEnum):
    """Which signals end the contexts."""

    NO = 0
    SIGINT = 1
    SIGTERM = 2
    ALL = 3


_SIGNALS = {signal.SIGINT: SignalHandlerOptions.SIGINT, signal.SIGTERM: SignalHandlerOptions.SIGTERM}
_contexts: list[Context] = []
_installed: dict[int, tuple[Callable[..., Any], Any]] = {}  # signal -> (our handler, the one before)


class Shield:
    """While it is up in the main thread, Ctrl-C is noted; KeyboardInterrupt is raised when it comes down.

    Raised anywhere in an executor it could leave a lock taken, and the process would hang at its end.
    """

    def __init__(self) -> None:
        self._main = threading.main_thread().ident
        self._depth = 0
        self._pending: list[int] = []

    def __enter__(self) -> None:
        if threading.get_ident() == self._main:
            self._depth += 1

    def __exit__(self, *_: object) -> None:
        if threading.get_ident() != self._main:
            return
        self._depth -= 1
        while self._pending and not self._depth:
            try:
                _call_previous(self._pending.pop(), None)
            except KeyboardInterrupt as interrupt:
                raise interrupt from None  # not "during the handling of" an ExternalShutdownException

    def holds_back(self, number: int) -> bool:
        """Return whether a signal has to wait, and note it if so; called in the main thread."""
        if self._depth:
            self._pending.append(number)
        return self._depth > 0


shield = Shield()


def _call_previous(number: int, frame: FrameType | None) -> None:
    previous = _installed[number][1] if number in _installed else signal.getsignal(number)
    if callable(previous):  # Python's own handler of SIGINT raises KeyboardInterrupt
        previous(number, frame)


def _handle(number: int, frame: FrameType | None) -> None:
    for context in list(_contexts):
        context.interrupt()
    if not shield.holds_back(number):
        _call_previous(number, frame)


def install_signal_handlers(options: SignalHandlerOptions = SignalHandlerOptions.ALL) -> None:
    """Have the signals end all contexts in `watch`; the handlers from before are called afterwards.

    Outside the main thread this does nothing, because Python allows it there only.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number, option in _SIGNALS.items():
        if options & option and number not in _installed:
            _installed[number] = (_handle, signal.getsignal(number))
            signal.signal(number, _handle)


def uninstall_signal_handlers() -> None:
    """Put the handlers from before back, unless someone else has replaced ours."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number, (ours, previous) in list(_installed.items()):
        if signal.getsignal(number) is ours:
            signal.signal(number, previous)
            del _installed[number]


def get_current_signal_handlers_options() -> SignalHandlerOptions:
    """Return which signals end the contexts now."""
    return SignalHandlerOptions(sum(_SIGNALS[signal.Signals(number)] for number in _installed))


def watch(context: Context) -> None:
    """Have a context ended by the signals."""
    if context not in _contexts:
        _contexts.append(context)


def unwatch(context: Context) -> None:
    """Undo `watch`."""
    if context in _contexts:
        _contexts.remove(context)
