# SPDX-License-Identifier: Apache-2.0
"""Writing beside the callbacks of a node: a bounded queue and a thread; what does not fit is dropped and counted."""

import threading
from collections import Counter, deque

from genima.errors import DatasetError
from genima.recording.writer import BagWriter

CLOSING_S = 60.0
"""What the queue of a recording may need for a slow disk at the end [s]."""


class QueuedWriter:
    """Hands messages to a writer in a thread of its own. `put` never waits for the disk.

    Args:
        writer: That writes.
        max_bytes: Of messages that wait; at least one message always fits.
    """

    def __init__(self, writer: BagWriter, max_bytes: int) -> None:
        self.writer = writer
        self._max_bytes = max_bytes
        self._waiting: deque[tuple[str, int, bytes]] = deque()
        self._bytes = 0
        self._closing = False
        self._changed = threading.Condition()
        self._dropped: Counter[str] = Counter()
        self._trouble: str | None = None
        self._thread = threading.Thread(target=self._run, name='bag writer', daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> dict[str, int]:
        """Number of messages that were not written, by topic."""
        with self._changed:
            return dict(self._dropped)

    @property
    def trouble(self) -> str | None:
        """Why nothing can be written any more, or None."""
        return self._trouble

    @property
    def waiting_bytes(self) -> int:
        """Bytes that wait."""
        return self._bytes

    def put(self, name: str, log_time_ns: int, data: bytes) -> bool:
        """Queue a message; False if it was dropped: the queue is full, or the disk takes no more."""
        with self._changed:
            full = bool(self._waiting) and self._bytes + len(data) > self._max_bytes
            if full or self._closing or self._trouble is not None:
                self._dropped[name] += 1
                return False
            self._waiting.append((name, log_time_ns, data))
            self._bytes += len(data)
            self._changed.notify()
            return True

    def drain(self) -> None:
        """Take no more messages, and wait until those that were taken are written."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                if not self._waiting:
                    return
                name, log_time_ns, data = self._waiting[0]  # it counts until it is written
            try:
                self.writer.write(name, log_time_ns, data)
            except DatasetError as error:
                self._give_up(str(error))
                return
            with self._changed:
                self._waiting.popleft()
                self._bytes -= len(data)

    def _give_up(self, trouble: str) -> None:
        with self._changed:
            self._trouble = trouble
            self._dropped.update(name for name, _, _ in self._waiting)
            self._waiting.clear()
            self._bytes = 0
