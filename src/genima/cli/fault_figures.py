# SPDX-License-Identifier: Apache-2.0
"""The figures of `genima faults`."""

from typing import TYPE_CHECKING, Any

from genima.cli.output import console, print_table
from genima.sim.usage import JUDGED

if TYPE_CHECKING:
    from genima_bringup.faults.result import FaultResult


def figures_of(results: 'list[FaultResult]', policy: str, robot: str) -> dict[str, Any]:
    """Return what is written as JSON."""
    rests = [result.rest_s for result in results if result.rest_s is not None]
    transports = sorted({result.transport for result in results})
    return {
        'policy': policy,
        'robot': robot,
        'cases': len({result.case for result in results}),
        'runs': len(results),
        'runs_by_transport': {name: sum(result.transport == name for result in results) for name in transports},
        'limits': {name: max((result.limits[name] for result in results), default=0.0) for name in JUDGED},
        'violations': {name: sum(result.limits[name] > 1.0 for result in results) for name in JUDGED},
        'limit_violations': sum(max(result.limits.values()) > 1.0 for result in results),
        'must_stop_runs': len(rests),
        'rest_s_max': max(rests, default=None),
        'not_recovered': sum(not result.recovered for result in results),
        'problems': sum(len(result.problems) for result in results),
        'results': [result.to_dict() for result in results],
    }


def print_figures(results: 'list[FaultResult]', figures: dict[str, Any]) -> None:
    """Print a line for each fault, one for each limit, and the sum of it."""
    rows = []
    for case in dict.fromkeys(result.case for result in results):
        runs = [result for result in results if result.case == case]
        rests = [result.rest_s for result in runs if result.rest_s is not None]
        worst = [max(run.limits[name] for run in runs) for name in JUDGED]
        rest = f'{max(rests):.2f}' if rests else ''
        good = sum(not run.problems for run in runs)
        where = ', '.join(sorted({run.transport for run in runs}))
        rows.append([case, where, *(f'{share:.2f}' for share in worst), rest, f'{good} of {len(runs)}'])
    print_table('largest fraction of each limit', ['fault', 'where', *JUDGED, 'rest after, s', 'as it should be'], rows)
    by_limit = [[name, f'{figures["limits"][name]:.2f}', str(figures['violations'][name])] for name in JUDGED]
    print_table('limits at 500 Hz', ['limit', 'largest fraction', 'runs beyond it'], by_limit)
    where = ', '.join(f'{count} {name}' for name, count in figures['runs_by_transport'].items())
    console.print(
        f'{figures["cases"]} faults, {figures["runs"]} runs ({where}): {figures["limit_violations"]} beyond a limit; where'
        f' the arm has to stop, it moved for at most {figures["rest_s_max"] or 0.0:.2f} s; {figures["not_recovered"]} did'
        ' not go on'
    )
