# SPDX-License-Identifier: Apache-2.0
"""Writes segments one after the other beside the callbacks of a node, and diagnoses them."""

import threading
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

from genima.errors import DatasetError, GenimaError
from genima.failures.cutter import Segment
from genima.failures.reading import diagnose_segment
from genima.failures.segment import write_segment
from genima.recording.rosbag2 import Topic


class SegmentJob(NamedTuple):
    """A complete segment, and what else is written with it; see `write_segment`."""

    segment: Segment
    topics: Sequence[Topic]
    provenance: dict[str, Any]
    compression: str


class SegmentWriter:
    """A thread that writes.

    Args:
        logger: Of the node.
        diagnose: Whether segments are diagnosed, too; not those that are written while the node ends.
    """

    def __init__(self, logger: Any, diagnose: bool) -> None:
        self._logger, self._diagnoses = logger, diagnose
        self._jobs: SimpleQueue[SegmentJob | None] = SimpleQueue()
        self._closing = False
        self.trouble = ''
        self._thread = threading.Thread(target=self._run, name='segment writer', daemon=True)
        self._thread.start()

    def put(self, job: SegmentJob) -> None:
        """Hand over a segment; never waits for the disk."""
        self._jobs.put(job)

    def close(self) -> None:
        """Wait until all are written."""
        self._closing = True
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            segment, topics, provenance, compression = job
            folder, flag, cut = segment.folder, segment.flag, segment.cut
            try:
                summary = write_segment(folder, topics, cut.messages, provenance, flag, compression)
            except DatasetError as error:
                self.trouble = f'The last one was lost: {error}'
                self._logger.error(str(error))
                continue
            self.trouble = ''
            self._logger.info(_in_words(segment, summary))
            if self._diagnoses and not self._closing:
                self._diagnose(folder)

    def _diagnose(self, folder: Path) -> None:
        try:
            flag = diagnose_segment(folder)
        except (GenimaError, OSError) as error:
            self._logger.warning(f'{folder.name} cannot be diagnosed: {error}')
            return
        for diagnosis in flag.diagnoses:
            self._logger.info(f'{folder.name}: {diagnosis["text"]}')


def _in_words(segment: Segment, summary: dict[str, Any]) -> str:
    flag, dropped = segment.flag, segment.cut.dropped
    lost = f', {dropped} messages did not fit into memory' if dropped else ''
    return (
        f'{segment.folder.name} kept: {flag.cause}, {flag.seconds_before:.1f} s before, {flag.seconds_after:.1f} s after, '
        f'{summary["messages"]} messages, {summary["bytes"] / 1e6:.1f} MB{lost}'
    )
