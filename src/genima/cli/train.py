# SPDX-License-Identifier: Apache-2.0
"""`genima train painter` and `genima train controller`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genima.cli.output import JsonOption, console, write_json
from genima.cli.progress import progress_bar

if TYPE_CHECKING:
    from genima.contract.spec import PolicySpec
    from genima.train.loop import OnProgress

app = typer.Typer(help='Train a policy; Ctrl-C stops, and the same command goes on.', no_args_is_help=True)

DataOption = Annotated[Path, typer.Option('--data', help='Folder of episodes.')]
PolicyOption = Annotated[Path, typer.Option(help='Policy directory; made when it is not there.')]
RecipeOption = Annotated[str, typer.Option(help='What the policy is like: a name in config/policies or a file.')]
RobotOption = Annotated[str, typer.Option(help='Robot profile, for a new policy.')]
ThreadsOption = Annotated[int, typer.Option(min=1, help='CPU threads.')]
ResumeOption = Annotated[bool, typer.Option(help='Go on from the checkpoint if there is one.')]
SeedOption = Annotated[int, typer.Option(min=0, help='Of weights and batches.')]

DATA, POLICY = Path('data/panda_pick'), Path('runs/panda_pick')


@app.command()
def painter(
    data: DataOption = DATA,
    policy: PolicyOption = POLICY,
    recipe: RecipeOption = 'small',
    robot: RobotOption = 'panda',
    autoencoder_minutes: Annotated[float, typer.Option(min=0.01, help='For the autoencoder.')] = 12.0,
    minutes: Annotated[float, typer.Option(min=0.01, help='For UNet and ControlNet on its latents.')] = 60.0,
    pretrained: Annotated[
        Path | None, typer.Option(help='Policy whose painter to begin with, also of another robot.')
    ] = None,
    polish_minutes: Annotated[float, typer.Option(min=0.01, help='For all together on pixels, at the end.')] = 25.0,
    threads: ThreadsOption = 2,
    resume: ResumeOption = True,
    seed: SeedOption = 0,
    json_path: JsonOption = None,
) -> None:
    """Train the small painter: autoencoder, then UNet and ControlNet on its latents, then on pixels."""
    from genima.train.painter import PainterBudget, train_painter

    spec = _contract(policy, recipe, robot)
    _tell_of_failures(data)
    with _shown() as on_progress:
        budget = PainterBudget(autoencoder_minutes, minutes, polish_minutes)
        folder = train_painter(data, policy, spec, budget, seed, threads, resume, on_progress, pretrained=pretrained)
    console.print(f'painter written to {folder}')
    write_json(json_path, {'painter': str(folder), 'contract': spec.hash()})


@app.command()
def controller(
    data: DataOption = DATA,
    policy: PolicyOption = POLICY,
    held_out: Annotated[Path | None, typer.Option(help='Other episodes, for the figures.')] = None,
    recipe: RecipeOption = 'small',
    robot: RobotOption = 'panda',
    minutes: Annotated[float, typer.Option(min=0.01, help='Training time.')] = 45.0,
    imagined: Annotated[
        int | None,
        typer.Option(
            min=0,
            help='Extra motions of the scripted expert from anywhere; it knows the simulated task only.',
            show_default='2500 if the episodes are of that task, else 0',
        ),
    ] = None,
    threads: ThreadsOption = 2,
    resume: ResumeOption = True,
    seed: SeedOption = 0,
    json_path: JsonOption = None,
) -> None:
    """Train the controller on spheres over random backgrounds; it needs no camera picture and no painter."""
    from genima.train.controller import ControllerTraining, train_controller

    spec = _contract(policy, recipe, robot)
    _tell_of_failures(data)
    training = ControllerTraining(minutes=minutes, imagined=imagined, threads=threads, seed=seed, resume=resume)
    with _shown() as on_progress:
        figures = train_controller(data, policy, spec, training, held_out, on_progress)
    console.print(', '.join(f'{name} {value:.3g}' for name, value in figures.items()))
    write_json(json_path, figures)


def _contract(policy: Path, recipe: str, robot: str) -> 'PolicySpec':
    """Return the contract of the policy directory; a new one is made from the recipe."""
    from genima.contract.spec import FILE_NAME, PolicySpec
    from genima.robots.profile import RobotProfile

    if not (policy / FILE_NAME).is_file():
        PolicySpec.from_recipe(recipe, RobotProfile.load(robot)).save(policy)
    return PolicySpec.load(policy)


def _tell_of_failures(data: Path) -> None:
    from genima.episodes.index import list_demonstrations
    from genima.episodes.store import list_episodes

    left_out = len(list_episodes(data)) - len(list_demonstrations(data))
    if left_out:
        console.print(f'{left_out} episodes were judged failures and are left out')


@contextmanager
def _shown() -> Iterator['OnProgress']:
    """Show one progress bar per stage."""
    with progress_bar() as progress:
        tasks: dict[str, int] = {}

        def show(stage: str, share: float, figures: Mapping[str, float]) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=100)
            words = ', '.join(f'{name} {value:.4g}' for name, value in figures.items())
            progress.update(tasks[stage], completed=int(100 * share), description=f'{stage} {words}'.strip())  # type: ignore[arg-type]

        yield show
