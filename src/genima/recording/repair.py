# SPDX-License-Identifier: Apache-2.0
"""Makes an interrupted or damaged recording whole again: what is intact is kept, and what was lost is written down."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from genima.borders.texts import parse_json
from genima.errors import BorderError, DatasetError
from genima.recording.bagfile import BagFile
from genima.recording.layout import METADATA, SUMMARY, bag_files, read_summary, sync_directory, write_durable
from genima.recording.reader import Bag
from genima.recording.summary import summarize

_TEMPORARY = '.repaired.mcap'
_NOTED = (
    'dropped',
    'lost',
    'missing',
    'gaps',
    'largest_gap_s',
    'rate_hz',
)  # what the recorder noted of a topic and the file cannot tell


@dataclass(frozen=True)
class Repair:
    """What was done to a recording; also in its episode.json, as 'repaired'.

    Attributes:
        at: When, ISO 8601, UTC.
        damage: What could not be read.
        messages: Number of messages that were kept.
        bytes_before: Size of the file; `bytes_after` likewise.
    """

    at: str
    damage: tuple[str, ...]
    messages: int
    bytes_before: int
    bytes_after: int


def repair(folder: Path | str, on_message: Callable[[int], None] = lambda count: None) -> Repair | None:
    """Rebuild the bag, metadata.yaml and episode.json of a recording in their places, in that order, each atomically.

    An episode that was not finished gets the outcome 'unfinished'; a finished one keeps its own. What was interrupted
    can be done again.

    Args:
        folder: Of the episode.
        on_message: Called with the number of messages kept so far.

    Returns:
        What was done; None if the recording is whole, and nothing was.

    Raises:
        DatasetError: if there is nothing to keep, or the bag has several files.
    """
    folder = Path(folder)
    files = bag_files(folder)
    if len(files) != 1 or not folder.is_dir() or files[0].suffix != '.mcap':
        names = ', '.join(file.name for file in files)
        raise DatasetError(f'{folder} has {names}; only a recording of this program, with one MCAP file, is repaired')
    known = _known(folder)
    bag = Bag(folder)
    count = sum(1 for _ in bag.raw())
    damage = (*bag.damage, *bag.left_out.values())
    if known and not bag.damage and (folder / METADATA).is_file():
        return None
    if not count:
        raise DatasetError(f'{folder} holds no message that can be read: remove it')
    bytes_before = files[0].stat().st_size
    rebuilt = _rebuild(bag, files[0], on_message)
    at = datetime.now(timezone.utc).isoformat(timespec='seconds')
    done = Repair(at, damage, count, bytes_before, rebuilt.size_bytes)
    write_durable(folder / SUMMARY, _summary(rebuilt, bag.about, known, done))
    return done


def _known(folder: Path) -> dict[str, Any]:
    """Return what a finished episode says of itself; nothing where it was not finished, or that is damaged, too."""
    with suppress(DatasetError):
        return read_summary(folder)
    return {}


def _rebuild(bag: Bag, path: Path, on_message: Callable[[int], None]) -> BagFile:
    """Copy what is intact, and put it and metadata.yaml into their places."""
    temporary = path.with_name(_TEMPORARY)
    temporary.unlink(missing_ok=True)
    rebuilt = BagFile(temporary, bag.compression or 'none', bag.about, path.name)
    for index, item in enumerate(bag.raw()):
        rebuilt.add_topic(item.topic)
        rebuilt.write(item.topic.name, item.log_time_ns, item.data, item.publish_time_ns)
        on_message(index + 1)
    metadata = rebuilt.close()
    os.replace(temporary, path)
    sync_directory(path.parent)
    write_durable(path.parent / METADATA, metadata)
    return rebuilt


def _summary(bag: BagFile, about: dict[str, str], known: dict[str, Any], done: Repair) -> str:
    try:
        provenance = known.get('provenance') or parse_json(about.get('provenance', '{}'))
    except BorderError:
        provenance = {}
    topics = known.get('topics', {})
    streams = {name: {key: topic[key] for key in _NOTED if key in topic} for name, topic in topics.items()}
    kept = {key: known[key] for key in ('packets_dropped',) if key in known}
    outcome, failure = known.get('outcome', 'unfinished'), known.get('failure')
    return summarize(bag, outcome, failure, known.get('note', ''), provenance, streams, repaired=asdict(done), **kept)
