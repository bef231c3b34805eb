# SPDX-License-Identifier: Apache-2.0
"""One clear gripper command out of a noisy opening."""

from dataclasses import dataclass

from genima.chunks.plan import Chunk


@dataclass(frozen=True)
class GripperConfig:
    """When the gripper command changes.

    Attributes:
        open_above: Opening above which a chunk votes for open; between the thresholds it votes for no change.
        close_below: Opening below which it votes for closed.
        dwell: Number of chunks that have to agree one after another.
        ahead_s: How far ahead of now a chunk is read, which makes up for the time that agreeing takes.
    """

    open_above: float = 0.6
    close_below: float = 0.4
    dwell: int = 3
    ahead_s: float = 0.3


class GripperSwitch:
    """Hysteresis and dwell for the gripper."""

    def __init__(self, config: GripperConfig) -> None:
        """Start without a command."""
        self._config = config
        self.reset()

    def reset(self) -> None:
        """Forget the command and the votes."""
        self._command: float | None = None
        self._candidate: float | None = None
        self._votes = 0

    def vote(self, chunk: Chunk, now_s: float) -> float | None:
        """Count the vote of a chunk; return the new command, 1 open or 0 closed, when it changes."""
        _, opening = chunk.at(now_s + self._config.ahead_s)
        if self._config.close_below <= opening <= self._config.open_above:
            wanted = self._command
        else:
            wanted = 1.0 if opening > self._config.open_above else 0.0
        self._votes = self._votes + 1 if wanted == self._candidate else 1
        self._candidate = wanted
        if wanted == self._command or self._votes < self._config.dwell:
            return None
        self._command = wanted
        return wanted
