# SPDX-License-Identifier: Apache-2.0
"""`painter/` of a policy: a `StableDiffusionControlNetPipeline` folder, whole, or with its unchanged parts elsewhere."""

import copy
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import torch

from genima.borders.files import reason
from genima.borders.texts import read_json
from genima.contract.base import BaseModel
from genima.errors import BorderError, ContractError, PolicyError
from genima.painter.border import check_pipeline
from genima.painter.parts import NETWORKS, be_quiet, load_network, load_scheduler, load_tokenizer, part_sha256
from genima.painter.standard_pipeline import StableDiffusionControlNetPipeline
from genima.painter.weights import weights_files, weights_variant

DIRECTORY = 'painter'
ELSEWHERE = 'elsewhere.json'
LORA = 'unet_lora'


def assemble(**parts: Any) -> StableDiffusionControlNetPipeline:
    """Join vae, text_encoder, tokenizer, unet, controlnet and scheduler into the standard pipeline, without a checker."""
    pipeline = StableDiffusionControlNetPipeline(
        **parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def save_pipeline(pipeline: StableDiffusionControlNetPipeline, policy_dir: Path | str) -> Path:
    """Write `painter/` whole and in half precision; an old one is replaced only when the new one is complete."""

    def write(folder: Path) -> None:
        parts = {name: copy.deepcopy(getattr(pipeline, name)).half() for name in NETWORKS}
        whole = assemble(tokenizer=pipeline.tokenizer, scheduler=pipeline.scheduler, **parts)
        be_quiet()
        whole.save_pretrained(folder, safe_serialization=True)

    return _replaced(Path(policy_dir), write)


def save_finetuned(
    pipeline: StableDiffusionControlNetPipeline,
    policy_dir: Path | str,
    trained: Sequence[str],
    unchanged: Mapping[str, Path],
    whole: bool = True,
) -> Path:
    """Write `painter/`: what training changed in half precision, and what it did not as the very same files.

    Args:
        pipeline: With the trained weights.
        policy_dir: The policy directory.
        trained: What training changed, of `contract.base.TRAINABLE`.
        unchanged: Folders of the base model by part; of these the changed ones are not used.
        whole: Copy the unchanged parts; else only say where they lie.
    """
    changed = [name for name in ('controlnet', 'unet', 'vae', 'text_encoder') if name in trained]

    def write(folder: Path) -> None:
        be_quiet()
        pipeline.save_config(folder)
        pipeline.scheduler.save_pretrained(folder / 'scheduler')
        shutil.copytree(unchanged['tokenizer'], folder / 'tokenizer')
        for name in changed:
            copy.deepcopy(getattr(pipeline, name)).half().save_pretrained(folder / name, safe_serialization=True)
        if 'lora' in trained:
            pipeline.unet.save_lora_adapter(folder / LORA)
        others = {name: unchanged[name].resolve() for name in NETWORKS if name not in changed}
        if whole:
            for name, source in others.items():
                _copy_part(source, folder / name)
        else:
            text = json.dumps({name: str(source) for name, source in others.items()}, indent=1)
            (folder / ELSEWHERE).write_text(text + '\n')

    return _replaced(Path(policy_dir), write)


def load_pipeline(
    policy_dir: Path | str, base_model: BaseModel | None = None, dtype: torch.dtype = torch.float32
) -> StableDiffusionControlNetPipeline:
    """Load `painter/` of a policy directory, from disk only.

    Args:
        policy_dir: The policy directory.
        base_model: What the contract says that the painter was made from; not looked at if None.
        dtype: Of the weights in memory.

    Raises:
        PolicyError: if a file is missing or damaged.
        ContractError: if the painter is not made from what the contract says.
    """
    directory = Path(policy_dir) / DIRECTORY
    if not (directory / 'model_index.json').is_file():
        raise PolicyError(
            f'{directory / "model_index.json"} is missing; train the painter with `genima train painter`, '
            'or copy a complete StableDiffusionControlNetPipeline directory there'
        )
    others = elsewhere(directory)
    check_pipeline(directory, [name for name in NETWORKS if name not in others])
    folders = {**{name: directory / name for name in NETWORKS}, **others}
    scheduler = load_scheduler(directory / 'scheduler')
    if base_model is not None and base_model.is_known:
        _check(directory, folders, base_model, scheduler)
    parts = {name: load_network(folder, dtype, name) for name, folder in folders.items()}
    if (directory / LORA).is_dir():
        _add_lora(parts['unet'], directory / LORA)
    return assemble(**parts, tokenizer=load_tokenizer(directory / 'tokenizer'), scheduler=scheduler)


def _check(directory: Path, folders: Mapping[str, Path], base_model: BaseModel, scheduler: Any) -> None:
    """Hold what lies there against what the contract says."""
    objective = scheduler.config.prediction_type
    if objective != base_model.objective:
        raise ContractError(
            f'{directory}: its scheduler says that the UNet predicts {objective!r}, the contract {base_model.objective!r}: '
            'copy painter/ and policy.yaml from the same training'
        )
    if (directory / LORA).is_dir() != ('lora' in base_model.trained):
        raise ContractError(
            f'{directory} {"has" if (directory / LORA).is_dir() else "lacks"} {LORA}, and the contract says that training '
            f'changed {", ".join(base_model.trained)}: copy painter/ and policy.yaml from the same training'
        )
    for part, wanted in base_model.sha256.items():
        if part not in folders:
            raise ContractError(f'policy contract, base_model.sha256: got part {part!r}, allowed: {", ".join(folders)}')
        got = part_sha256(folders[part])
        if got != wanted:
            raise ContractError(
                f'{folders[part]} is not the {part} that this painter was trained with ({base_model.name}): its weights '
                f'have SHA-256 {got}, the contract says {wanted}; copy that {part} there, or name its folder in '
                f'{directory / ELSEWHERE}'
            )


def elsewhere(directory: Path) -> dict[str, Path]:
    """Return the folders of the parts that a painter does not hold itself.

    Raises:
        PolicyError: if one is not there.
    """
    path = directory / ELSEWHERE
    if not path.is_file():
        return {}
    try:
        folders = {str(name): Path(folder) for name, folder in read_json(path).items()}
    except (BorderError, AttributeError, TypeError) as error:
        raise PolicyError(f'{path} is not a mapping of parts to folders ({error})') from error
    for name, folder in folders.items():
        if name not in NETWORKS or not folder.is_dir():
            raise PolicyError(
                f'{path} says that the {name} lies in {folder}, which is not there: put the base model there, or change '
                'the path in that file; its weights are checked'
            )
    return folders


def _add_lora(unet: Any, folder: Path) -> None:
    """Add a low-rank addition into the UNet's own weights, so that it costs nothing at run time."""
    try:
        unet.load_lora_adapter(folder, local_files_only=True, use_safetensors=True, prefix=None, adapter_name='default')
        unet.fuse_lora()
        unet.unload_lora()
    except Exception as error:  # diffusers, peft and safetensors have errors of their own
        words = f'{folder} does not hold an addition to this UNet ({reason(error)})'
        raise PolicyError(f'{words}; train or copy it again') from error


def _copy_part(source: Path, target: Path) -> None:
    """Copy configuration and weights, a variant under the plain name: what training changed has plain names, too."""
    variant = weights_variant(source.parent, [source.name])
    files = weights_files(source, variant)
    if variant and len(files) > 1:
        raise PolicyError(
            f'{source} holds weights in several files of the variant {variant}: load it with diffusers and save it plain, '
            'or train with --refer'
        )
    target.mkdir(parents=True)
    for path in [*source.glob('*.json'), *files]:
        name = path.name.replace(f'.{variant}.', '.') if variant else path.name
        shutil.copyfile(path, target / name)


def _replaced(policy_dir: Path, write: Callable[[Path], None]) -> Path:
    target = policy_dir / DIRECTORY
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(mkdtemp(prefix='.painter.', dir=target.parent))
    try:
        write(temporary)
        temporary.chmod(0o755)
        shutil.rmtree(target, ignore_errors=True)
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target
