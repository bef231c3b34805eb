# SPDX-License-Identifier: Apache-2.0
"""Parts of a diffusers pipeline folder: found, hashed and loaded one by one, from disk, from safetensors only."""

import hashlib
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from diffusers.utils import logging as diffusers_logging
from transformers import CLIPTextModel, CLIPTokenizer

from genima.borders.files import border, reason
from genima.borders.texts import read_json
from genima.errors import PolicyError
from genima.painter.border import check_files, check_weights
from genima.painter.weights import weights_files, weights_variant

NETWORKS = ('vae', 'text_encoder', 'unet', 'controlnet')
_CLASSES = {
    'unet': ('UNet2DConditionModel',),
    'vae': ('AutoencoderKL', 'AutoencoderTiny'),
    'controlnet': ('ControlNetModel',),
    'text_encoder': ('CLIPTextModel',),
}
_BLOCK = 2**22


def part_sha256(folder: Path) -> str:
    """Return the SHA-256 of a part's weights: of its one file, as `sha256sum` gives it, or of all files in turn.

    Raises:
        PolicyError: if the folder holds no weights in safetensors.
    """
    digest = hashlib.sha256()
    for path in weights_files(folder, weights_variant(folder.parent, [folder.name])):
        with path.open('rb') as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()


def load_network(folder: Path, dtype: torch.dtype = torch.float32, name: str = '') -> Any:
    """Load one network of a pipeline folder.

    Args:
        folder: 'unet', 'vae', 'text_encoder' or 'controlnet' of a pipeline, or a folder of that content.
        dtype: Of its weights in memory.
        name: Which it is, where the folder's name does not say it.

    Raises:
        PolicyError: if a file is missing or damaged, or it is no network of Stable Diffusion 1 or 2.
    """
    name = name or folder.name
    config = _read_config(folder / 'config.json')
    kind = str(config.get('_class_name') or (config.get('architectures') or ['?'])[0])
    if kind not in _CLASSES[name]:
        raise PolicyError(
            f'{folder} is a {kind}, allowed: {" or ".join(_CLASSES[name])}; base models are Stable Diffusion 1 or 2, '
            'SD-Turbo among them'
        )
    owner = CLIPTextModel if name == 'text_encoder' else getattr(diffusers, kind)
    variant = weights_variant(folder.parent, [folder.name])
    be_quiet()
    with border(folder, 'train it, or copy it again', PolicyError):
        check_files(sorted(folder.iterdir()))
    try:
        network = owner.from_pretrained(
            folder, variant=variant, dtype=dtype, local_files_only=True, use_safetensors=True
        )
    except Exception as error:  # diffusers, transformers and safetensors have errors of their own
        raise PolicyError(f'{folder} does not hold a whole {kind} ({reason(error)}); train or copy it again') from error
    check_weights(network, folder)
    return network


def load_tokenizer(folder: Path) -> CLIPTokenizer:
    """Load `tokenizer/` of a pipeline.

    Raises:
        PolicyError: if it is missing or damaged.
    """
    _read_config(folder / 'tokenizer_config.json')
    try:
        return CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # transformers and tokenizers have errors of their own
        raise PolicyError(f'{folder} does not hold a whole tokenizer ({reason(error)}); train or copy it again') from error


def load_scheduler(folder: Path) -> Any:
    """Load `scheduler/` of a pipeline: whichever scheduler of diffusers its file names.

    Raises:
        PolicyError: if it is missing or names none.
    """
    config = _read_config(folder / 'scheduler_config.json')
    owner = getattr(diffusers, str(config.get('_class_name')), None)
    if owner is None or not issubclass(owner, diffusers.SchedulerMixin):
        raise PolicyError(f'{folder} names the scheduler {config.get("_class_name")!r}, which diffusers does not have')
    try:
        return owner.from_config(config)
    except Exception as error:  # each scheduler checks its own
        raise PolicyError(f'{folder} does not fit its scheduler ({reason(error)}); copy it again') from error


def _read_config(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise PolicyError(
            f'{path} is missing; train the painter with `genima train painter`, or copy a complete pipeline folder of '
            'diffusers there'
        )
    with border(path, 'copy it again', PolicyError):
        config = read_json(path)
    if not isinstance(config, dict):
        raise PolicyError(f'{path} holds {type(config).__name__}, not a configuration; copy it again')
    return config


def be_quiet() -> None:
    """Show no progress bars of files that are read or written within a second."""
    diffusers_logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()
