# SPDX-License-Identifier: Apache-2.0
"""Does each diagnosis fire on its own kind of failure, and on no other?"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genima.bench.failure_cases import CASES, HIDDEN, SOUND, Case, load_material
from genima.bench.failure_hiding import Hiding
from genima.contract.spec import PolicySpec
from genima.episodes.store import list_episodes, read_episode
from genima.errors import DatasetError
from genima.failures.diagnose import DIAGNOSES, diagnose
from genima.robots.profile import RobotProfile

STEPS = 40
LEAST_STEPS = 25


@dataclass(frozen=True)
class Outcome:
    """What was diagnosed in one case.

    Attributes:
        kind: What was done to it: 'sound', or the name of the diagnosis that should fire.
        episode: Name of the episode.
        found: Names of the diagnoses that fired.
        texts: What they said.
    """

    kind: str
    episode: str
    found: tuple[str, ...]
    texts: tuple[str, ...]


def run_cases(data: Path | str, spec: PolicySpec, cases: int, seed: int = 0) -> Iterator[Outcome]:
    """Yield the outcome of each of `cases` cases of every kind; the seed determines which episodes they are made from.

    Args:
        data: Folder of native episodes.
        spec: Contract with which targets are painted.
        cases: Of each kind.
        seed: Of everything that is random.

    Raises:
        DatasetError: if no episode is long enough.
    """
    profile, paths = RobotProfile.load(spec.robot), list_episodes(data)
    kinds: dict[str, Case] = dict(CASES)
    hiding: Hiding | None = None
    for number, name in enumerate([*CASES, HIDDEN]):
        rng = np.random.default_rng([seed, number])
        for path in _chosen(paths, spec, cases, rng):
            material = load_material(path, spec, profile, STEPS)
            if name == HIDDEN and hiding is None:
                hiding = kinds[HIDDEN] = Hiding(material)
            findings = diagnose(kinds[name](material, rng))
            found, texts = zip(*((each.name, each.text) for each in findings), strict=True) if findings else ((), ())
            yield Outcome(name, path.stem, tuple(found), tuple(texts))
    if hiding is not None:
        hiding.close()


def confusion(outcomes: list[Outcome]) -> dict[str, dict[str, int]]:
    """Return how often each diagnosis fired, by kind; 'cases' counts the cases and 'nothing' those where none did."""
    table = {}
    for kind in (SOUND, *DIAGNOSES):
        those = [outcome for outcome in outcomes if outcome.kind == kind]
        fired = Counter(name for outcome in those for name in outcome.found)
        nothing = sum(not outcome.found for outcome in those)
        table[kind] = {'cases': len(those), **{name: fired[name] for name in DIAGNOSES}, 'nothing': nothing}
    return table


def passes(table: dict[str, dict[str, int]]) -> bool:
    """Return whether every diagnosis fired on all of its cases and on no other."""
    return all(row[name] == (row['cases'] if name == kind else 0) for kind, row in table.items() for name in DIAGNOSES)


def _chosen(paths: list[Path], spec: PolicySpec, count: int, rng: np.random.Generator) -> Iterator[Path]:
    """Yield `count` episodes in random order that are long enough, again from the start where there are too few."""
    long = LEAST_STEPS + spec.horizon_steps
    given = 0
    for _ in range(count):
        before = given
        for index in rng.permutation(len(paths)):
            if given == count:
                return
            if len(read_episode(paths[index], images=False)) >= long:
                given += 1
                yield paths[index]
        if given == before:
            raise DatasetError(f'no episode of {long} steps or more among {len(paths)}: collect longer ones')
