# SPDX-License-Identifier: Apache-2.0
"""A base model on disk: a pipeline folder of Stable Diffusion 1 or 2, or of SD-Turbo, that a painter begins with."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from transformers import CLIPTokenizer

from genima.contract.base import OBJECTIVES, BaseModel
from genima.errors import PolicyError
from genima.painter.folder import DIRECTORY, LORA, elsewhere
from genima.painter.parts import NETWORKS, load_network, load_scheduler, load_tokenizer, part_sha256

PARTS = ('unet', 'vae', 'text_encoder')
_WANTED = ['*/*.json', '*/*.safetensors', '*/*.txt', '*.json', '*.safetensors']
_IDENTIFIER = re.compile(r'[\w.-]+/[\w.-]+')


@dataclass(frozen=True)
class BaseSource:
    """Where a base model lies.

    Attributes:
        name: The folder's name, or the identifier on the hub.
        revision: Commit, where it is from the hub.
        folders: Part ('unet', 'vae', 'text_encoder', 'tokenizer', 'scheduler') to its folder; with 'controlnet', and
            'unet_lora' where there is one, of a painter to go on with.
        trained: What the training of that painter changed.
    """

    name: str
    revision: str
    folders: dict[str, Path]
    trained: tuple[str, ...] = ()

    def sha256(self, parts: tuple[str, ...]) -> dict[str, str]:
        """Return the hash of the weights of some parts."""
        return {part: part_sha256(self.folders[part]) for part in parts}


@dataclass
class BaseParts:
    """The loaded parts of a base model."""

    unet: Any
    vae: Any
    text_encoder: Any
    tokenizer: CLIPTokenizer
    scheduler: Any

    @property
    def objective(self) -> str:
        """Return what the UNet predicts, by the scheduler's word."""
        return str(self.scheduler.config.prediction_type)


def find_base(base: str, revision: str = '', vae: str = '') -> BaseSource:
    """Return where a base model lies; only with a revision is anything downloaded.

    Args:
        base: Pipeline folder, or an identifier such as 'stabilityai/sd-turbo'.
        revision: Commit, tag or branch on the hub.
        vae: Folder or identifier of another autoencoder for the same latents (TAESD: 'madebyollin/taesd'); empty: the
            base's own.

    Raises:
        PolicyError: if it is not there.
    """
    folder, commit = _folder(base, revision, '--base')
    folders = {part: folder / part for part in (*PARTS, 'tokenizer', 'scheduler')}
    if vae:
        other, _ = _folder(vae, revision and 'main', '--vae')
        folders['vae'] = other / 'vae' if (other / 'vae').is_dir() else other
    missing = [part for part, path in folders.items() if not path.is_dir()]
    if missing:
        raise PolicyError(
            f'{folder} has no {", ".join(missing)}: a base model is a pipeline folder of diffusers with unet, vae, '
            'text_encoder, tokenizer and scheduler in it; a single checkpoint file is turned into one with diffusers'
        )
    name = base if commit else folder.resolve().name
    return BaseSource(name, commit, folders)


def painter_source(policy_dir: Path | str, base_model: BaseModel) -> BaseSource:
    """Return the painter of a policy as what another training begins with.

    Raises:
        PolicyError: if it was not fine-tuned from a base model.
    """
    if not base_model.is_known:
        raise PolicyError(f'the painter of {policy_dir} was not fine-tuned from a base model; leave out --train and --base')
    directory = Path(policy_dir) / DIRECTORY
    folders = {**{part: directory / part for part in (*NETWORKS, 'tokenizer', 'scheduler')}, **elsewhere(directory)}
    if (directory / LORA).is_dir():
        folders[LORA] = directory / LORA
    return BaseSource(base_model.name, base_model.revision, folders, base_model.trained)


def load_base(source: BaseSource, dtype: torch.dtype = torch.float32) -> BaseParts:
    """Load a base model.

    Args:
        source: Where it lies.
        dtype: Of the weights in memory.

    Raises:
        PolicyError: if a part is damaged, or the parts do not fit each other.
    """
    unet, text_encoder = (load_network(source.folders[part], dtype) for part in ('unet', 'text_encoder'))
    vae = load_network(source.folders['vae'], dtype, 'vae')
    parts = BaseParts(
        unet, vae, text_encoder, load_tokenizer(source.folders['tokenizer']), load_scheduler(source.folders['scheduler'])
    )
    if parts.objective not in OBJECTIVES:
        raise PolicyError(f'the scheduler of {source.name} says {parts.objective!r}, allowed: {", ".join(OBJECTIVES)}')
    pairs = {
        'text width': (text_encoder.config.hidden_size, unet.config.cross_attention_dim),
        'latent channels': (vae.config.latent_channels, unet.config.in_channels),
    }
    for what, (one, other) in pairs.items():
        if one != other:
            raise PolicyError(f'the parts of {source.name} do not fit each other: {what} {one}, the UNet has {other}')
    return parts


def check_controlnet(controlnet: Any, unet: Any) -> None:
    """Refuse a ControlNet for another UNet.

    Raises:
        PolicyError: naming the first difference.
    """
    for name in ('in_channels', 'block_out_channels', 'cross_attention_dim', 'layers_per_block', 'down_block_types'):
        one, other = getattr(controlnet.config, name), getattr(unet.config, name)
        if one != other:
            raise PolicyError(f'the ControlNet has {name} {one}, the UNet {other}: name the base that it was trained on')


def _folder(name: str, revision: str, option: str) -> tuple[Path, str]:
    """Return a folder, and the commit if it was downloaded."""
    if Path(name).is_dir():
        return Path(name), ''
    if not _IDENTIFIER.fullmatch(name):
        raise PolicyError(f'{option} {name}: there is no such folder')
    if not revision:
        raise PolicyError(
            f'{option} {name}: there is no such folder; with --revision (a commit, or main) it is looked for on the '
            'model hub and downloaded'
        )
    try:
        path = Path(snapshot_download(name, revision=revision, allow_patterns=_WANTED))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise PolicyError(f'{option} {name} cannot be had from the hub: {error}') from error
    return path, path.name
