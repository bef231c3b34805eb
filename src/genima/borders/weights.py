# SPDX-License-Identifier: Apache-2.0
"""Weights in safetensors: what the header says is compared before a network is built, and every number is finite.

Source: https://github.com/huggingface/safetensors, "Format": eight bytes with the length of a JSON header, then the header.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from genima.borders.files import inside, regular_file
from genima.borders.texts import parse_json
from genima.errors import BorderError

MAX_HEADER_BYTES = 2**24


def stored_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return name to shape of every tensor of a file; no tensor is read.

    Raises:
        BorderError: if the file is no safetensors.
    """
    size = regular_file(path).stat().st_size
    with path.open('rb') as file:
        length = int.from_bytes(file.read(8), 'little')
        if not 2 <= length <= min(size, MAX_HEADER_BYTES):
            raise BorderError(f'{path} states a header of {length} bytes; it is no safetensors file, or damaged')
        header = parse_json(file.read(length))
    try:
        return {name: tuple(map(int, each['shape'])) for name, each in header.items() if name != '__metadata__'}
    except (AttributeError, TypeError, KeyError, ValueError) as error:
        raise BorderError(f'{path} has a damaged header ({error!r})') from error


def check_shapes(stored: Mapping[str, tuple[int, ...]], network: torch.nn.Module, path: Path) -> None:
    """Compare a file with a network that was built without memory, on the device 'meta'.

    Raises:
        BorderError: naming the first tensor that differs.
    """
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    for name in sorted(wanted.keys() | stored.keys()):
        if wanted.get(name) != stored.get(name):
            raise BorderError(
                f'{path}: {name} is {stored.get(name)} there and {wanted.get(name)} in the network of its config'
            )


def check_finite(tensors: Mapping[str, Tensor], path: Path | str) -> None:
    """Refuse weights that would make every output NaN.

    Raises:
        BorderError: naming the first tensor.
    """
    for name, value in tensors.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise BorderError(
                f'{path}: {name} holds values that are not finite: the training diverged, or the file is damaged'
            )


def check_folder(folder: Path, most_files: int = 1000) -> list[Path]:
    """Return the files below a folder, all of them regular and inside of it.

    Raises:
        BorderError: naming the first that is not, or if there are too many.
    """
    found = []
    for path in sorted(folder.rglob('*')):
        if not path.is_dir() or path.is_symlink():
            found.append(regular_file(inside(folder, path)) if not inside(folder, path).is_dir() else path)
        if len(found) > most_files:
            raise BorderError(f'{folder} has more than {most_files} files')
    return found
