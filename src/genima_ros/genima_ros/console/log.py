# SPDX-License-Identifier: Apache-2.0
"""What happened at the console: commands with their answers, changes of the guard, flagged failures."""

import threading
import time
from collections import deque
from typing import Any

MEMORY = 200


class ConsoleLog:
    """Keeps the newest entries; `count` tells a page when to fetch them again."""

    def __init__(self) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=MEMORY)
        self._lock = threading.Lock()
        self.count = 0

    def add(self, kind: str, text: str, ok: bool = True) -> None:
        """Add an entry.

        Args:
            kind: command, guard or failure.
            text: in words.
            ok: false where something was refused or went wrong.
        """
        with self._lock:
            self.count += 1
            self._entries.append({'number': self.count, 'time_s': time.time(), 'kind': kind, 'text': text, 'ok': ok})

    def newest_first(self) -> list[dict[str, Any]]:
        """Return the entries: number, time_s (Unix time), kind, text, ok."""
        with self._lock:
            return list(reversed(self._entries))
