# SPDX-License-Identifier: Apache-2.0
"""What a folder of failures looks like.

`<directory>/failure_000012/` is a rosbag2 bag as the recorder writes it, with the seconds around a flagged moment.
`failure.json` says why it was flagged; it is written last, so a folder without it was not finished.
"""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from genima.borders.texts import read_json
from genima.errors import BorderError, DatasetError
from genima.failures.causes import check_cause
from genima.recording.layout import write_durable
from genima.recording.numbered import list_numbered

SEGMENT, FAILURE = 'failure', 'failure.json'
SCHEMA, SCHEMA_VERSION = 'genima-failure', 1


@dataclass(frozen=True)
class Flag:
    """Why and when a moment was flagged, and what is known about it.

    Attributes:
        cause: One of `CAUSES`.
        note: In words.
        stamp_s: The moment, ROS time.
        seconds_before: How much of the segment lies before it.
        seconds_after: How much lies after it.
        task: Name of the task.
        instruction: The task in words.
        policy: Policy directory; empty where no policy ran.
        contract: Hash of its contract; likewise.
        diagnoses: What the data say: name, text and figures each; empty where nothing was found.
        diagnosed: Whether anybody looked.
    """

    cause: str
    note: str
    stamp_s: float
    seconds_before: float = 0.0
    seconds_after: float = 0.0
    task: str = ''
    instruction: str = ''
    policy: str = ''
    contract: str = ''
    diagnoses: tuple[dict[str, Any], ...] = ()
    diagnosed: bool = False


def list_segments(directory: Path | str) -> list[Path]:
    """Return the folders of all segments in the order of their numbers, finished or not.

    Raises:
        DatasetError: if there is none.
    """
    paths = list(list_numbered(directory, SEGMENT).values())
    if not paths:
        raise DatasetError(
            f'no failure_*/ in {directory}; start with failures:=true and flag a moment with the service failure_node/flag'
        )
    return paths


def is_finished(folder: Path | str) -> bool:
    """Return whether a segment was written to its end."""
    return (Path(folder) / FAILURE).is_file()


def write_flag(folder: Path | str, flag: Flag) -> None:
    """Write `failure.json` so that it is whole or absent, also after a power cut.

    Raises:
        DatasetError: if the cause is unknown.
        OSError: if the disk takes no more.
    """
    check_cause(flag.cause)
    values = {'schema': SCHEMA, 'schema_version': SCHEMA_VERSION, **asdict(flag)}
    write_durable(Path(folder) / FAILURE, json.dumps(values, indent=1) + '\n')


def read_flag(folder: Path | str) -> Flag:
    """Return what `failure.json` says.

    Raises:
        DatasetError: if the segment was not finished, or the file is damaged or of another version.
    """
    path = Path(folder) / FAILURE
    if not path.exists():
        raise DatasetError(f'{folder} was not finished (no {FAILURE}): remove it')
    try:
        values: dict[str, Any] = read_json(path)
    except BorderError as error:
        raise DatasetError(f'{path} cannot be read ({error}): remove the segment') from error
    got = values.pop('schema', None), values.pop('schema_version', None)
    if got != (SCHEMA, SCHEMA_VERSION):
        raise DatasetError(f'{path} has schema {got[0]!r} version {got[1]}; this program reads {SCHEMA!r} {SCHEMA_VERSION}')
    try:
        known = {each.name for each in fields(Flag)}
        flag = Flag(**{name: value for name, value in values.items() if name in known})
    except TypeError as error:
        raise DatasetError(f'{path} is not complete ({error}): remove the segment') from error
    check_cause(flag.cause)
    return flag
