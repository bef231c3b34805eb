# SPDX-License-Identifier: Apache-2.0
"""Writes one episode as a rosbag2 folder, so that a power cut costs the last moments only.

The same writer serves both middlewares: rosbag2's recorder is not there without ROS 2, and two writers would make two
kinds of files. Nor does it report what it drops, or end an episode atomically.
"""

import contextlib
import errno
import json
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from genima.errors import DatasetError
from genima.recording.bagfile import BagFile
from genima.recording.layout import METADATA, SUMMARY, sync_directory, write_durable
from genima.recording.rosbag2 import Topic
from genima.recording.summary import check_outcome, summarize

FLUSH_S = 0.4


class BagWriter:
    """An episode that is being recorded. Everything is on the disk `flush_s` later, plus what the disk needs.

    The folder is the final one; it lacks `episode.json` until `finish`. Threads may write at the same time.

    Args:
        folder: To be made, for example recordings/episode_000012.
        provenance: What the metadata of the episode will say of its origin, stored at the beginning of the file.
        compression: Of each chunk: 'none', 'lz4' or 'zstd'.
        flush_s: Time between two flushes.

    Raises:
        DatasetError: if the folder exists or cannot be made.
    """

    def __init__(
        self, folder: Path | str, provenance: Mapping[str, Any], compression: str = 'lz4', flush_s: float = FLUSH_S
    ) -> None:
        self.folder = Path(folder)
        self._provenance = dict(provenance)
        try:
            self.folder.mkdir(parents=True)
        except OSError as error:
            raise DatasetError(f'the recording {folder} cannot be made ({error}); choose another folder') from error
        about = {'episode': self.folder.name, 'provenance': json.dumps(self._provenance)}
        self._bag = BagFile(self.folder / f'{self.folder.name}_0.mcap', compression, about)
        sync_directory(self.folder.parent)
        self._lock = threading.Lock()
        self._trouble: OSError | None = None
        self._ended = threading.Event()
        self._flusher = threading.Thread(target=self._flush_often, args=(flush_s,), name='bag flusher', daemon=True)
        self._flusher.start()

    def __enter__(self) -> 'BagWriter':
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._ended.is_set():
            self.finish('unfinished', note='' if error is None else f'recording ended by {error!r}')

    @property
    def size_bytes(self) -> int:
        """Bytes written so far."""
        return self._bag.size_bytes

    @property
    def messages(self) -> dict[str, int]:
        """Number of messages so far, by topic."""
        with self._lock:
            return {name: counts.messages for name, counts in self._bag.counts.items()}

    def add_topic(self, topic: Topic) -> None:
        """Announce a topic; a second time changes nothing.

        Raises:
            DatasetError: if its definition cannot be parsed.
        """
        with self._lock:
            self._bag.add_topic(topic)

    def write(self, name: str, log_time_ns: int, data: bytes) -> None:
        """Append a message in CDR, received at `log_time_ns` (ROS time).

        Raises:
            DatasetError: if the topic was not announced, the episode has ended, or the disk takes no more.
        """
        with self._lock:
            if self._ended.is_set():
                raise DatasetError(f'{self.folder.name} has ended; it takes no more messages')
            if self._trouble is not None:
                raise self._failed(self._trouble)
            try:
                self._bag.write(name, log_time_ns, data)
            except OSError as error:
                self._trouble = error
                raise self._failed(error) from error

    def flush(self) -> None:
        """Write out everything and wait for the disk."""
        with self._lock:
            self._bag.flush()
        self._bag.sync()

    def finish(
        self,
        outcome: str,
        failure: str | None = None,
        note: str = '',
        streams: Mapping[str, Mapping[str, Any]] | None = None,
        **extra: Any,
    ) -> dict[str, Any]:
        """End the episode: index, metadata.yaml, and at last episode.json, whose content is returned.

        Args:
            outcome: 'success', 'failure' or 'unfinished'.
            failure: Cause of a failure, as `genima.episodes.episode.FAILURES` names them.
            note: In words.
            streams: What else is known of topics, by name: 'dropped' (messages), 'largest_gap_s', ...
            extra: More entries of episode.json.

        Raises:
            DatasetError: if the outcome makes no sense, the episode has ended, or the disk takes no more.
        """
        check_outcome(outcome, failure)
        self._stop()
        try:
            metadata = self._bag.close()
            write_durable(self.folder / METADATA, metadata)
            text = summarize(self._bag, outcome, failure, note, self._provenance, streams or {}, **extra)
            write_durable(self.folder / SUMMARY, text)
        except OSError as error:
            raise self._failed(error) from error
        summary: dict[str, Any] = json.loads(text)
        return summary

    def discard(self) -> None:
        """End the episode and remove it from the disk."""
        self._stop()
        self._bag.abandon()
        doomed = self.folder.with_name(f'.{self.folder.name}.discarded')
        self.folder.rename(doomed)  # at once: a kill in the middle of removing leaves no half episode
        shutil.rmtree(doomed)

    def _stop(self) -> None:
        with self._lock:
            if self._ended.is_set():
                raise DatasetError(f'{self.folder.name} has ended already')
            self._ended.set()
        self._flusher.join()

    def _flush_often(self, flush_s: float) -> None:
        while not self._ended.wait(flush_s):
            try:
                self.flush()
            except OSError as error:  # the next write says so
                with self._lock:
                    self._trouble = error

    def _failed(self, error: OSError) -> DatasetError:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return DatasetError(f'{self.folder} cannot be written: the disk is full ({error}); make room')
        with contextlib.suppress(OSError):
            free_gb = shutil.disk_usage(self.folder).free / 1e9
            return DatasetError(f'{self.folder} cannot be written: {error}; {free_gb:.1f} GB are free')
        return DatasetError(f'{self.folder} cannot be written: {error}')
