# SPDX-License-Identifier: Apache-2.0
"""Waiting for samples on many readers at once, and for other threads."""

import ctypes as ct
import threading

from rosless.dds.endpoints import Reader
from rosless.dds.library import check, lib
from rosless.dds.participant import Participant

_MOST_AT_ONCE = 256
_WAKE_TOKEN = 0


class WaitSet:
    """A set of readers that one thread waits for; any thread can change it and wake it."""

    def __init__(self, participant: Participant) -> None:
        self._handle = check(lib.dds_create_waitset(participant.handle), 'wait set')
        self._guard = check(lib.dds_create_guardcondition(participant.handle), 'guard condition')
        self._triggered = (ct.c_ssize_t * _MOST_AT_ONCE)()
        self._lock = threading.Lock()  # of the three below
        self._last_token = _WAKE_TOKEN
        self._tokens: dict[Reader, int] = {}
        self._readers: dict[int, Reader] = {}
        check(lib.dds_waitset_attach(self._handle, self._guard, _WAKE_TOKEN), 'attach')

    def attach(self, reader: Reader) -> None:
        """Watch `reader`; nothing happens if it is watched already or closed."""
        with self._lock:
            if reader in self._tokens or reader.handle < 0:
                return
            self._last_token += 1
            check(lib.dds_waitset_attach(self._handle, reader.condition, self._last_token), 'attach')
            self._tokens[reader] = self._last_token
            self._readers[self._last_token] = reader

    def detach(self, reader: Reader) -> None:
        """Stop watching `reader`; nothing happens if it is not watched."""
        with self._lock:
            token = self._tokens.pop(reader, None)
            if token is not None:
                del self._readers[token]
                lib.dds_waitset_detach(self._handle, reader.condition)

    def wake(self) -> None:
        """End the present or the next wait."""
        lib.dds_set_guardcondition(self._guard, True)

    def wait(self, timeout_ns: int) -> list[Reader]:
        """Wait at most `timeout_ns` and return the readers that have samples; empty on a time-out or after `wake`."""
        count = lib.dds_waitset_wait(self._handle, self._triggered, _MOST_AT_ONCE, timeout_ns)
        if count <= 0:
            return []
        tokens = set(self._triggered[: min(count, _MOST_AT_ONCE)])
        if _WAKE_TOKEN in tokens:
            lib.dds_take_guardcondition(self._guard, ct.byref(ct.c_bool()))
        with self._lock:
            return [self._readers[token] for token in sorted(tokens) if token in self._readers]

    def close(self) -> None:
        """Delete the wait set."""
        lib.dds_delete(self._handle)
        lib.dds_delete(self._guard)
