# SPDX-License-Identifier: Apache-2.0
"""ImageNet weights of a ResNet-18 from a local file, into a view encoder of the same layout."""

import re
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from genima.controller.encoder import ViewEncoder
from genima.errors import PolicyError

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's channels from 0 to 1, as published with the weights of torchvision and timm."""
_NAMES = {'conv1': 'conv1', 'bn1': 'norm1', 'conv2': 'conv2', 'bn2': 'norm2'}


def load_imagenet(encoder: ViewEncoder, path: Path | str) -> None:
    """Fill the encoder with the weights of a ResNet-18, and fit its first layer to images in [-1, 1].

    Args:
        encoder: Of four stages, width 64. FiLM stays as it is, the identity.
        path: Safetensors with the names of torchvision or timm (`layer1.0.conv1.weight`, ...).

    Raises:
        PolicyError: if the file holds no ResNet-18, or the encoder is none.
    """
    if not Path(path).is_file() or Path(path).suffix != '.safetensors':
        raise PolicyError(f'ImageNet weights {path}: no such file, or not in safetensors (a pickle is never read here)')
    try:
        values = {_renamed(name): each.float() for name, each in load_file(path).items() if not name.startswith('fc.')}
    except SafetensorError as error:
        raise PolicyError(f'ImageNet weights {path} are damaged: {error}') from error
    mine = {name: each for name, each in encoder.state_dict().items() if '.film.' not in name}
    wrong = [name for name in mine if name not in values and not name.endswith('num_batches_tracked')]
    wrong += [name for name in values if name not in mine or values[name].shape != mine[name].shape]
    if wrong:
        raise PolicyError(
            f'{path} does not fit the view encoder in {", ".join(sorted(wrong)[:3])}: ResNet-18 is width 64 and 4 stages'
        )
    _fit_range(values)
    encoder.load_state_dict(values, strict=False)


def _renamed(name: str) -> str:
    """Return what the encoder calls a weight of torchvision's ResNet."""
    block = re.fullmatch(r'layer(\d)\.(\d)\.(\w+)\.(.+)', name)
    if block is None:
        return name.replace('conv1.', 'stem.').replace('bn1.', 'norm.')
    number = 2 * (int(block[1]) - 1) + int(block[2])
    part = 'shortcut' if block[3] == 'downsample' else _NAMES.get(block[3], block[3])
    return f'blocks.{number}.{part}.{block[4]}'


def _fit_range(values: dict[str, Tensor]) -> None:
    """Fold ImageNet's normalisation of [0, 1] into the first layer, for images in [-1, 1]."""
    mean, std = torch.tensor(MEAN)[None, :, None, None], torch.tensor(STD)[None, :, None, None]
    weight = values['stem.weight']
    values['norm.running_mean'] = values['norm.running_mean'] - (weight * (0.5 - mean) / std).sum((1, 2, 3))
    values['stem.weight'] = weight * 0.5 / std
