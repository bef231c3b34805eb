# SPDX-License-Identifier: Apache-2.0
"""How much the look of episodes varies: the visual conditions that their metadata name, and the level by their number."""

from collections.abc import Iterable, Mapping
from typing import Any

from genima.errors import DatasetError

LEVELS = ('unknown', 'low', 'medium', 'high')
_LOW_UP_TO, _MEDIUM_UP_TO = 2, 5
DESCRIBED = ('lighting', 'background', 'object_material', 'clutter')
"""What one configuration is described by; the training-data page, "Visual Diversity", names the first three, and clutter
as the number of distractor objects."""
LONGEST = 200


def conditions(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the visual conditions of one episode, none where nothing was noted.

    `metadata['diversity']['conditions']` if it is a list of names, and each of its `materials` and its clutter besides;
    else one condition that is named by lighting, background, object material and clutter.
    """
    diversity = _noted(metadata)
    named = diversity.get('conditions')
    if isinstance(named, (list, tuple)):
        listed = diversity.get('materials')
        also = {f'material {name}' for name in (listed if isinstance(listed, (list, tuple)) else ())}
        also |= {f'clutter {name}' for name in (clutter(metadata),) if name}
        return tuple(sorted({str(name) for name in named} | also))
    words = {'object_material': ' and '.join(materials(metadata)), 'clutter': clutter(metadata)}
    parts = [f'{key} {words.get(key, diversity.get(key))}' for key in DESCRIBED if words.get(key, diversity.get(key))]
    return (', '.join(parts),) if parts else ()


def materials(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what the objects of one episode are made of: `materials` if it is a list, else `object_material`."""
    diversity = _noted(metadata)
    named = diversity.get('materials')
    values = named if isinstance(named, (list, tuple)) else [diversity.get('object_material')]
    return tuple(sorted({str(value) for value in values if value not in (None, '')}))


def clutter(metadata: Mapping[str, Any]) -> str:
    """Return what else lies about in one episode: words, or a number of things; empty where that was not noted."""
    value = _noted(metadata).get('clutter')
    return '' if value is None or isinstance(value, bool) else str(value)


def described(metadata: Mapping[str, Any], **values: str | int | list[str] | None) -> dict[str, Any]:
    """Return metadata with what is not None noted under `diversity`.

    Raises:
        DatasetError: if a text is longer than LONGEST characters.
    """
    given = {key: value for key, value in values.items() if value is not None}
    for key, value in given.items():
        if any(len(str(each)) > LONGEST for each in (value if isinstance(value, list) else [value])):
            raise DatasetError(f'{key} has over {LONGEST} characters; name the condition in a few words')
    return {**metadata, 'diversity': {**_noted(metadata), **given}}


def level(names: Iterable[str]) -> str:
    """Return low for 1 to 2 different conditions, medium for 3 to 5, high for 6 and more, unknown for none.

    Source: the training-data page that the project follows, "Visual Diversity".
    """
    count = len(set(names))
    if not count:
        return 'unknown'
    if count <= _LOW_UP_TO:
        return 'low'
    return 'medium' if count <= _MEDIUM_UP_TO else 'high'


def _noted(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    diversity = metadata.get('diversity')
    return diversity if isinstance(diversity, Mapping) else {}
