# SPDX-License-Identifier: Apache-2.0
"""What an executor waits for and what it then does."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from rosless.dds.endpoints import Reader

from .callback_groups import CallbackGroup


class Work(NamedTuple):
    """A callback that is due.

    Attributes:
        callback: the user's function or coroutine function.
        arguments: what it is called with.
        finish: called with what it returned (a coroutine's result); None where nothing is to be done with that.
    """

    callback: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    finish: Callable[[Any], None] | None = None


class Waitable(Protocol):
    """A timer, subscription, service or client."""

    callback_group: CallbackGroup

    def take(self) -> Work | None:
        """Return what is to be done now, or None."""


class ReaderWaitable(Waitable, Protocol):
    """A waitable that has something to do when samples come."""

    reader: Reader
