# SPDX-License-Identifier: Apache-2.0
"""What a folder of failures says: how often what, in which task, and what the data say about each."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genima.errors import GenimaError
from genima.failures.causes import CAUSES
from genima.failures.diagnose import SPEAKS_FOR
from genima.failures.layout import Flag, is_finished, list_segments, read_flag
from genima.failures.reading import diagnose_segment

NO_TASK = '(no task)'


@dataclass(frozen=True)
class SegmentReport:
    """One segment.

    Attributes:
        folder: Where it is.
        flag: Why it was flagged, with its diagnoses; None where it was not finished, or is damaged.
        trouble: Why it could not be read or diagnosed; empty if it could.
    """

    folder: Path
    flag: Flag | None
    trouble: str = ''

    @property
    def task(self) -> str:
        """Name of the task."""
        return (self.flag.task if self.flag else '') or NO_TASK

    @property
    def suspected(self) -> list[str]:
        """Causes that the diagnoses speak for, without repetition."""
        names = [str(each['name']) for each in self.flag.diagnoses] if self.flag else []
        return list(dict.fromkeys(SPEAKS_FOR[name] for name in names if name in SPEAKS_FOR))

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        flag = vars(self.flag) if self.flag else {}
        return {'folder': str(self.folder), **flag, 'suspected': self.suspected, 'trouble': self.trouble}


def read_segments(directory: Path | str, policy: Path | str = '', again: bool = False) -> Iterator[SegmentReport]:
    """Yield what each segment of a folder says; one that was not diagnosed yet is, and keeps that.

    Args:
        directory: The folder.
        policy: Directory of the policy that ran; empty: the segments have its contract.
        again: Diagnose those, too, that were diagnosed before.

    Raises:
        DatasetError: if there is no segment.
    """
    for folder in list_segments(directory):
        yield _read(folder, policy, again)


def _read(folder: Path, policy: Path | str, again: bool) -> SegmentReport:
    if not is_finished(folder):
        return SegmentReport(folder, None, 'was not finished: remove it')
    try:
        flag = read_flag(folder)
    except GenimaError as error:
        return SegmentReport(folder, None, str(error))
    if flag.diagnosed and not again:
        return SegmentReport(folder, flag)
    try:
        return SegmentReport(folder, diagnose_segment(folder, policy))
    except (GenimaError, OSError) as error:
        return SegmentReport(folder, flag, f'not diagnosed: {error}')


def count_causes(segments: Sequence[SegmentReport]) -> dict[str, dict[str, int]]:
    """Return task to cause to how often it was flagged; causes that nobody gave are left out."""
    counts: dict[str, Counter[str]] = {}
    for segment in segments:
        if segment.flag is not None:
            counts.setdefault(segment.task, Counter())[segment.flag.cause] += 1
    return {task: {cause: counts[task][cause] for cause in CAUSES if counts[task][cause]} for task in sorted(counts)}


def count_diagnoses(segments: Sequence[SegmentReport]) -> dict[str, int]:
    """Return diagnosis to in how many segments it was made; those that never were are left out."""
    names = Counter(str(each['name']) for segment in segments if segment.flag for each in segment.flag.diagnoses)
    return {name: names[name] for name in SPEAKS_FOR if names[name]}
