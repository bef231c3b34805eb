# SPDX-License-Identifier: Apache-2.0
"""Functions that numba compiles: kept on disk where it can be written, compiled anew in each process where it cannot."""

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

Function = TypeVar('Function', bound=Callable[..., Any])


def compiled(**options: Any) -> Callable[[Function], Function]:
    """Return a decorator that compiles a function without the interpreter's lock.

    An installation that cannot be written to, used by somebody without a home (a container, a service), has no place for
    numba's cache, and numba then refuses to define the function at all. `NUMBA_CACHE_DIR` names a place.

    Args:
        options: Of `numba.njit`.
    """

    def decorate(function: Function) -> Function:
        try:
            dispatcher: Function = njit(cache=True, nogil=True, **options)(function)
        except RuntimeError:  # no locator available: nowhere to write
            dispatcher = njit(nogil=True, **options)(function)
        return dispatcher

    return decorate
