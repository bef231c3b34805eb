# SPDX-License-Identifier: Apache-2.0
"""`genima faults`: break the running graph in every way we know, and see that the arm stays inside its limits."""

import os
import tempfile
from collections import deque
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genima.cli.output import JsonOption, console, print_table, write_json
from genima.cli.progress import progress_bar
from genima.errors import GenimaError

if TYPE_CHECKING:
    from genima_bringup.faults.cases import FaultCase
    from genima_bringup.faults.runner import FaultResult

# simulated time waits for the policy, but not for what a fault keeps from it
PATIENCE = {'sim_node': {'patience_s': 0.5, 'episode_s': 120.0}}


def faults(
    policy: Annotated[Path | None, typer.Option(help='Policy directory; by default the one shipped for the robot.')] = None,
    robot: Annotated[str, typer.Option(help='Robot profile to simulate.')] = 'panda',
    seeds: Annotated[int, typer.Option(min=1, help='Runs of each fault.')] = 3,
    only: Annotated[str, typer.Option(help='Only faults whose name contains this.')] = '',
    json_path: JsonOption = None,
) -> None:
    """Put faults between the nodes and into them while the arm moves in simulation; exit code 1 if one gets through."""
    import rosless

    os.environ.setdefault('ROS_DOMAIN_ID', str(1 + os.getpid() % 100))
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    rosless.ensure()
    from genima_bringup.faults.cases import fault_cases
    from genima_bringup.graph import STACKS, policy_dir, stack_of

    cases = [case for case in fault_cases() if only.lower() in case.name.lower()]
    if not cases:
        raise GenimaError(f'no fault contains {only!r}; there are: {"; ".join(case.name for case in fault_cases())}')
    directory = policy_dir(str(policy or STACKS[stack_of(robot)]['policy']))
    results: list[FaultResult] = []
    with progress_bar() as progress:
        task = progress.add_task('faults', total=len(cases) * seeds)
        for result in _run(directory, robot, cases, seeds):
            results.append(result)
            progress.update(task, advance=1, description=result.case)
            for problem in result.problems:
                progress.console.print(f'{result.case}, seed {result.seed}: {problem}')
    figures = _figures(cases, results, str(policy or directory), robot)
    _print(cases, results, figures)
    write_json(json_path, figures)
    if figures['problems']:
        raise typer.Exit(1)


def _run(directory: Path, robot: str, cases: 'list[FaultCase]', seeds: int) -> 'Iterator[FaultResult]':
    from genima_bringup.faults.detour import rerouted
    from genima_bringup.faults.rig import FaultRig
    from genima_bringup.faults.runner import READY_S, run_case
    from genima_bringup.graph import controller_name, stack, stack_of
    from genima_bringup.processes import StackProcesses

    from genima.contract.spec import PolicySpec

    controller = controller_name(robot)
    values = {'policy': str(directory), 'robot': robot, 'armed': 'false', 'overlay': 'false'}
    table = stack(stack_of(robot), values)
    log = Path(tempfile.gettempdir()) / f'genima-faults-{os.getpid()}.log'
    console.print(f'the output of the nodes is in {log}')

    def write(name: str, line: str) -> None:
        lines.write(f'{name}: {line}\n')
        lines.flush()

    with log.open('w') as lines:
        for link, together in groupby(sorted(cases, key=attrgetter('link')), key=attrgetter('link')):
            runs = deque((case, seed) for case in together for seed in range(seeds))
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


def _figures(cases: 'list[FaultCase]', results: 'list[FaultResult]', policy: str, robot: str) -> dict[str, Any]:
    names = results[0].limits if results else {}
    rests = [result.rest_s for result in results if result.rest_s is not None]
    return {
        'policy': policy,
        'robot': robot,
        'cases': len(cases),
        'runs': len(results),
        'limits': {name: max(result.limits[name] for result in results) for name in names},
        'limit_violations': sum(max(result.limits.values()) > 1.0 for result in results),
        'must_stop_runs': len(rests),
        'rest_s_max': max(rests, default=None),
        'not_recovered': sum(not result.recovered for result in results),
        'problems': sum(len(result.problems) for result in results),
        'results': [result.to_dict() for result in results],
    }


def _print(cases: 'list[FaultCase]', results: 'list[FaultResult]', figures: dict[str, Any]) -> None:
    rows = []
    for case in cases:
        runs = [result for result in results if result.case == case.name]
        rests = [result.rest_s for result in runs if result.rest_s is not None]
        worst = [max(run.limits[name] for run in runs) for name in ('velocity', 'acceleration', 'jerk')]
        rest = f'{max(rests):.2f}' if rests else ''
        good = sum(not run.problems for run in runs)
        rows.append([case.name, *(f'{share:.2f}' for share in worst), rest, f'{good} of {len(runs)}'])
    columns = ['fault', 'velocity', 'acceleration', 'jerk', 'rest after, s', 'as it should be']
    print_table('worst share of the limits', columns, rows)
    console.print(
        f'{figures["cases"]} faults, {figures["runs"]} runs: {figures["limit_violations"]} beyond a limit; where the arm '
        f'has to stop, it moved for at most {figures["rest_s_max"] or 0.0:.2f} s; {figures["not_recovered"]} did not go on'
    )
