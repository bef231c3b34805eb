# SPDX-License-Identifier: Apache-2.0
"""What is checked of a pipeline's folder before diffusers and transformers open it: files, names of classes, sizes."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from genima.borders.files import border
from genima.borders.texts import read_json
from genima.borders.weights import check_finite, check_folder, stored_shapes
from genima.errors import BorderError, PolicyError

_LIBRARIES = ('diffusers', 'transformers')
MAX_NUMBER, MAX_LAYERS, MAX_LIST = 2**20, 256, 1000
_COUNTS = ('num_layers', 'num_hidden_layers', 'layers_per_block', 'num_blocks', 'depth')
"""What the names of numbers end with that count modules, each of which takes time to make."""


def check_pipeline(directory: Path, parts: Sequence[str]) -> None:
    """Check the folder of a pipeline; nothing of it is loaded.

    Args:
        directory: The folder.
        parts: The folders in it that hold weights.

    Raises:
        PolicyError: naming the file and what is wrong with it.
    """
    with border(directory, 'train the painter, or copy the pipeline again', PolicyError):
        files = check_folder(directory)
        index = read_json(directory / 'model_index.json')
        for name, each in index.items():
            if isinstance(each, list) and each[:1] != [None] and (len(each) != 2 or each[0] not in _LIBRARIES):
                raise BorderError(
                    f'model_index.json: {name} is {str(each)[:100]}; classes of {", ".join(_LIBRARIES)} are loaded'
                )
        check_files(files)
        for part in parts:
            if not (directory / part).is_dir():
                raise BorderError(f'{directory / part} is missing')


def check_files(files: Iterable[Path]) -> None:
    """Check configurations and the headers of weights.

    Raises:
        BorderError: naming the file and what is wrong with it.
    """
    for path in files:
        if path.name.endswith('.index.json'):
            _check_shards(path)
        elif path.name in ('config.json', 'scheduler_config.json'):
            _check_config(path)
        elif path.suffix == '.safetensors':
            stored_shapes(path)


def check_weights(network: Any, folder: Path) -> None:
    """Refuse a loaded network with weights that are not finite.

    Raises:
        PolicyError: naming the tensor.
    """
    with border(folder, 'train the painter, or copy the pipeline again', PolicyError):
        check_finite(network.state_dict(), folder)


def _check_shards(path: Path) -> None:
    table = read_json(path)
    names = set(table['weight_map'].values()) if isinstance(table, dict) else {''}
    for name in names:
        if not isinstance(name, str) or not name or Path(name).name != name or not name.endswith('.safetensors'):
            raise BorderError(f'{path} names {str(name)[:100]!r}; weights are files beside it')


def _check_config(path: Path) -> None:
    config = read_json(path)
    if not isinstance(config, dict) or 'auto_map' in config:
        raise BorderError(f'{path} is no plain configuration; code that comes with weights is never run')
    for name, value in _numbers(config, ''):
        most = MAX_LAYERS if name.endswith(_COUNTS) else MAX_NUMBER
        if not abs(value) <= most:
            raise BorderError(f'{path}: {name} is {value:g}; at most {most}')


def _numbers(value: Any, name: str) -> Iterator[tuple[str, float]]:
    """Yield every number of a configuration with its name."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _numbers(each, str(key))
    elif isinstance(value, list):
        if len(value) > MAX_LIST:
            raise BorderError(f'{name} has {len(value)} values; at most {MAX_LIST}')
        for each in value:
            yield from _numbers(each, name)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield name, float(min(value, 1e300))
