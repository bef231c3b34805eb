# SPDX-License-Identifier: Apache-2.0
"""How much the look of episodes varies: the visual conditions that their metadata name, and the level by their number."""

from collections.abc import Iterable, Mapping
from typing import Any

LEVELS = ('unknown', 'low', 'medium', 'high')
_LOW_UP_TO, _MEDIUM_UP_TO = 2, 5


def conditions(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the visual conditions of one episode, none where nothing was noted.

    `metadata['diversity']['conditions']` if it is a list of names, else one condition that is named by the lighting,
    the background and the object material.
    """
    diversity = metadata.get('diversity')
    if not isinstance(diversity, Mapping):
        return ()
    named = diversity.get('conditions')
    if isinstance(named, (list, tuple)):
        return tuple(sorted({str(name) for name in named}))
    parts = [f'{key} {diversity[key]}' for key in ('lighting', 'background', 'object_material') if diversity.get(key)]
    return (', '.join(parts),) if parts else ()


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
