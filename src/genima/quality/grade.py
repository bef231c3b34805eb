# SPDX-License-Identifier: Apache-2.0
"""A letter for a dataset, from named measures; each threshold says where it is from.

The grade is the worst letter of what could be measured. What could not be measured, or in fewer than half of the
episodes, keeps a dataset from an A, for an A says that all was looked at.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import h5py

from genima.episodes.catalogue import summarize
from genima.episodes.dataset import read_card
from genima.episodes.frames import open_views
from genima.episodes.index import Entry, refresh_index
from genima.episodes.labels import alpha, read_labels
from genima.episodes.store import read_episode
from genima.errors import DatasetError
from genima.quality.filters import measure_all
from genima.quality.verdict import FAIL, PASS, Quality, Thresholds

LETTERS = 'ABCDF'
BEST_UNMEASURED, LEAST_MEASURED = 'B', 0.5
_PAGE = 'training-data page'
_OURS = 'chosen here'
_STEPS = f'12 %, as many as are usually rejected: {_PAGE}; other steps: {_OURS}'


@dataclass(frozen=True)
class Scale:
    """How a value becomes a letter.

    Attributes:
        name: Of the measure.
        bounds: Of A, B, C and D; what is worse is an F.
        rises: Whether larger is better.
        unit: Of value and bounds.
        source: Where the bounds are from.
    """

    name: str
    bounds: tuple[float, float, float, float]
    rises: bool
    unit: str
    source: str

    def letter(self, value: float) -> str:
        """Return the letter of a value."""
        for letter, bound in zip(LETTERS, self.bounds, strict=False):
            if value >= bound if self.rises else value <= bound:
                return letter
        return LETTERS[-1]


SCALES = {
    scale.name: scale
    for scale in (
        Scale('sound', (0.0, 1.0, 5.0, 10.0), False, '% with errors', f'{_OURS}: an unsound file teaches what is wrong'),
        Scale('speed', (0.0, 5.0, 12.0, 25.0), False, '% over 2 rad/s', f'limit: {_PAGE}; {_STEPS}'),
        Scale('drift', (0.0, 5.0, 12.0, 25.0), False, '% over 5 px', f'limit: {_PAGE}; {_STEPS}'),
        Scale('labels', (0.0, 5.0, 12.0, 25.0), False, '% in dispute', _STEPS),
        Scale('skew', (0.0, 5.0, 12.0, 25.0), False, '% over 50 ms', f'limit: {_OURS}, half a step at 10 Hz; {_STEPS}'),
        Scale('repeats', (0.0, 5.0, 12.0, 25.0), False, '% over 20 %', f'limit: {_OURS}; {_STEPS}'),
        Scale(
            'agreement', (0.8, 0.8, 0.667, 0.5), True, "Krippendorff's alpha",
            f'Krippendorff, Content Analysis (2019), ch. 12: 0.8 reliable, 0.667 lowest for tentative use; 0.5: {_OURS}',
        ),
        Scale(
            'judged', (100.0, 95.0, 80.0, 50.0), True, '% judged',
            f'{_PAGE}: every demonstration includes success labels; below 100 %: {_OURS}',
        ),
        Scale(
            'demonstrations', (100.0, 50.0, 25.0, 10.0), True, 'of the rarest task',
            f'{_PAGE}: 100 in simulation, 25 on the robot, 10 the fewest on offer; 50: {_OURS}',
        ),
        Scale('rate', (100.0, 95.0, 80.0, 50.0), True, '% at 10 to 30 Hz', f'rates: {_PAGE}; shares: {_OURS}'),
        Scale('image size', (128.0, 128.0, 96.0, 64.0), True, 'px, shorter edge', f'128: {_PAGE}; below: {_OURS}'),
        Scale('diversity', (6.0, 3.0, 1.0, 0.0), True, 'conditions', f'{_PAGE}: low 1 to 2, medium 3 to 5, high 6 and more'),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Mark:
    """One measure of a dataset: its letter (empty where it is not measurable), value, and what was seen."""

    name: str
    letter: str
    value: float | None
    unit: str
    text: str
    source: str


@dataclass(frozen=True)
class Grade:
    """Of a dataset: the letter, and the marks that make it."""

    letter: str
    marks: tuple[Mark, ...]

    def reaches(self, letter: str) -> bool:
        """Return whether the grade is at least as good as a letter."""
        return LETTERS.index(self.letter) <= LETTERS.index(letter)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def grade(folder: Path | str, on_done: Callable[[str], None] = lambda name: None) -> Grade:
    """Grade a dataset.

    Raises:
        DatasetError: if there are no episodes.
    """
    qualities = measure_all(folder, Thresholds(), on_done)
    entries = [entry for entry in refresh_index(folder) if not entry.error]
    marks = (
        *(_share(qualities, name) for name in ('sound', 'speed', 'drift', 'labels', 'skew', 'repeats')),
        _agreement(folder, entries),
        *(_of_entries(folder, entries) if entries else ()),
    )
    return Grade(letter_of(marks), marks)


def letter_of(marks: Sequence[Mark]) -> str:
    """Return the worst letter of the marks, and no A where one is missing."""
    letters = [mark.letter or BEST_UNMEASURED for mark in marks]
    return max(letters, key=LETTERS.index)


def _mark(name: str, value: float | None, text: str, measured: float = 1.0) -> Mark:
    """Return a mark; `measured` is the share of the episodes that it is from."""
    scale = SCALES[name]
    letter = '' if value is None else scale.letter(value)
    if letter == LETTERS[0] and measured < LEAST_MEASURED:
        letter = BEST_UNMEASURED
    return Mark(name, letter, value, scale.unit, text, scale.source)


def _share(qualities: Sequence[Quality], name: str) -> Mark:
    """Return the mark for the share of the episodes that fail a measure, of those in which it could be made."""
    every = [each for quality in qualities for each in quality.measures if each.name == name]
    made = [each for each in every if each.verdict in (FAIL, PASS)]
    if not made:
        return _mark(name, None, every[0].text if every else 'no episode could be read')
    failed = sum(each.verdict == FAIL for each in made)
    text = f'{failed} of {len(made)} measured, {len(qualities)} in all'
    return _mark(name, 100 * failed / len(made), text, len(made) / len(qualities))


def _agreement(folder: Path | str, entries: Sequence[Entry]) -> Mark:
    labels = [read_labels(read_episode(Path(folder) / entry.file, images=False).metadata) for entry in entries]
    several = [each for each in labels if len(each) > 1]
    value, text = alpha(labels), f'{len(several)} of {len(labels)} episodes with two annotators or more'
    if value is None and several:  # chance cannot be told where all verdicts are the same
        value, text = 1.0, f'{text}; all say the same of all of them'
    return _mark('agreement', value, text, len(several) / max(len(labels), 1))


def _of_entries(folder: Path | str, entries: list[Entry]) -> list[Mark]:
    """Return the marks that the index, and the size of the images, tell."""
    summary, count = summarize(Path(folder), read_card(folder), entries), len(entries)
    good = Counter(entry.task or 'no task named' for entry in entries if entry.success is not False)
    rarest = min(good, key=lambda task: good[task], default='')
    steady = sum(entry.rate_hz is not None and 10.0 <= entry.rate_hz <= 30.0 for entry in entries)
    edges = _edges_px(folder, entries)
    conditions = len(summary.conditions)
    return [
        _mark('judged', 100 * summary.judged / count, f'{summary.judged} of {count} are a success or a failure'),
        _mark('demonstrations', float(good[rarest]), f'{rarest}: {good[rarest]} that may be learned from'),
        _mark('rate', 100 * steady / count, f'{steady} of {count} at 10 to 30 Hz'),
        _mark('image size', min(edges) if edges else None, 'of all cameras' if edges else 'there are no images'),
        _mark('diversity', float(conditions) if conditions else None, summary.diversity),
    ]


def _edges_px(folder: Path | str, entries: Sequence[Entry]) -> list[float]:
    edges = []
    for entry in entries:
        try:
            with open_views(Path(folder) / entry.file) as views:
                edges += [float(min(_size(frames))) for frames in views.values()]
        except DatasetError:
            continue
    return edges


def _size(frames: h5py.Dataset) -> tuple[int, int]:
    return int(frames.shape[1]), int(frames.shape[2])
