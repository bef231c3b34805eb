# SPDX-License-Identifier: Apache-2.0
"""`genima train painter` and `genima train controller`."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genima.cli.output import JsonOption, console, write_json
from genima.cli.progress import progress_bar

if TYPE_CHECKING:
    from genima.contract.spec import PolicySpec
    from genima.painter.painter import Painter
    from genima.train.workshop import OnProgress, Workshop

app = typer.Typer(help='Train a policy; Ctrl-C stops, and the same command goes on.', no_args_is_help=True)

DataOption = Annotated[Path, typer.Option('--data', help='Folder of episodes.')]
PolicyOption = Annotated[Path, typer.Option(help='Policy directory; made when it is not there.')]
RecipeOption = Annotated[
    str | None,
    typer.Option(
        help='What the policy is like and how it is trained: a name in config/policies or a file.',
        show_default='what the policy says; small for a new one',
    ),
]
RobotOption = Annotated[str, typer.Option(help='Robot profile, for a new policy.')]
HeldOutOption = Annotated[Path | None, typer.Option(help='Other episodes, for figures while training.')]
PretrainedOption = Annotated[Path | None, typer.Option(help='Policy whose network to begin with, for few episodes.')]
ThreadsOption = Annotated[int, typer.Option(min=1, help='CPU threads.')]
ResumeOption = Annotated[bool, typer.Option(help='Go on from the checkpoint if there is one.')]
SeedOption = Annotated[int, typer.Option(min=0, help='Of weights and batches.')]
StepsOption = Annotated[int | None, typer.Option(min=0, help='Optimizer steps, instead of what the recipe says.')]
MinutesOption = Annotated[float | None, typer.Option(min=0.001, help='Time instead of steps, on this machine.')]
BatchOption = Annotated[int | None, typer.Option(min=1, help='Samples at once, of each process.')]
AccumulateOption = Annotated[int | None, typer.Option(min=1, help='Batches of one step, one after the other.')]
RateOption = Annotated[float | None, typer.Option(min=0.0, help='Highest learning rate.')]
DeviceOption = Annotated[str, typer.Option(help='auto: a GPU if there is one; or cpu. Several GPUs: accelerate launch.')]
PrecisionOption = Annotated[str, typer.Option(help='Of the computation: auto, bf16, fp16 or no.')]
LogOption = Annotated[
    str,
    typer.Option(
        '--log-with', help='tensorboard, wandb, trackio, with commas between; none; auto: tensorboard if installed.'
    ),
]

DATA, POLICY = Path('data/panda_pick'), Path('runs/panda_pick')


@app.command()
def painter(
    data: DataOption = DATA,
    policy: PolicyOption = POLICY,
    recipe: RecipeOption = None,
    robot: RobotOption = 'panda',
    base: Annotated[
        str, typer.Option(help='Base model: a pipeline folder of diffusers, or with --revision an identifier on the hub.')
    ] = '',
    revision: Annotated[str, typer.Option(help='Commit or branch on the hub; without it nothing is downloaded.')] = '',
    vae: Annotated[str | None, typer.Option(help='Another autoencoder for the same latents, as TAESD.')] = None,
    train: Annotated[str | None, typer.Option(help='Of a base model: controlnet, lora, unet or all.')] = None,
    refer: Annotated[
        bool, typer.Option(help='The policy only says where the base lies, instead of holding a copy of its parts.')
    ] = False,
    optimizer: Annotated[str | None, typer.Option(help='adamw, adamw8bit or adafactor, for a base model.')] = None,
    steps: StepsOption = None,
    minutes: MinutesOption = None,
    batch: BatchOption = None,
    accumulate: AccumulateOption = None,
    learning_rate: RateOption = None,
    autoencoder_steps: Annotated[int | None, typer.Option(min=0, help='Steps of the small autoencoder.')] = None,
    autoencoder_minutes: Annotated[float | None, typer.Option(min=0.001, help='Or its time.')] = None,
    polish_steps: Annotated[int | None, typer.Option(min=0, help='Steps of its pixel-space fine-tuning.')] = None,
    polish_minutes: Annotated[float | None, typer.Option(min=0.001, help='Or their time.')] = None,
    pretrained: PretrainedOption = None,
    held_out: HeldOutOption = None,
    device: DeviceOption = 'auto',
    precision: PrecisionOption = 'auto',
    log_with: LogOption = 'auto',
    threads: ThreadsOption = 2,
    resume: ResumeOption = True,
    seed: SeedOption = 0,
    json_path: JsonOption = None,
) -> None:
    """Train the painter: the small one from nothing, or with --base Stable Diffusion, fine-tuned to draw the spheres."""
    from genima.train.finetune import finetune
    from genima.train.painter import SmallPainter, train_painter
    from genima.train.recipe import FineTuning, keep_training, settings_of, training_values

    spec = _contract(policy, recipe, robot)
    _tell_of_failures(data)
    whole = training_values(recipe, policy)
    values = whole.get('painter', {})
    changes = {'batch': batch, 'accumulate': accumulate, 'learning_rate': learning_rate}
    source = _source(base, revision, vae, values, pretrained)
    with workshop_of(policy, 'painter', device, precision, log_with, threads, resume, seed) as workshop:
        measure = _measure(held_out, spec)
        if source is None:
            small = settings_of(SmallPainter, values, 'training.painter')
            small = replace(
                small,
                autoencoder=small.autoencoder.limited(autoencoder_steps, autoencoder_minutes),
                painter=replace(small.painter.limited(steps, minutes), **given(changes)),
                polish=small.polish.limited(polish_steps, polish_minutes),
            )
            folder = train_painter(data, policy, spec, small, workshop, pretrained, measure)
        else:
            large = settings_of(FineTuning, values, 'training.painter')
            stage = replace(large.stage.limited(steps, minutes), **given({**changes, 'optimizer': optimizer}))
            large = replace(large, stage=stage, **given({'train': train, 'vae': vae}))
            spec = finetune(data, policy, spec, source, large, workshop, not refer, measure)
            folder = policy / 'painter'
    if workshop.accelerator.is_main_process:
        keep_training(policy, whole)
        console.print(f'painter written to {folder}')
        write_json(json_path, {'painter': str(folder), 'contract': spec.hash()})


@app.command()
def controller(
    data: DataOption = DATA,
    policy: PolicyOption = POLICY,
    held_out: HeldOutOption = None,
    recipe: RecipeOption = None,
    robot: RobotOption = 'panda',
    steps: StepsOption = None,
    minutes: MinutesOption = None,
    batch: BatchOption = None,
    learning_rate: RateOption = None,
    imagined: Annotated[
        int | None,
        typer.Option(
            min=0,
            help='Synthetic rollouts of the scripted expert from anywhere; it knows the simulated task only.',
            show_default='2500 if the episodes are of that task, else 0',
        ),
    ] = None,
    imagenet: Annotated[str | None, typer.Option(help='ResNet-18 weights to begin with, a safetensors file.')] = None,
    text_encoder: Annotated[str | None, typer.Option(help='CLIP text model for the instruction, a folder.')] = None,
    pretrained: PretrainedOption = None,
    device: DeviceOption = 'auto',
    precision: PrecisionOption = 'auto',
    log_with: LogOption = 'auto',
    threads: ThreadsOption = 2,
    resume: ResumeOption = True,
    seed: SeedOption = 0,
    json_path: JsonOption = None,
) -> None:
    """Train the controller on spheres over random backgrounds; it needs no camera image and no painter."""
    from genima.train.controller import ControllerTraining, train_controller
    from genima.train.recipe import keep_training, settings_of, training_values

    spec = _contract(policy, recipe, robot)
    _tell_of_failures(data)
    whole = training_values(recipe, policy)
    values = whole.get('controller', {})
    training = settings_of(ControllerTraining, values, 'training.controller')
    stage = replace(training.stage.limited(steps, minutes), **given({'batch': batch, 'learning_rate': learning_rate}))
    named = {'imagined': imagined, 'imagenet': imagenet, 'text_encoder': text_encoder}
    training = replace(training, stage=stage, **given(named))
    with workshop_of(policy, 'controller', device, precision, log_with, threads, resume, seed) as workshop:
        figures = train_controller(data, policy, spec, training, workshop, held_out, pretrained)
    if workshop.accelerator.is_main_process:
        keep_training(policy, whole)
        console.print(', '.join(f'{name} {value:.3g}' for name, value in figures.items()))
        write_json(json_path, figures)


def _contract(policy: Path, recipe: str | None, robot: str) -> 'PolicySpec':
    """Return the contract of the policy directory, or a new one from the recipe; it is written when training is done.

    Raises:
        ContractError: if the directory holds a policy of another recipe than the one that is asked for.
    """
    from genima.contract.spec import FILE_NAME, PolicySpec
    from genima.errors import ContractError
    from genima.robots.profile import RobotProfile

    if not (policy / FILE_NAME).is_file():
        return PolicySpec.from_recipe(recipe or 'small', RobotProfile.load(robot))
    there = PolicySpec.load(policy)
    if recipe is not None:
        wanted = PolicySpec.from_recipe(recipe, RobotProfile.load(there.robot))
        differing = there.differences(replace(wanted, base_model=there.base_model, normalizer=there.normalizer))
        if differing:
            raise ContractError(
                f'{policy} holds a policy that recipe {recipe} does not describe ({"; ".join(differing)}): choose another '
                '--policy, or leave --recipe out to go on with what is there'
            )
    return there


def _source(base: str, revision: str, vae: str | None, values: Mapping[str, Any], pretrained: Path | None) -> Any:
    """Return the base model to begin with, or None where there is none."""
    from genima.contract.spec import PolicySpec
    from genima.painter.base import find_base, painter_source

    if base:
        return find_base(base, revision, str(values.get('vae', '')) if vae is None else vae)
    if pretrained is not None and PolicySpec.load(pretrained).base_model.is_known:
        return painter_source(pretrained, PolicySpec.load(pretrained).base_model)
    return None


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def _measure(held_out: Path | None, spec: 'PolicySpec') -> 'Callable[[Painter], Mapping[str, float | None]] | None':
    """Return what measures a painter on held-out episodes."""
    from genima.evaluate.painter_error import measure_painter
    from genima.robots.profile import RobotProfile

    if held_out is None:
        return None
    profile = RobotProfile.load(spec.robot)

    def measure(painter: 'Painter') -> dict[str, float | None]:
        figures = measure_painter(painter, profile, held_out, limit=50)
        return {name: figures[name] for name in ('median_px', 'p90_px', 'missed_share', 'false_share', 'median_ms')}

    return measure


@contextmanager
def workshop_of(
    policy: Path, name: str, device: str, precision: str, log_with: str, threads: int, resume: bool, seed: int
) -> 'Iterator[Workshop]':
    """Yield where a network is trained; progress bars are shown."""
    import importlib.util

    from genima.train.workshop import DIRECTORY, Machine, Workshop

    if log_with == 'auto':
        log_with = 'tensorboard' if importlib.util.find_spec('tensorboard') else 'none'
    trackers = () if log_with == 'none' else tuple(each.strip() for each in log_with.split(','))
    folder = policy / DIRECTORY
    with _shown() as on_progress:
        machine = Machine(device, precision, threads, trackers)
        workshop = Workshop(machine, folder, folder / f'{name}.jsonl', seed, resume, on_progress)
        yield workshop
        workshop.end()


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
