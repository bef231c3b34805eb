# SPDX-License-Identifier: Apache-2.0
"""The datasets below a folder, in figures that one can choose by."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from genima.episodes.dataset import Card
from genima.episodes.diversity import level
from genima.episodes.index import Entry


@dataclass(frozen=True)
class Summary:
    """One dataset.

    Attributes:
        folder: Where it is; `name`, `version` and `licences` as its card and its episodes say.
        episodes: Files that can be read, and `unreadable` those that cannot.
        steps: Of all episodes, `seconds` likewise, `median_seconds` of one.
        judged: Episodes that somebody called a success or a failure; `successes` of them; `failures` by cause.
        conditions: Visual conditions of all episodes together, and the level of `diversity` that they make.
        materials: Episodes by the material of their objects; `clutter` likewise by what else lies about.
    """

    folder: str
    name: str
    version: str
    licences: tuple[str, ...]
    episodes: int
    unreadable: tuple[str, ...]
    bytes: int
    steps: int
    seconds: float
    median_seconds: float
    rates_hz: tuple[float, ...]
    robots: tuple[str, ...]
    tasks: tuple[str, ...]
    judged: int
    successes: int
    failures: dict[str, int]
    conditions: tuple[str, ...]
    materials: dict[str, int]
    clutter: dict[str, int]
    diversity: str
    cameras: tuple[str, ...]

    @property
    def success_rate(self) -> float | None:
        """Share of the judged episodes, None where none was judged."""
        return self.successes / self.judged if self.judged else None


@dataclass(frozen=True)
class Query:
    """What to look for; an empty or None value does not choose.

    Attributes:
        robot: A robot of the dataset, `task` likewise.
        diversity: 'low', 'medium', 'high' or 'unknown'.
        material: Of the objects of at least one episode.
        min_episodes: Demonstrations, and at most `max_episodes`.
        min_seconds: Median length of an episode, and at most `max_seconds`.
        min_rate_hz: Lowest rate, and at most `max_rate_hz`.
        min_success: Share of the judged episodes; a dataset without any fails it.
    """

    robot: str = ''
    task: str = ''
    diversity: str = ''
    material: str = ''
    min_episodes: int = 0
    max_episodes: int | None = None
    min_seconds: float = 0.0
    max_seconds: float | None = None
    min_rate_hz: float = 0.0
    max_rate_hz: float | None = None
    min_success: float = 0.0

    def accepts(self, summary: Summary) -> bool:
        """Return whether a dataset is one of those looked for."""
        slowest, fastest = min(summary.rates_hz, default=0.0), max(summary.rates_hz, default=0.0)
        return all(
            (
                not self.robot or self.robot in summary.robots,
                not self.task or self.task in summary.tasks,
                not self.diversity or self.diversity == summary.diversity,
                not self.material or self.material in summary.materials,
                _within(summary.episodes, self.min_episodes, self.max_episodes),
                _within(summary.median_seconds, self.min_seconds, self.max_seconds),
                slowest >= self.min_rate_hz and (self.max_rate_hz is None or fastest <= self.max_rate_hz),
                not self.min_success or (summary.success_rate or 0.0) >= self.min_success,
            )
        )


def find_datasets(root: Path | str) -> Iterator[Path]:
    """Yield the folders at or below `root` that hold `episode_*.h5`, in order; hidden ones are left out."""
    for folder, below, files in os.walk(root):
        below[:] = sorted(name for name in below if not name.startswith('.'))
        if any(name.startswith('episode_') and name.endswith('.h5') for name in files):
            yield Path(folder)


def summarize(folder: Path, card: Card, entries: list[Entry]) -> Summary:
    """Add up the index of a dataset."""
    readable = [entry for entry in entries if not entry.error]
    judged = [entry for entry in readable if entry.success is not None]
    causes = (entry.failure or 'cause not noted' for entry in judged if not entry.success)
    names = {name for entry in readable for name in entry.conditions}
    return Summary(
        folder=str(folder),
        name=card.name,
        version=card.version,
        licences=_values([card.licence, *(entry.licence for entry in readable)]),
        episodes=len(readable),
        unreadable=tuple(entry.file for entry in entries if entry.error),
        bytes=sum(entry.bytes for entry in entries),
        steps=sum(entry.steps for entry in readable),
        seconds=sum(entry.seconds for entry in readable),
        median_seconds=median(entry.seconds for entry in readable) if readable else 0.0,
        rates_hz=tuple(sorted({entry.rate_hz for entry in readable if entry.rate_hz is not None})),
        robots=_values(entry.robot for entry in readable),
        tasks=_values(entry.task for entry in readable),
        judged=len(judged),
        successes=sum(entry.success is True for entry in judged),
        failures=_counted(causes),
        conditions=tuple(sorted(names)),
        materials=_counted(name for entry in readable for name in entry.materials),
        clutter=_counted(entry.clutter for entry in readable if entry.clutter),
        diversity=level(names),
        cameras=_values(camera for entry in readable for camera in entry.cameras),
    )


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))


def _within(value: float, lowest: float, highest: float | None) -> bool:
    return value >= lowest and (highest is None or value <= highest)


def _values(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if value}))
