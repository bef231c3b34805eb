# SPDX-License-Identifier: Apache-2.0
"""The page of `genima failures report`: counts, diagnoses, and the images of the flagged moments."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path

from genima.errors import GenimaError
from genima.evaluate.report import Pair, Report
from genima.failures.causes import CAUSES
from genima.failures.diagnose import SPEAKS_FOR
from genima.failures.reading import SegmentReader, contract_of
from genima.failures.report import SegmentReport, count_causes, count_diagnoses

PICTURES = 48  # a page with more is slow to open
SIMULATED_S = 1e8  # ROS time below this began at 0, not in 1970


def failures_page(folder: Path, segments: Sequence[SegmentReport], policy: Path | str) -> str:
    """Return the page of a folder of failures as HTML.

    Args:
        folder: Of all segments.
        segments: What each says.
        policy: Directory of the policy that ran; empty: the segments have its contract.
    """
    report = Report(f'Failures in {folder}', f'{len(segments)} flagged moments')
    causes = count_causes(segments)
    rows = [[task, cause, CAUSES[cause], count] for task, counts in causes.items() for cause, count in counts.items()]
    report.add_table('Flagged by operators', ['task', 'cause', 'which means', 'times'], rows)
    found = count_diagnoses(segments)
    if found:
        cells = [[name, SPEAKS_FOR[name], count] for name, count in found.items()]
        report.add_table('Found in the data', ['diagnosis', 'speaks for', 'segments'], cells)
    report.add_table(
        'Segments', ['segment', 'when, UTC', 'task', 'flagged as', 'note', 'what the data say'], _rows(segments)
    )
    report.add_pairs('Flagged moments: camera views, and the target painted on them', _pairs(segments, policy))
    return report.html()


def _rows(segments: Sequence[SegmentReport]) -> Iterator[list[str]]:
    for segment in segments:
        flag = segment.flag
        if flag is None:
            yield [segment.folder.name, '', segment.task, '', '', segment.trouble]
            continue
        said = '; '.join(str(each['text']) for each in flag.diagnoses)
        what = segment.trouble or said or 'nothing found'
        yield [segment.folder.name, _when(flag.stamp_s), segment.task, flag.cause, flag.note, what]


def _when(stamp_s: float) -> str:
    if stamp_s < SIMULATED_S:
        return f'{stamp_s:.1f} s, simulated'
    return datetime.fromtimestamp(stamp_s, timezone.utc).strftime('%Y-%m-%d %H:%M:%S')


def _pairs(segments: Sequence[SegmentReport], policy: Path | str) -> Iterator[Pair]:
    """Yield the images of the newest moments; a segment that has none is left out, its row says why."""
    for segment in [each for each in segments if each.flag is not None][-PICTURES:]:
        try:
            reader = SegmentReader(segment.folder, contract_of(segment.folder, policy))
            views, target = reader.pictures(segment.flag.stamp_s if segment.flag else 0.0)
        except GenimaError:
            continue
        suspected = f'; the data speak for {", ".join(segment.suspected)}' if segment.suspected else ''
        yield Pair(f'{segment.folder.name}: {segment.flag.cause if segment.flag else ""}{suspected}', views, target)
