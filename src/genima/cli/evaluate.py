# SPDX-License-Identifier: Apache-2.0
"""`genima evaluate`: how often a policy succeeds in simulation, and how well its painter paints."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genima.cli.options import SimulatorOption, SimulatorTokenOption
from genima.cli.output import JsonOption, console, print_table, share_rows, timing_rows, write_json
from genima.cli.progress import progress_bar

if TYPE_CHECKING:
    from genima.contract.spec import PolicySpec

HELD_OUT_EPISODES = 20


def evaluate(
    policy: Annotated[
        str, typer.Option(help='Policy directory; ws://host:port of `genima serve`; or name:address of another package.')
    ] = 'models/panda_pick',
    episodes: Annotated[int, typer.Option(min=1, help='Episodes to run.')] = 100,
    seed: Annotated[int, typer.Option(min=0, help='Seed of the first episode; the others count up from it.')] = 1000,
    workers: Annotated[int, typer.Option(min=1, help='Processes. Timing figures are honest with one only.')] = 1,
    threads: Annotated[int, typer.Option(min=1, help='Threads of the networks, per process.')] = 2,
    painter_latency_s: Annotated[
        float, typer.Option(min=0, help="From views to a usable target image, or another policy's chunk [simulated s].")
    ] = 0.1,
    episode_s: Annotated[float, typer.Option(min=1, help='Longest episode, in simulated seconds.')] = 15.0,
    painter_only: Annotated[bool, typer.Option(help='Only measure painted spheres on held-out episodes.')] = False,
    dataset: Annotated[
        Path | None, typer.Option(help='Held-out episodes for --painter-only; 20 are made when left out.')
    ] = None,
    robot: Annotated[
        str, typer.Option(help="Robot profile that it moves; empty: the policy's. Another one needs the same kinematics.")
    ] = '',
    simulator: SimulatorOption = 'mujoco',
    simulator_token: SimulatorTokenOption = '',
    cameras: Annotated[str, typer.Option(help="NAME=front for the policy's cameras, by commas, where names differ.")] = '',
    instruction: Annotated[str, typer.Option(help="What the policy is told, one of its own; empty: the contract's.")] = '',
    json_path: JsonOption = None,
) -> None:
    """Run a policy in simulation, in this process, and print its success with a 95 % interval."""
    if painter_only:
        _painter_only(Path(policy), dataset, seed, threads, json_path)
        return
    from genima.evaluate.closed_loop import LoopConfig
    from genima.evaluate.provenance import provenance
    from genima.evaluate.runner import Where, run_episodes, summarise
    from genima.policy.registry import contract_of
    from genima.sim.camera_choice import cameras_of_policy
    from genima.sim.registry import check_simulator

    spec = contract_of(policy)
    config = LoopConfig(painter_latency_s, timeout_s=episode_s, instruction=instruction)
    spec.task_of(instruction)
    where = Where(robot, simulator, cameras, simulator_token)
    software = check_simulator(simulator, cameras_of_policy(spec.cameras, cameras), simulator_token)
    seeds = range(seed, seed + episodes)
    results = []
    with progress_bar() as progress:
        task = progress.add_task('episodes', total=episodes)
        for result in run_episodes(policy, seeds, config, workers, threads, where):
            results.append(result)
            successes = sum(each.success for each in results)
            progress.update(task, advance=1, description=f'episodes, {successes} of {len(results)} succeeded')
    figures = summarise(results, provenance(policy, spec, config, where, software), seed)
    _print(figures)
    write_json(json_path, figures)


def _print(figures: dict[str, Any]) -> None:
    low, high = figures['wilson_95']
    console.print(
        f'success {figures["successes"]} of {figures["episodes"]} = {100 * figures["success_rate"]:.1f} % '
        f'(95 % interval {100 * low:.1f} to {100 * high:.1f} %)'
    )
    if figures['failed_seeds']:
        console.print(f'failed seeds: {", ".join(map(str, figures["failed_seeds"]))}')
    print_table('wall time, ms', ['stage', 'p50', 'p95', 'p99'], timing_rows(figures['timing']))
    print_table('largest fraction of each limit', ['limit', 'fraction'], share_rows(figures['limits']))


def _painter_only(policy: Path, dataset: Path | None, seed: int, threads: int, json_path: Path | None) -> None:
    import tempfile

    import torch

    from genima.evaluate.painter_error import measure_painter
    from genima.policy.local import LocalPolicy

    torch.set_num_threads(threads)
    loaded = LocalPolicy.load(policy)
    with tempfile.TemporaryDirectory() as folder:
        if dataset is None:
            dataset = Path(folder)
            _collect(dataset, range(seed, seed + HELD_OUT_EPISODES), loaded.spec)
        figures = measure_painter(loaded.painter, loaded.profile, dataset)
    console.print(
        f'sphere centres: median error {figures["median_px"]:.2f} px, 90th percentile {figures["p90_px"]:.2f} px; '
        f'missed {100 * figures["missed_share"]:.1f} % of {figures["n"]} visible spheres'
    )
    write_json(json_path, figures)


def _collect(folder: Path, seeds: range, spec: 'PolicySpec') -> None:
    from genima.sim.collect import CollectConfig, collect

    with progress_bar() as progress:
        task = progress.add_task('held-out episodes', total=len(seeds))
        for _ in collect(folder, seeds, spec.robot, config=CollectConfig(image_px=spec.view_size_px, task=spec.task)):
            progress.advance(task)
