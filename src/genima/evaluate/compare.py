# SPDX-License-Identifier: Apache-2.0
"""Two policies on the same seeds: outcomes from reports of `genima evaluate`, or episode by episode as they are run."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genima.borders.texts import read_json
from genima.errors import DatasetError
from genima.evaluate.closed_loop import LoopConfig
from genima.evaluate.paired import PairedTest, fixed_test
from genima.evaluate.runner import run_episodes
from genima.evaluate.statistics import wilson_95

DESCRIBED = ('policy', 'policy_sha256', 'contract', 'robot', 'task', 'conditions')
MUST_AGREE = ('task', 'robot', 'conditions')
"""What differs in these is no matter of the policy."""
LONGEST_S = 1e6
"""No episode lasts as long [s]; NaN and infinity are refused with it."""


@dataclass(frozen=True)
class Outcome:
    """One episode of one policy.

    Attributes:
        success: Whether the task was done in time.
        elapsed_s: Simulated time it took [s].
    """

    success: bool
    elapsed_s: float


@dataclass(frozen=True)
class Pair:
    """What both policies made of a seed."""

    seed: int
    first: Outcome
    second: Outcome


def read_report(path: Path | str) -> dict[str, Any]:
    """Return a report that `genima evaluate --json` wrote.

    Raises:
        DatasetError: if it is none, or of a version that did not keep the single episodes.
    """
    report = read_json(path)
    results = report.get('results') if isinstance(report, dict) else None
    if not isinstance(results, list) or not results or not all(map(_is_result, results)):
        raise DatasetError(f'{path} has no results of episodes; make it with `genima evaluate --json`, version 0.2 or later')
    missing = [name for name in MUST_AGREE if not report.get(name)]
    if missing:
        raise DatasetError(f'{path} does not say its {", ".join(missing)}; evaluate again with this version')
    seeds = [each['seed'] for each in results]
    if len(set(seeds)) < len(seeds):
        raise DatasetError(f'{path} has {len(seeds)} results of {len(set(seeds))} seeds; each seed may be there once')
    return report


def pairs_of_reports(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Pair]:
    """Return the episodes of two reports by seed.

    Raises:
        DatasetError: if conditions differ, or seeds do.
    """
    for name in MUST_AGREE:
        mine, theirs = first.get(name), second.get(name)
        if mine != theirs:
            raise DatasetError(
                f'the reports differ in {name}: {json.dumps(mine)} and {json.dumps(theirs)}; evaluate both in the same way'
            )
    outcomes = [{int(each['seed']): _outcome(each) for each in report['results']} for report in (first, second)]
    if set(outcomes[0]) != set(outcomes[1]):
        only = sorted(set(outcomes[0]) ^ set(outcomes[1]))
        raise DatasetError(
            f'{len(only)} seeds are in one report only ({", ".join(map(str, only[:5]))} …); evaluate both with the same '
            '--seed and --episodes'
        )
    return [Pair(seed, outcomes[0][seed], outcomes[1][seed]) for seed in sorted(outcomes[0])]


def run_pairs(policies: Sequence[str], seeds: Sequence[int], config: LoopConfig, threads: int) -> Iterator[Pair]:
    """Run two policies by turns, one seed after the other, and yield what they made of it."""
    for seed in seeds:
        ran = [next(run_episodes(policy, [seed], config, threads=threads)) for policy in policies]
        first, second = (Outcome(each.success, each.elapsed_s) for each in ran)
        yield Pair(seed, first, second)


def comparison(pairs: Sequence[Pair], first: Mapping[str, Any], second: Mapping[str, Any], alpha: float) -> dict[str, Any]:
    """Return all figures of a comparison, under the names that `--json` promises."""
    test = PairedTest(alpha)
    for pair in pairs:
        test.add(pair.first.success, pair.second.success)
    sides = [[pair.first for pair in pairs], [pair.second for pair in pairs]]
    successes = [sum(each.success for each in side) for side in sides]
    wins, losses = test.counts
    return {
        'episodes': len(pairs),
        'seeds': [pair.seed for pair in pairs],
        'policies': [
            {**{name: report.get(name) for name in DESCRIBED},
             'successes': count, 'success_rate': count / len(pairs), 'wilson_95': wilson_95(count, len(pairs)),
             'time_to_success_s': [each.elapsed_s if each.success else None for each in side]}
            for report, side, count in zip((first, second), sides, successes, strict=True)
        ],
        'only_first': wins,
        'only_second': losses,
        'alpha': alpha,
        'e_value': test.history[-1],
        'e_values': test.history,
        'p_anytime': test.p,
        'p_mcnemar': fixed_test([each.success for each in sides[0]], [each.success for each in sides[1]]),
        'different': test.decided,
        'time_to_success_ks': _ks(sides),
    }  # fmt: skip


def _ks(sides: Sequence[Sequence[Outcome]]) -> dict[str, float]:
    """Return the Kolmogorov-Smirnov distance of the times to success; an episode without success never ends."""
    from scipy.stats import ks_2samp

    longest_s = 1.0 + max(each.elapsed_s for side in sides for each in side)
    times = [[each.elapsed_s if each.success else longest_s for each in side] for side in sides]
    result = ks_2samp(*times)
    return {'distance': float(result.statistic), 'p': float(result.pvalue)}


def _is_result(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    elapsed_s: Any = value.get('elapsed_s')
    timed = type(elapsed_s) in (int, float) and 0 <= elapsed_s < LONGEST_S
    return timed and type(value.get('seed')) is int and type(value.get('success')) is bool


def _outcome(value: Mapping[str, Any]) -> Outcome:
    return Outcome(bool(value['success']), float(value['elapsed_s']))
