# SPDX-License-Identifier: Apache-2.0
"""`genima faults`: break the running graph in every way we know, and see that the arm stays inside its limits."""

import os
import tempfile
from collections import deque
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genima.cli.fault_figures import figures_of, print_figures
from genima.cli.output import JsonOption, console, write_json
from genima.cli.progress import progress_bar
from genima.errors import GenimaError

if TYPE_CHECKING:
    from genima_bringup.faults.case import FaultCase
    from genima_bringup.faults.result import FaultResult

# simulated time waits for the policy, but not for what a fault keeps from it
PATIENCE = {'sim_node': {'patience_s': 0.5, 'episode_s': 120.0}}


def faults(
    policy: Annotated[Path | None, typer.Option(help='Policy directory; by default the one shipped for the robot.')] = None,
    robot: Annotated[str, typer.Option(help='Robot profile to simulate.')] = 'panda',
    seeds: Annotated[int, typer.Option(min=1, help='Runs of each fault.')] = 3,
    only: Annotated[str, typer.Option(help='Only faults whose name contains one of these, by commas.')] = '',
    transport: Annotated[
        str, typer.Option(help='Only on a whole graph over DDS (graph), or the guard in simulated time (in-process).')
    ] = '',
    jobs: Annotated[int, typer.Option(min=1, help='Processes for the faults that need no graph.')] = 2,
    json_path: JsonOption = None,
) -> None:
    """Put faults between the nodes and into them while the arm moves in simulation; exit code 1 if one gets through.

    What concerns painter, cameras and processes runs on a whole graph over DDS, with every seed. All else runs on the
    guard's own node in simulated time, without DDS, and some of it with the first seed on the graph, too.
    """
    import rosless

    os.environ.setdefault('ROS_DOMAIN_ID', str(1 + os.getpid() % 100))
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    rosless.ensure()
    from genima_bringup.faults.case import GRAPH, IN_PROCESS
    from genima_bringup.graph import STACKS, policy_dir, stack_of

    if transport not in ('', GRAPH, IN_PROCESS):
        raise GenimaError(f'--transport {transport}: allowed are {GRAPH} and {IN_PROCESS}; without it, both')
    on_graph, in_process = _runs(seeds, only, transport)
    directory = policy_dir(str(policy or STACKS[stack_of(robot)]['policy']))
    log = Path(tempfile.gettempdir()) / f'genima-faults-{os.getpid()}.log'
    console.print(f'the output of the nodes is in {log}')
    results: list[FaultResult] = []
    with progress_bar() as progress:
        task = progress.add_task('faults', total=len(on_graph) + len(in_process))
        for result in _run(directory, robot, on_graph, in_process, jobs, log):
            results.append(result)
            progress.update(task, advance=1, description=result.case)
            for problem in result.problems:
                progress.console.print(f'{result.case} ({result.transport}), seed {result.seed}: {problem}')
    figures = figures_of(results, str(policy or directory), robot)
    print_figures(results, figures)
    write_json(json_path, figures)
    if figures['problems']:
        raise typer.Exit(1)


Runs = list[tuple['FaultCase', int]]


def _runs(seeds: int, only: str, transport: str) -> tuple[Runs, Runs]:
    """Return cases with their seeds, those on the graph and those in one process.

    Raises:
        GenimaError: if there are none.
    """
    from genima_bringup.faults.case import GRAPH, IN_PROCESS
    from genima_bringup.faults.cases import fault_cases

    words = [word.strip().lower() for word in only.split(',') if word.strip()]
    cases = [case for case in fault_cases() if not words or any(word in case.name.lower() for word in words)]
    if not cases:
        raise GenimaError(f'no fault contains {only!r}; there are: {"; ".join(case.name for case in fault_cases())}')
    found: dict[str, Runs] = {GRAPH: [], IN_PROCESS: []}
    for case in cases:
        for name in case.transports:
            if transport in ('', name):
                alone = len(case.transports) == 1 or transport == name
                found[name] += [(case, seed) for seed in range(seeds if alone or name == IN_PROCESS else 1)]
    if not any(found.values()):
        raise GenimaError(f'none of these faults runs {transport}: {"; ".join(case.name for case in cases)}')
    return found[GRAPH], found[IN_PROCESS]


def _run(
    directory: Path, robot: str, on_graph: Runs, in_process: Runs, jobs: int, log: Path
) -> 'Iterator[FaultResult]':
    """Run the graph first and alone: it needs the whole computer."""
    from genima_bringup.graph import controller_name

    if on_graph:
        yield from _run_on_graph(directory, robot, on_graph, log)
    if in_process:
        from genima_bringup.faults.in_process import run_all

        yield from run_all(in_process, robot, controller_name(robot), jobs, log)


def _run_on_graph(directory: Path, robot: str, on_graph: Runs, log: Path) -> 'Iterator[FaultResult]':
    from genima_bringup.faults.detour import rerouted
    from genima_bringup.faults.rig import FaultRig
    from genima_bringup.faults.runner import READY_S, run_case
    from genima_bringup.graph import controller_name, stack, stack_of
    from genima_bringup.processes import StackProcesses

    from genima.contract.spec import PolicySpec

    controller = controller_name(robot)
    values = {'policy': str(directory), 'robot': robot, 'armed': 'false', 'overlay': 'false'}
    table = stack(stack_of(robot), values)

    def write(name: str, line: str) -> None:
        lines.write(f'{name}: {line}\n')
        lines.flush()

    def link_of(run: 'tuple[FaultCase, int]') -> str:
        return run[0].link

    with log.open('a') as lines:
        for link, together in groupby(sorted(on_graph, key=link_of), key=link_of):
            runs = deque(together)
            while runs:
                with (
                    StackProcesses(rerouted(table, controller, link), PATIENCE, write=write) as processes,
                    FaultRig(PolicySpec.load(directory), processes, controller) as rig,
                ):
                    rig.wait_until_ready(READY_S)
                    result: FaultResult | None = None
                    while runs and not (result and result.broken):
                        case, seed = runs.popleft()
                        write('genima', f'{case.name}, seed {seed}')
                        result = run_case(rig, case, seed)
                        yield result
