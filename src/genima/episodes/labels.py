# SPDX-License-Identifier: Apache-2.0
"""Success labels of several annotators, what they agree on, and failure modes step by step.

They live in the metadata of an episode: `labels` has one label per annotator, `failure_intervals` when something went
wrong. `success` and `failure` are what the majority says; what they were before the first label is kept as `recorded`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genima.episodes.episode import FAILURES, Episode
from genima.errors import DatasetError

LONGEST_NAME, LONGEST_NOTE = 80, 2000
FAILURE_MODES = ('none', *FAILURES)
"""What the numbers of `failure_modes` mean."""


@dataclass(frozen=True)
class Label:
    """What one annotator says of one episode; `failure` is one of FAILURES, and given only with a failure."""

    annotator: str
    success: bool
    failure: str = ''
    note: str = ''
    at: str = ''

    def __post_init__(self) -> None:
        _check_annotator(self.annotator)
        if not isinstance(self.success, bool):
            raise DatasetError(f'success is {self.success!r}; a label says true or false')
        if self.failure and (self.success or self.failure not in FAILURES):
            raise DatasetError(f'cause {self.failure!r}: it goes with a failure, and is one of {", ".join(FAILURES)}')
        if not isinstance(self.note, str) or len(self.note) > LONGEST_NOTE:
            raise DatasetError(f'a note is text of at most {LONGEST_NOTE} characters')


@dataclass(frozen=True)
class Interval:
    """When something went wrong, in seconds from the first step of the episode, and what."""

    annotator: str
    from_s: float
    to_s: float
    failure: str
    at: str = ''

    def __post_init__(self) -> None:
        _check_annotator(self.annotator)
        numbers = all(isinstance(each, (int, float)) and not isinstance(each, bool) for each in (self.from_s, self.to_s))
        if not numbers or not 0 <= self.from_s <= self.to_s < float('inf'):
            raise DatasetError(f'interval {self.from_s!r} to {self.to_s!r} s: it begins at 0 s or later, and ends later')
        if self.failure not in FAILURES:
            raise DatasetError(f'cause {self.failure!r}; it is one of {", ".join(FAILURES)}')


@dataclass(frozen=True)
class Consensus:
    """What several annotators say together.

    Attributes:
        votes: Annotators.
        success: What more than half of them say; None for a tie, or without a label.
        failure: The cause that most of those who say failure name; empty where two are named as often, or none is.
        agreement: Share of the annotators who say the same as most; 0 without a label.
    """

    votes: int
    success: bool | None
    failure: str
    agreement: float


def read_labels(metadata: Mapping[str, Any]) -> list[Label]:
    """Return the labels of an episode, the last of each annotator; what is no label is left out."""
    found = {label.annotator: label for label in _valid(Label, metadata.get('labels'))}
    return list(found.values())


def read_intervals(metadata: Mapping[str, Any]) -> list[Interval]:
    """Return the intervals of an episode in which something went wrong; what is none is left out."""
    return _valid(Interval, metadata.get('failure_intervals'))


def faults(metadata: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the labels and intervals of an episode, in words."""
    words = []
    for key, kind in (('labels', Label), ('failure_intervals', Interval)):
        values = metadata.get(key)
        if values is not None and not isinstance(values, list):
            words.append(f'{key} is {type(values).__name__}; it is a list')
            continue
        for each in values or ():
            try:
                _one(kind, each)
            except DatasetError as error:
                words.append(f'{key}: {error}')
    return words


def consensus(labels: Sequence[Label]) -> Consensus:
    """Return what the majority says."""
    says = sum(label.success for label in labels)
    most = max(says, len(labels) - says)
    agreement = most / len(labels) if labels else 0.0
    if 2 * most == len(labels):
        return Consensus(len(labels), None, '', agreement)
    success = 2 * says > len(labels)
    causes = Counter(label.failure for label in labels if label.failure).most_common(2)
    clear = causes and not success and (len(causes) == 1 or causes[0][1] > causes[1][1])
    return Consensus(len(labels), success, causes[0][0] if clear else '', agreement)


def with_label(metadata: Mapping[str, Any], label: Label) -> dict[str, Any]:
    """Return metadata with a label, which replaces an earlier one of its annotator, and the consensus with it."""
    before = read_labels(metadata)
    labels = [*(each for each in before if each.annotator != label.annotator), label]
    agreed = consensus(labels)
    new = {**metadata, 'labels': [_plain(each) for each in labels], 'success': agreed.success}
    if not before and 'recorded' not in metadata:
        new['recorded'] = {key: metadata.get(key) for key in ('success', 'failure')}
    new.pop('failure', None)
    return {**new, 'failure': agreed.failure} if agreed.failure else new


def with_interval(metadata: Mapping[str, Any], interval: Interval) -> dict[str, Any]:
    """Return metadata with one more interval; one of the same annotator and time is replaced."""
    kept = [each for each in read_intervals(metadata) if _where(each) != _where(interval)]
    ordered = sorted([*kept, interval], key=lambda each: (each.from_s, each.to_s, each.annotator))
    return {**metadata, 'failure_intervals': [_plain(each) for each in ordered]}


def failure_modes(episode: Episode) -> NDArray[np.uint8]:
    """Return what went wrong at each step (T,): indices of FAILURE_MODES, by more than half of those who gave intervals."""
    intervals = read_intervals(episode.metadata)
    annotators = {interval.annotator for interval in intervals}
    times_s = episode.timestamps_s - episode.timestamps_s[0] if len(episode) else episode.timestamps_s
    votes: dict[str, NDArray[np.int64]] = {}
    for failure in FAILURES:
        said: dict[str, NDArray[np.bool_]] = defaultdict(lambda: np.zeros(len(episode), dtype=bool))
        for each in intervals:
            if each.failure == failure:
                said[each.annotator] |= (times_s >= each.from_s - 1e-6) & (times_s <= each.to_s + 1e-6)
        votes[failure] = np.sum(list(said.values()), axis=0) if said else np.zeros(len(episode), dtype=np.int64)
    modes = np.zeros(len(episode), dtype=np.uint8)
    for number, failure in reversed(list(enumerate(FAILURES, start=1))):
        modes[2 * votes[failure] > len(annotators)] = number
    return modes


def alpha(episodes: Iterable[Sequence[Label]]) -> float | None:
    """Return how far annotators agree beyond chance: 1 always, 0 as if they guessed; None where that is not defined.

    Source: Krippendorff, Content Analysis, 4th edition (2019), chapter 12: alpha for nominal data; annotators need not
    have labelled the same episodes.
    """
    units = [Counter(label.success for label in labels) for labels in episodes if len(labels) > 1]
    total = sum(unit.total() for unit in units)
    values = sum(units, Counter())
    by_chance = sum(values[each] * (total - values[each]) for each in values)
    if not by_chance:
        return None  # nobody judged twice, or all say the same of every episode
    observed = sum(unit[each] * (unit.total() - unit[each]) / (unit.total() - 1) for unit in units for each in unit)
    return 1.0 - (total - 1) * observed / by_chance


def _check_annotator(name: object) -> None:
    if not isinstance(name, str) or not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise DatasetError(f'annotator {name!r}: a name of 1 to {LONGEST_NAME} printable characters is needed')


def _valid(kind: Any, values: object) -> list[Any]:
    found = []
    for each in values if isinstance(values, list) else ():
        try:
            found.append(_one(kind, each))
        except DatasetError:
            continue
    return found


def _one(kind: Any, values: object) -> Any:
    if not isinstance(values, dict):
        raise DatasetError(f'{values!r} is no {kind.__name__.lower()}')
    names = [field.name for field in fields(kind)]
    try:
        return kind(**{name: values[name] for name in names if name in values})  # what others note besides is left alone
    except TypeError as error:
        raise DatasetError(f'{sorted(map(str, values))} are not the keys of a {kind.__name__.lower()}') from error


def _plain(value: Label | Interval) -> dict[str, Any]:
    return {key: each for key, each in asdict(value).items() if each != ''}


def _where(interval: Interval) -> tuple[str, float, float]:
    return interval.annotator, interval.from_s, interval.to_s
