# SPDX-License-Identifier: Apache-2.0
"""`genima demo`: the whole graph, in separate processes, moves a simulated arm; then a page shows what happened."""

import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from genima.cli.output import JsonOption, console, print_table, share_rows, timing_rows, write_json
from genima.cli.progress import progress_bar

if TYPE_CHECKING:
    from genima_bringup.records import GraphRecord

    from genima.contract.spec import PolicySpec

READY_S = 180.0  # for the networks to load
SLOWEST = 3  # a computer may be that many times too slow


def demo(
    episodes: Annotated[int, typer.Option(min=1, help='Episodes to run.')] = 5,
    seed: Annotated[int, typer.Option(min=0, help='Seed of the first episode; the others count up from it.')] = 2000,
    policy: Annotated[Path | None, typer.Option(help="Policy directory; by default the one shipped for the robot.")] = None,
    robot: Annotated[str, typer.Option(help='Robot profile to simulate.')] = 'panda',
    report: Annotated[Path, typer.Option(help='Folder for the report.')] = Path('out/demo'),
    episode_s: Annotated[float, typer.Option(min=1, max=3600, help='Longest episode, in simulated seconds.')] = 20.0,
    real_time_factor: Annotated[float, typer.Option(min=0.05, help='Simulated seconds per second, at most.')] = 1.0,
    cameras: Annotated[str, typer.Option(help="NAME=front for the policy's cameras, by commas, where names differ.")] = '',
    with_console: Annotated[bool, typer.Option('--console', help='Serve the operator console, print its address.')] = False,
    console_port: Annotated[int, typer.Option(min=0, max=65535, help='Port of the console; 0: any free one.')] = 8600,
    json_path: JsonOption = None,
) -> None:
    """Start simulated arm, painter, controller, guard and overlay as nodes, let them work, and report."""
    from genima_bringup.graph import STACKS, policy_dir, stack_of

    from genima.cli.demo_report import write_report
    from genima.cli.demo_summary import summarise_graph
    from genima.contract.spec import PolicySpec

    directory = policy_dir(str(policy or STACKS[stack_of(robot)]['policy']))
    spec = PolicySpec.load(directory)
    page_values = {'console': str(with_console).lower(), 'console_port': str(console_port)}
    values = {'real_time_factor': str(real_time_factor), **page_values}
    simulated = {'episode_s': episode_s, 'cameras': _cameras(spec, cameras)}
    record = _run(spec, directory, robot, range(seed, seed + episodes), simulated, values)
    figures = summarise_graph(record, str(policy or directory), spec, seed)
    _print(record, figures)
    page = write_report(report, record, figures, spec)
    write_json(json_path, figures)
    console.print(f'report: {page}')


def _cameras(spec: 'PolicySpec', choice: str) -> str:
    """Return the cameras of the simulation for a policy; refuse what the simulation, or the policy, has not."""
    from genima.sim.camera_choice import camera_sources, cameras_of_policy

    text = cameras_of_policy(spec.cameras, choice)
    camera_sources(text)
    return text


def _run(
    spec: 'PolicySpec', directory: Path, robot: str, seeds: range, simulated: dict[str, Any], arguments: dict[str, str]
) -> 'GraphRecord':
    """Run the graph with one episode per seed; the nodes' output goes to a log that is shown when they fail."""
    import rosless

    # a graph of its own: nothing else on the network may hear or disturb it
    os.environ.setdefault('ROS_DOMAIN_ID', str(1 + os.getpid() % 100))
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    rosless.ensure()
    from genima_bringup.episode_client import GraphMonitor
    from genima_bringup.graph import stack, stack_of
    from genima_bringup.processes import StackProcesses

    values = {
        'policy': str(directory),
        'robot': robot,
        'seed': str(seeds[0]),
        'armed': 'false',
        **arguments,
    }
    log = Path(tempfile.gettempdir()) / f'genima-demo-{os.getpid()}.log'
    name = stack_of(robot)
    overrides = {'sim_node': simulated}
    patience_s = READY_S + SLOWEST * simulated['episode_s'] / min(float(arguments['real_time_factor']), 1.0)
    console.print(f'starting the nodes of stack {name}; their output is in {log}')
    with (
        log.open('w') as lines,
        StackProcesses(stack(name, values), overrides, write=lambda name, line: _log(lines, name, line)) as processes,
        GraphMonitor(spec, processes.check) as monitor,
        progress_bar() as progress,
    ):
        waiting = progress.add_task('waiting for the networks', total=None)
        monitor.wait_until_ready(READY_S)
        progress.remove_task(waiting)
        task = progress.add_task('episodes', total=len(seeds))
        for seed in seeds:
            monitor.run_episode(seed, patience_s)
            successes = sum(episode.success for episode in monitor.record.episodes)
            progress.update(
                task, advance=1, description=f'episodes, {successes} of {len(monitor.record.episodes)} succeeded'
            )
        return monitor.record


def _log(lines: TextIO, name: str, line: str) -> None:
    lines.write(f'{name}: {line}\n')
    lines.flush()
    if name == 'console_node' and (address := re.search(r'console: (http\S+)', line)):
        console.print(f'operator console: {address[1]} (as long as the demo runs)')


def _print(record: 'GraphRecord', figures: dict[str, Any]) -> None:
    rows = [
        [episode.seed, 'yes' if episode.success else 'no', f'{episode.elapsed_s:.1f}', f'{episode.wall_s:.1f}']
        for episode in record.episodes
    ]
    print_table('episodes', ['seed', 'success', 'simulated s', 'wall s'], rows)
    low, high = figures['wilson_95']
    console.print(
        f'success {figures["successes"]} of {figures["episodes"]} (95 % interval {100 * low:.0f} to {100 * high:.0f} %)'
    )
    print_table('wall time, ms', ['stage', 'p50', 'p95', 'p99'], timing_rows(figures['timing']))
    chunks = figures['chunks']
    console.print(
        f'chunks every {chunks["period_ms"]["p50"]:.1f} ms of ROS time, p99 error '
        f'{chunks["period_error_ms_p99"]:.1f} ms; '
        f'{chunks["ticks_without_target"]} of {chunks["ticks"]} ticks without a valid target'
    )
    targets = figures['target_check']
    if targets['distance_mm'] is not None:
        distance = targets['distance_mm']
        console.print(
            f'target and chunk differ by {distance["p50"]:.0f} mm (median), {distance["p99"]:.0f} mm (p99); '
            f'{targets["held"]} of {targets["checks"]} checks held the arm'
        )
    print_table('largest fraction of each limit', ['limit', 'fraction'], share_rows(figures['limits']))

