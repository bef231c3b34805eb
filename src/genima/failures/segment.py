# SPDX-License-Identifier: Apache-2.0
"""Writes a segment: the bag first, `failure.json` last."""

import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from genima.errors import DatasetError
from genima.failures.layout import Flag, write_flag
from genima.failures.ring import Kept
from genima.recording.rosbag2 import Topic
from genima.recording.writer import BagWriter


def write_segment(
    folder: Path,
    topics: Sequence[Topic],
    messages: Sequence[Kept],
    provenance: Mapping[str, Any],
    flag: Flag,
    compression: str = 'lz4',
) -> dict[str, Any]:
    """Write the seconds around a flagged moment; return what episode.json says.

    Args:
        folder: To be made.
        topics: What may be among the messages.
        messages: In the order of their times.
        provenance: As an episode has it, see docs/dataset.md.
        flag: Why it was flagged.
        compression: Of the bag.

    Raises:
        DatasetError: if the disk takes no more, or the folder exists. Nothing half-written is left behind.
    """
    writer = BagWriter(folder, provenance, compression)
    try:
        for topic in topics:
            writer.add_topic(topic)
        for message in messages:
            writer.write(*message)
        summary = writer.finish('failure', flag.cause, flag.note)
        write_flag(folder, flag)
    except (DatasetError, OSError) as error:
        with suppress(DatasetError, OSError):  # it has ended already
            writer.discard()
        shutil.rmtree(folder, ignore_errors=True)
        raise DatasetError(f'{folder.name} was not kept: {error}') from error
    return summary
