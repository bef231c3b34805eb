# SPDX-License-Identifier: Apache-2.0
"""`genima bench`: figures of single parts, both sides of each comparison in one run."""

from pathlib import Path
from typing import Annotated

import typer

from genima.cli.output import JsonOption, console, print_table, write_json

app = typer.Typer(help='Measure single parts; each comparison runs both sides at once.', no_args_is_help=True)


@app.command()
def spheres(
    views: Annotated[int, typer.Option(min=10, help='Views to draw per round.')] = 2000,
    rounds: Annotated[int, typer.Option(min=1, help='Rounds; the median is printed.')] = 5,
    pyrender_python: Annotated[
        Path | None, typer.Option(help='A Python that can import pyrender, to draw the same scene with it.')
    ] = None,
    install_pyrender: Annotated[
        bool, typer.Option(help='Make such a Python in ~/.cache/genima/pyrender (downloads packages).')
    ] = False,
    json_path: JsonOption = None,
) -> None:
    """Draw four striped spheres at 256 x 256 with our renderer, and with pyrender where it can be had."""
    from genima.bench.spheres import bench_spheres, make_pyrender

    python = make_pyrender() if install_pyrender else pyrender_python
    figures = bench_spheres(views, rounds, python)
    console.print(f'ours: {figures["views_per_s"]:.0f} views/s')
    if 'pyrender_views_per_s' in figures:
        console.print(f'pyrender: {figures["pyrender_views_per_s"]:.1f} views/s, ratio {figures["ratio"]:.0f}')
    else:
        console.print('pyrender: not measured; --install-pyrender installs it, --pyrender-python names one that has it')
    write_json(json_path, figures)


@app.command()
def seams(
    robot: Annotated[str, typer.Option(help='Robot profile; empty: all of them.')] = '',
    seeds: Annotated[int, typer.Option(min=1, help='Streams per row; the worst is printed.')] = 3,
    json_path: JsonOption = None,
) -> None:
    """Stream chunks to an emulated joint_trajectory_controller, naively and through the guard's splice."""
    from genima.bench.seams import table
    from genima.cli.progress import progress_bar
    from genima.robots.profile import RobotProfile
    from genima.robots.reading import profile_names

    names = [robot] if robot else profile_names()
    rows: list[dict[str, str | float]] = []
    with progress_bar() as progress:
        task = progress.add_task('robots', total=len(names))
        for name in names:
            rows += table(RobotProfile.load(name), seeds)
            progress.advance(task)
    columns = list(rows[0])
    cells = [[_cell(row[name]) for name in columns] for row in rows]
    short = {'latency': 'delay', 'transport': 'wire', 'velocity': 'vel', 'acceleration': 'acc', 'lag_rms_mrad': 'lag'}
    console.print('largest fraction of each limit where chunks disagree by some mrad and come late by some ms')
    print_table('chunk seams', [short.get(name, name) for name in columns], cells)
    write_json(json_path, {'rows': rows})


def _cell(value: str | float | None) -> str:
    if value is None or isinstance(value, str):
        return value or '-'
    return f'{value:.2f}' if value < 10 else f'{value:.0f}'


@app.command()
def targets(
    policy: Annotated[Path, typer.Option(help='Policy directory.')] = Path('models/panda_pick'),
    data: Annotated[Path, typer.Option(help='Episodes that the policy was not trained on.')] = Path('data/held_out'),
    moments: Annotated[int, typer.Option(min=10, help='Samples, spread over all episodes.')] = 150,
    limit_mm: Annotated[float, typer.Option(min=1.0, help='Limit of the target check.')] = 60.0,
    plot: Annotated[Path, typer.Option(help='Where the plot goes (SVG).')] = Path('out/targets.svg'),
    json_path: JsonOption = None,
) -> None:
    """Measure how far painted targets and chunks are apart when all is well and when something is wrong."""
    from genima.bench.targets import measure_targets, summary
    from genima.evaluate.plots import plot_distances
    from genima.files import write_atomic
    from genima.policy.local import LocalPolicy

    distances = measure_targets(LocalPolicy.load(policy), data, moments)
    rows = summary(distances, 1e-3 * limit_mm)
    columns = list(rows[0])
    cells = [[_cell(row[name]) for name in columns] for row in rows]
    print_table(f'distance between target and chunk, limit {limit_mm:.0f} mm', columns, cells)
    write_atomic(plot, plot_distances(distances, 1e-3 * limit_mm))
    console.print(f'plot: {plot}')
    write_json(json_path, {'policy': str(policy), 'limit_mm': limit_mm, 'rows': rows})


@app.command()
def loader(
    data: Annotated[Path, typer.Option(help='Folder of episodes.')] = Path('data/panda_pick'),
    recipe: Annotated[str, typer.Option(help='Views and spheres: a name in config/policies or a file.')] = 'small',
    moments: Annotated[int, typer.Option(min=8, help='Different samples.')] = 200,
    rounds: Annotated[int, typer.Option(min=1, help='Rounds; the median is printed.')] = 5,
    episodes: Annotated[int, typer.Option(min=1, help='Take the first so many episodes.')] = 10,
    json_path: JsonOption = None,
) -> None:
    """Load training samples our way and as the original does, from PNG files, and compare samples per second and core."""
    from genima.bench.loader import bench_loader

    rows = bench_loader(data, recipe, moments, rounds, episodes)
    cells = [[_cell(value) for value in row.values()] for row in rows]
    columns = ['samples/s per core', 'ours', 'PNG, PIL (original)', 'PNG, OpenCV', 'ratio', 'ratio to OpenCV']
    print_table('training samples, everything in memory, one thread each', columns, cells)
    write_json(json_path, {'data': str(data), 'recipe': recipe, 'rows': rows})


@app.command()
def dataset(
    data: Annotated[Path, typer.Option(help='Folder of native episodes.')] = Path('data/panda_pick'),
    episodes: Annotated[int, typer.Option(min=1, help='Take the first so many of them.')] = 5,
    recipe: Annotated[str, typer.Option(help='Views and spheres: a name in config/policies or a file.')] = 'small',
    json_path: JsonOption = None,
) -> None:
    """Convert episodes to every format and back, render targets, and load samples; figures per core."""
    from genima.bench.dataset import bench_dataset
    from genima.cli.progress import progress_bar

    rows = []
    with progress_bar() as progress:
        task = progress.add_task('measurements', total=None)
        for row in bench_dataset(data, episodes, recipe):
            rows.append(row)
            progress.update(task, advance=1, description=row['what'])
    print_table('dataset', ['what', 'value', ''], [[row['what'], _cell(row['value']), row['unit']] for row in rows])
    write_json(json_path, {'data': str(data), 'episodes': episodes, 'rows': rows})


@app.command()
def failures(
    data: Annotated[Path, typer.Option(help='Folder of native episodes.')] = Path('data/panda_pick'),
    policy: Annotated[Path, typer.Option(help='Policy directory; its contract says what is painted.')] = Path(
        'models/panda_pick'
    ),
    cases: Annotated[int, typer.Option(min=1, help='Cases of each kind.')] = 20,
    seed: Annotated[int, typer.Option(min=0, help='Of everything that is random.')] = 0,
    json_path: JsonOption = None,
) -> None:
    """Paint targets wrongly in one way each, and soundly, and count which diagnoses fire; each should on its own only."""
    from genima.bench.failures import SOUND, confusion, passes, run_cases
    from genima.cli.progress import progress_bar
    from genima.contract.spec import PolicySpec
    from genima.failures.diagnose import DIAGNOSES

    outcomes = []
    with progress_bar() as progress:
        task = progress.add_task('cases', total=cases * (1 + len(DIAGNOSES)))
        for outcome in run_cases(data, PolicySpec.load(policy), cases, seed):
            outcomes.append(outcome)
            progress.update(task, advance=1, description=outcome.kind)
    table = confusion(outcomes)
    columns = list(table[SOUND])
    print_table('what was done, and what was diagnosed', ['case', *columns], [[k, *v.values()] for k, v in table.items()])
    for outcome in outcomes:
        if outcome.found != tuple(name for name in (outcome.kind,) if name != SOUND):
            console.print(f'{outcome.kind}, {outcome.episode}: {"; ".join(outcome.texts) or "nothing"}')
    good = passes(table)
    console.print(f'every diagnosis on all of its cases and on no other: {"yes" if good else "NO"}')
    rows = [vars(outcome) for outcome in outcomes]
    write_json(json_path, {'data': str(data), 'policy': str(policy), 'passes': good, 'table': table, 'cases': rows})
    if not good:
        raise typer.Exit(1)


@app.command()
def cameras(
    robot: Annotated[str, typer.Option(help='Robot profile.')] = 'panda',
    sizes: Annotated[str, typer.Option(help='Sizes of the images, by commas.')] = '128x128,640x480',
    trials: Annotated[int, typer.Option(min=1, help='Bumps of each kind per camera and size.')] = 100,
    hours: Annotated[float, typer.Option(min=0.001, help='Undisturbed motion per size [h].')] = 1.0,
    limit_px: Annotated[float, typer.Option(min=0.05, help='Limit of the drift of fixed cameras, 640 px wide [px].')] = 0.45,
    workers: Annotated[int, typer.Option(min=1, help='Processes.')] = 2,
    json_path: JsonOption = None,
) -> None:
    """Bump and swap simulated cameras while the arm works: how surely and how soon is it noticed, how often wrongly?"""
    from genima.bench.camera_rows import cpu_rows, pixel_rows, share_rows
    from genima.bench.cameras import jobs, run
    from genima.camera_checks.check import CheckLimits
    from genima.cli.progress import progress_bar

    limits = CheckLimits(drift_px=limit_px)
    listed = jobs(robot, [_size(text) for text in sizes.split(',')], trials, hours, limits)
    outcomes = []
    with progress_bar() as progress:
        task = progress.add_task('camera checks', total=len(listed))
        for outcome in run(listed, workers):
            outcomes.append(outcome)
            progress.advance(task)
    figures = {'cpu': cpu_rows(outcomes), 'pixels': pixel_rows(outcomes), 'shares': share_rows(outcomes)}
    titles = {'cpu': 'processor time', 'pixels': 'what a bump does to the image', 'shares': 'noticed within 2 s'}
    for name, rows in figures.items():
        for size in dict.fromkeys(row['size'] for row in rows):
            columns = [column for column in rows[0] if column != 'size']
            cells = [[_figure(row[column]) for column in columns] for row in rows if row['size'] == size]
            print_table(f'{titles[name]}, {size}', columns, cells)
    write_json(json_path, {'robot': robot, 'limit_px': limit_px, 'trials': trials, 'hours': hours, **figures})


def _figure(value: str | float | None) -> str:
    return str(value) if isinstance(value, int) else f'{value:.3f}' if isinstance(value, float) else _cell(value)


def _size(text: str) -> tuple[int, int]:
    from genima.errors import GenimaError

    width, cross, height = text.strip().partition('x')
    if not (cross and width.isdigit() and height.isdigit()):
        raise GenimaError(f'size {text!r}; the form is 640x480')
    return int(width), int(height)


@app.command()
def calibration(
    count: Annotated[int, typer.Option('--trials', min=1, help='Calibrations per row.')] = 100,
    poses: Annotated[int, typer.Option(min=5, help='Images per calibration.')] = 25,
    noise_px: Annotated[float, typer.Option(min=0.01, help='Noise on each pixel coordinate.')] = 0.3,
    rendered: Annotated[bool, typer.Option(help='Render images, and find the corners with the real detector.')] = False,
    robot: Annotated[str, typer.Option(help='Robot profile.')] = 'panda',
    workers: Annotated[int, typer.Option(min=1, help='Processes.')] = 1,
    json_path: JsonOption = None,
) -> None:
    """Calibrate simulated cameras whose pose is known: error, and whether the stated uncertainty holds the truth."""
    from genima.bench.calibration import reaches, run_trials, summary, trials
    from genima.cli.progress import progress_bar

    work, outcomes = trials(count, poses, noise_px, rendered, robot), []
    with progress_bar() as progress:
        task = progress.add_task('calibrations', total=len(work))
        for outcome in run_trials(work, workers):
            outcomes.append(outcome)
            progress.advance(task)
    done = [outcome for outcome in outcomes if outcome is not None]
    rows = summary(done)
    columns = ['mount', 'lens', 'intrinsics', 'trials', 'mm', 'deg', 'coverage', 'stated mm', 'stated deg', 'goal']
    cells = [
        [row['mount'], row['lens'], row['intrinsics'], row['trials'], f'{row["median_mm"]:.2f}', f'{row["median_deg"]:.3f}',
         f'{100 * float(row["coverage"]):.0f} %', f'{row["stated_mm"]:.2f}', f'{row["stated_deg"]:.3f}',
         'yes' if reaches(row) else 'no']
        for row in rows
    ]  # fmt: skip
    print_table('hand-eye calibration, median errors; coverage of the stated 95 % region', columns, cells)
    console.print(f'{len(work) - len(done)} of {len(work)} calibrations were refused')
    write_json(json_path, {'rows': rows, 'refused': len(work) - len(done), 'poses': poses, 'noise_px': noise_px})
