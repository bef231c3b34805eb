# SPDX-License-Identifier: Apache-2.0
"""Which cameras a simulation has, and what they are called: any of its four, under names of your own."""

import re
from collections.abc import Iterable, Sequence

from genima.errors import GenimaError

CAMERA_NAMES = ('wrist', 'front', 'right_shoulder', 'left_shoulder')


def camera_pairs(choice: Iterable[str] | str) -> dict[str, str]:
    """Return name to the camera of a simulation that stands behind it.

    Args:
        choice: Each `front`, or `NAME=front` under another name; as text, by commas.

    Raises:
        GenimaError: if a name is odd or there twice.
    """
    each = choice.split(',') if isinstance(choice, str) else list(choice)
    sources: dict[str, str] = {}
    for text in filter(None, (one.strip() for one in each)):
        name, _, source = text.partition('=')
        if not re.fullmatch('[A-Za-z][A-Za-z0-9_]*', name) or name in sources:
            raise GenimaError(f'simulated camera {text!r}: names have letters, digits and _, and each is there once')
        sources[name] = source or name
    return sources


def camera_sources(choice: Iterable[str] | str) -> dict[str, str]:
    """Return what `camera_pairs` does for our simulation, all cameras under their own names where nothing is chosen.

    Raises:
        GenimaError: if there is no such camera, or a name is odd or there twice.
    """
    sources = camera_pairs(choice)
    for name, source in sources.items():
        if source not in CAMERA_NAMES:
            known = ', '.join(CAMERA_NAMES)
            raise GenimaError(f'the simulation has no camera {source!r}, only {known}: say {name}=front, for example')
    return sources or {name: name for name in CAMERA_NAMES}


def cameras_of_policy(cameras: Sequence[str], choice: str) -> str:
    """Return the choice of a simulation's cameras for a policy: those that it sees, under its names.

    Raises:
        GenimaError: if the policy sees a camera that was not chosen.
    """
    text = choice or ','.join(cameras)
    missing = sorted(set(cameras) - set(camera_pairs(text)))
    if missing:
        raise GenimaError(
            f'--cameras {choice}: the policy also sees {", ".join(missing)}; say {missing[0]}=front, for example'
        )
    return text
