# SPDX-License-Identifier: Apache-2.0
"""`features.json` of tensorflow_datasets: which features the records of a dataset have, and how they are stored.

The file is the JSON form of the message `tensorflow_datasets.Feature`. Source: tensorflow_datasets 4.9.10,
core/proto/feature.proto, core/features/{feature,features_dict,dataset_feature,tensor_feature,image_feature}.py.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from genima.errors import DatasetError

MAX_NUMBERS = 2**28
"""Of one value of a feature."""
STEPS = 'steps/'
"""What the names of all features of steps begin with: RLDS keeps the steps of an episode as a nested dataset."""

_MODULE = 'tensorflow_datasets.core.features.'
_CLASSES = {
    'tensor': 'tensor_feature.Tensor',
    'image': 'image_feature.Image',
    'text': 'text_feature.Text',
    'featuresDict': 'features_dict.FeaturesDict',
    'sequence': 'dataset_feature.Dataset',
}


@dataclass(frozen=True)
class Feature:
    """One feature.

    Attributes:
        kind: 'tensor', 'image', 'text' or 'other' (known to tfds, not read here: sequences within steps, audio ...).
        dtype: NumPy's name of the type of the decoded values.
        shape: Of one decoded value; None for a size that differs.
        encoding: Of an image 'png' or 'jpeg'. Of a tensor: 'none' stores numbers, as float32 or int64 whatever the dtype;
            'bytes' and 'zlib' store the array's bytes and so keep float64 exact (example_parser.py, `_to_tf_example_spec`).
        description: For people.
    """

    kind: str
    dtype: str = ''
    shape: tuple[int | None, ...] = ()
    encoding: str = 'none'
    description: str = ''

    def __str__(self) -> str:
        size = 'x'.join('?' if length is None else str(length) for length in self.shape)
        return f'{self.kind} {self.dtype} {size}'.strip()


def to_json(features: Mapping[str, Feature]) -> dict[str, Any]:
    """Return the content of `features.json` for features by name, nested by the slashes in the names."""
    tree: dict[str, Any] = {}
    for name, feature in features.items():
        *groups, leaf = name.split('/')
        inner = tree
        for group in groups:
            inner = inner.setdefault(group, {})
        inner[leaf] = feature
    return _dict_to_json(tree)


def from_json(content: Mapping[str, Any]) -> dict[str, Feature]:
    """Return the features by name, names of nested ones joined by slashes.

    Raises:
        DatasetError: if this is no `features.json`, or one of tensorflow_datasets before 4.6, which wrote another form.
    """
    try:
        return dict(_flat(content, '', 0))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise DatasetError(
            f'features.json cannot be read ({error!r}); files of tensorflow_datasets before 4.6 have another form: '
            'open the dataset once with a newer one and save it again'
        ) from error


def _dict_to_json(tree: Mapping[str, Any]) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, Feature):
            entries[name] = _feature_to_json(value)
        elif f'{name}/' == STEPS:
            entries[name] = _message('sequence', {'feature': _dict_to_json(value), 'length': '-1'})
        else:
            entries[name] = _dict_to_json(value)
    return _message('featuresDict', {'features': entries})


def _feature_to_json(feature: Feature) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if feature.kind != 'text':
        shape = [str(-1 if length is None else length) for length in feature.shape]
        content = {'shape': {'dimensions': shape} if shape else {}, 'dtype': feature.dtype}
        content['encodingFormat' if feature.kind == 'image' else 'encoding'] = feature.encoding
    described = {'description': feature.description} if feature.description else {}
    return {**_message(feature.kind, content), **described}


def _message(kind: str, content: dict[str, Any]) -> dict[str, Any]:
    return {'pythonClassName': _MODULE + _CLASSES[kind], kind: content}


def _flat(message: Mapping[str, Any], name: str, depth: int) -> Iterator[tuple[str, Feature]]:
    """Yield the features below a message, which lies within `depth` sequences."""
    if 'featuresDict' in message:
        for key, inner in message['featuresDict']['features'].items():
            yield from _flat(inner, f'{name}/{key}' if name else key, depth)
    elif 'sequence' in message:
        yield from _flat(message['sequence']['feature'], name, depth + 1)
    else:
        if 'pythonClassName' not in message:
            raise ValueError(f'{name or "the top level"} names no pythonClassName')
        within_steps = depth == 1 and name.startswith(STEPS)
        yield name, _leaf(message) if within_steps or depth == 0 else Feature('other')


def _leaf(message: Mapping[str, Any]) -> Feature:
    description = message.get('description', '')
    for kind in ('tensor', 'image'):
        if kind in message:
            content = message[kind]
            sizes = [int(size) for size in content.get('shape', {}).get('dimensions', [])]
            shape = tuple(None if size < 0 else size for size in sizes)
            encoding = content.get('encoding' if kind == 'tensor' else 'encodingFormat') or 'none'
            if math.prod(size or 1 for size in shape) > MAX_NUMBERS:
                raise ValueError(f'a {kind} of {shape}')
            return Feature(kind, str(content['dtype']), shape, encoding, description)
    if 'classLabel' in message:
        return Feature('tensor', 'int64', description=description)
    return Feature('text' if 'text' in message else 'other', description=description)
