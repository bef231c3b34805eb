# SPDX-License-Identifier: Apache-2.0
"""How networks are trained, as recipes say under `training`; it is no part of the contract."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import yaml

from genima.borders.files import border
from genima.borders.texts import read_yaml
from genima.contract.base import TRAINABLE
from genima.contract.recipe import TRAINING, recipe_values
from genima.errors import ContractError
from genima.files import write_atomic

FILE_NAME = 'training.yaml'
OPTIMIZERS = ('adamw', 'adamw8bit', 'adafactor')
_WAYS = {'controlnet': (), 'lora': ('lora',), 'unet': ('unet',), 'all': ('unet', 'vae', 'text_encoder')}


def _require(name: str, value: object, fits: bool, allowed: str) -> None:
    if not fits:
        raise ContractError(f'training, {name}: got {value!r}, allowed: {allowed}')


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    _require(name, value, value in allowed, ', '.join(allowed))


@dataclass(frozen=True)
class StageRecipe:
    """How one stage is trained.

    Attributes:
        steps: Optimizer steps; they decide if given.
        minutes: Time on this machine instead, over all runs; how many steps that were stands in the log.
        batch: Samples that one process takes at once.
        accumulate: Batches of one step, one after the other.
        learning_rate: At its highest.
        optimizer: 'adamw', 'adamw8bit' (of bitsandbytes, an extra) or 'adafactor', whose state is small.
        beta2, weight_decay: Of AdamW.
        schedule: 'cosine' down to 3 %, or 'constant'; both after a warm-up of `warmup_steps`.
        clip_norm: Longest gradient.
        ema: Decay of the running average of the weights, which is what is kept; 0: the weights themselves are.
        evaluations: How often held-out figures are taken and a painted sample is shown.
        save_minutes: Time between checkpoints.
    """

    steps: int | None = None
    minutes: float | None = None
    batch: int = 8
    accumulate: int = 1
    learning_rate: float = 5e-4
    optimizer: str = 'adamw'
    beta2: float = 0.98
    weight_decay: float = 1e-4
    schedule: str = 'cosine'
    warmup_steps: int = 100
    clip_norm: float = 1.0
    ema: float = 0.998
    evaluations: int = 5
    save_minutes: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        _one_of('optimizer', self.optimizer, OPTIMIZERS)
        _one_of('schedule', self.schedule, ('cosine', 'constant'))
        for name in ('batch', 'accumulate', 'learning_rate', 'clip_norm'):
            _require(name, getattr(self, name), getattr(self, name) > 0, '> 0')
        for name in ('weight_decay', 'warmup_steps', 'evaluations', 'save_minutes'):
            _require(name, getattr(self, name), getattr(self, name) >= 0, '>= 0')
        for name in ('ema', 'beta2'):
            _require(name, getattr(self, name), 0 <= getattr(self, name) < 1, '0 <= value < 1')

    def limited(self, steps: int | None = None, minutes: float | None = None) -> 'StageRecipe':
        """Return this with another budget, where one is given."""
        if steps is not None:
            return replace(self, steps=steps, minutes=None)
        return self if minutes is None else replace(self, steps=None, minutes=minutes)


FINE_TUNING_STAGE = StageRecipe(
    steps=20000, batch=2, learning_rate=1e-5, schedule='constant', warmup_steps=500, beta2=0.999, weight_decay=1e-2, ema=0.0,
    save_minutes=15.0,
)  # fmt: skip
"""As the released code of GENIMA: rate, warm-up and AdamW of its diffusion/train_controlnet_genima.py and README."""


@dataclass(frozen=True)
class Augmentation:
    """How the condition, what the painter sees, is varied; the target image stays as it is.

    Attributes:
        brightness, contrast, saturation: Largest change of each as a share, drawn evenly on both sides.
        hue: Largest turn of the hue, as a share of a whole turn.
        shift_px: Largest shift of condition and target together, both ways; the latents are then encoded at each step.
    """

    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    shift_px: int = 0


@dataclass(frozen=True)
class FineTuning:
    """How a painter is made from a base model.

    Attributes:
        train: 'controlnet' alone; or with it 'lora' (an addition to the UNet), 'unet', or 'all' (UNet, text encoder and
            the autoencoder's decoder).
        objective: What the UNet learns to predict: 'base' = what it does, or 'epsilon', 'v_prediction', 'sample'.
        vae: Folder or identifier of another autoencoder for the same latents, as TAESD; empty: the base's own.
        lora_rank: Rank of the addition.
        gradient_checkpointing: Compute activations twice instead of keeping them: less memory, more time.
        prompt_dropout: Share of samples with an empty prompt.
        last_step_share: Share of samples that begin from the most noise, where painting in one step begins.
        sphere_weight: Extra weight of latents where spheres are.
        augmentation: Of the condition.
        stage: How long and how fast.
    """

    train: str = 'controlnet'
    objective: str = 'base'
    vae: str = ''
    lora_rank: int = 16
    gradient_checkpointing: bool = True
    prompt_dropout: float = 0.0
    last_step_share: float = 0.0
    sphere_weight: float = 0.0
    augmentation: Augmentation = field(default_factory=Augmentation)
    stage: StageRecipe = field(default_factory=lambda: FINE_TUNING_STAGE)

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        _one_of('train', self.train, tuple(_WAYS))
        _one_of('objective', self.objective, ('base', 'epsilon', 'v_prediction', 'sample'))
        for name in ('prompt_dropout', 'last_step_share'):
            _require(name, getattr(self, name), 0 <= getattr(self, name) <= 1, '0 to 1')

    @property
    def trained(self) -> tuple[str, ...]:
        """Return what is trained, of `contract.base.TRAINABLE`."""
        named = ('controlnet', *_WAYS[self.train])
        return tuple(part for part in TRAINABLE if part in named)


Settings = TypeVar('Settings')


def training_values(recipe: str | Path | None, policy_dir: Path | str) -> dict[str, Any]:
    """Return what is said about training: by the recipe if one is named, else by the policy itself, if it says anything.

    Raises:
        ContractError: if there is no such recipe.
    """
    path = Path(policy_dir) / FILE_NAME
    if recipe is None and path.is_file():
        with border(path, 'mend it, or name a recipe', ContractError):
            values = read_yaml(path)
    else:
        values = recipe_values(recipe or 'small')[0].get(TRAINING, {})
    if not isinstance(values, dict):
        raise ContractError(f'training of recipe {recipe or path}: got {values!r}, allowed: a mapping')
    return values


def settings_of(kind: type[Settings], values: object, where: str, default: Settings | None = None) -> Settings:
    """Return settings, a dataclass with defaults, from plain values; nested ones likewise.

    Raises:
        ContractError: if a key is unknown or a value makes no sense.
    """
    start = kind() if default is None else default
    if not isinstance(values, Mapping):
        raise ContractError(f'{where}: got {values!r}, allowed: a mapping')
    known = {each.name: getattr(start, each.name) for each in fields(start)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ContractError(f'{where}: unknown keys {", ".join(unknown)}; allowed: {", ".join(known)}')
    changes: dict[str, Any] = {}
    for name, value in values.items():
        if hasattr(known[name], '__dataclass_fields__'):
            changes[name] = settings_of(type(known[name]), value, f'{where}.{name}', known[name])
        else:
            changes[name] = _number_like(known[name], value, f'{where}.{name}')
    try:
        return replace(start, **changes)  # type: ignore[type-var]
    except TypeError as error:
        raise ContractError(f'{where}: {error}') from error


def save_training(policy_dir: Path | str, name: str, settings: Any) -> None:
    """Write down how a network of a policy was trained, beside what is said there of others."""
    path = Path(policy_dir) / FILE_NAME
    values = yaml.safe_load(path.read_text()) if path.is_file() else {}
    plain = settings if isinstance(settings, dict) else asdict(settings)
    write_atomic(path, yaml.safe_dump({**(values or {}), name: plain}, sort_keys=False, width=120))


def keep_training(policy_dir: Path | str, values: Mapping[str, Any]) -> None:
    """Keep with a policy what its recipe says of trainings that are still to come."""
    path = Path(policy_dir) / FILE_NAME
    there = yaml.safe_load(path.read_text()) if path.is_file() else {}
    write_atomic(path, yaml.safe_dump({**values, **(there or {})}, sort_keys=False, width=120))


def _number_like(known: object, value: object, where: str) -> object:
    """Return a value as the default's type has it; YAML reads 1e-5 as text."""
    if isinstance(known, bool) or known is None or isinstance(known, str):
        if isinstance(known, (bool, str)) and type(value) is not type(known):
            raise ContractError(f'{where}: got {value!r}, allowed: {"true, false" if isinstance(known, bool) else "a text"}')
        return value
    try:
        return type(known)(value)  # type: ignore[call-arg]
    except (TypeError, ValueError) as error:
        raise ContractError(f'{where}: got {value!r}, allowed: a number') from error
