# SPDX-License-Identifier: Apache-2.0
"""`genima compare`: is one policy better than the other, on the same seeds, with a look after every episode."""

from pathlib import Path
from typing import Annotated, Any

import typer

from genima.cli.output import JsonOption, console, print_table, write_json
from genima.cli.progress import progress_bar
from genima.errors import GenimaError


def compare(
    first: Annotated[str, typer.Argument(help='A policy, as `evaluate` takes it, or a report of `evaluate --json`.')],
    second: Annotated[str, typer.Argument(help='The other one, of the same kind.')],
    seed: Annotated[int, typer.Option(min=0, help='Seed of the first episode; the others count up from it.')] = 1000,
    most_episodes: Annotated[int, typer.Option(min=1, help='Run so many pairs, fewer if they are told apart.')] = 200,
    alpha: Annotated[
        float, typer.Option(min=1e-6, max=0.5, help='Probability of ever calling equal policies different.')
    ] = 0.05,
    threads: Annotated[int, typer.Option(min=1, help='Threads of the networks.')] = 2,
    painter_latency_s: Annotated[float, typer.Option(min=0, help='As in `evaluate` [simulated s].')] = 0.1,
    episode_s: Annotated[float, typer.Option(min=1, help='Longest episode [simulated s].')] = 15.0,
    report: Annotated[Path | None, typer.Option(help='Folder for a page with plots.')] = None,
    json_path: JsonOption = None,
) -> None:
    """Compare two policies on the same seeds by a test that may be looked at, and stopped, after every episode."""
    reports = [name.endswith('.json') for name in (first, second)]
    if any(reports) and not all(reports):
        raise GenimaError(f'{first} and {second}: give two reports of `genima evaluate --json`, or two policies')
    if all(reports):
        from genima.evaluate.compare import comparison, pairs_of_reports, read_report

        sides = [read_report(path) for path in (first, second)]
        figures = comparison(pairs_of_reports(sides[0], sides[1]), sides[0], sides[1], alpha)
    else:
        from genima.evaluate.closed_loop import LoopConfig

        config = LoopConfig(painter_latency_s, timeout_s=episode_s)
        figures = _run([first, second], range(seed, seed + most_episodes), config, threads, alpha)
    _print(figures)
    write_json(json_path, figures)
    if report is not None:
        from genima.evaluate.compare_page import comparison_page
        from genima.files import write_atomic

        write_atomic(report / 'index.html', comparison_page(figures))
        console.print(f'page: {report / "index.html"}', markup=False)


def _run(policies: list[str], seeds: range, config: Any, threads: int, alpha: float) -> dict[str, Any]:
    from genima.evaluate.compare import MUST_AGREE, comparison, run_pairs
    from genima.evaluate.paired import PairedTest
    from genima.evaluate.provenance import provenance
    from genima.evaluate.runner import Where
    from genima.policy.registry import contract_of
    from genima.sim.registry import MUJOCO, check_simulator

    software = check_simulator(MUJOCO)
    sides = [provenance(policy, contract_of(policy), config, Where(), software) for policy in policies]
    for name in MUST_AGREE:
        if sides[0][name] != sides[1][name]:
            raise GenimaError(f'the policies differ in {name}: {sides[0][name]} and {sides[1][name]}; compare equals')
    test, pairs = PairedTest(alpha), []
    with progress_bar() as progress:
        bar = progress.add_task('pairs', total=len(seeds))
        for pair in run_pairs(policies, seeds, config, threads):
            pairs.append(pair)
            decided = test.add(pair.first.success, pair.second.success)
            won, lost = test.counts
            progress.update(bar, advance=1, description=f'pairs, {won} to {lost}, e-value {test.history[-1]:.2f}')
            if decided:
                break
    return comparison(pairs, sides[0], sides[1], alpha)


def _print(figures: dict[str, Any]) -> None:
    from genima.evaluate.compare_page import verdict

    rows = []
    for side in figures['policies']:
        low, high = (100 * bound for bound in side['wilson_95'])
        rows.append([side['policy'], side['successes'], figures['episodes'], f'{low:.1f} to {high:.1f} %'])
    print_table('on the same seeds', ['policy', 'successes', 'episodes', '95 % interval'], rows)
    console.print(f'only the first: {figures["only_first"]}, only the second: {figures["only_second"]} pairs')
    console.print(verdict(figures), markup=False)
