# SPDX-License-Identifier: Apache-2.0
"""What each value of a policy contract may be: types first, then ranges, for files as for values made in code."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from genima.errors import ContractError
from genima.robots.profile import SphereSpec
from genima.spheres.scene import Stripes

_MOST_CAMERAS, _MOST_SPHERES, _MOST_JOINTS, _LONGEST_TEXT = 16, 64, 64, 2000
_NAME = re.compile(r'[\w.-]{1,80}')

Kind = tuple[str, Callable[[object], bool]]
"""What is allowed, in words, and whether a value is that."""


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and len(value) <= _LONGEST_TEXT


def _is_name(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _is_color(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == 3 and all(_is_whole(each) and 0 <= each <= 255 for each in value)


def _are_numbers(value: object) -> bool:
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(map(_is_number, value))


def whole(low: int, high: int) -> Kind:
    """Return the kind of whole numbers from `low` to `high`."""
    return f'a whole number from {low} to {high}', lambda value: _is_whole(value) and low <= value <= high  # type: ignore[operator]


def number(above: float, high: float) -> Kind:
    """Return the kind of numbers above `above`, at most `high`."""
    return f'a number above {above:g}, at most {high:g}', lambda value: _is_number(value) and above < value <= high  # type: ignore[operator]


def one_of(*choices: str) -> Kind:
    """Return the kind of a choice."""
    return ', '.join(choices), lambda value: isinstance(value, str) and value in choices


def names(most: int, is_name: Callable[[object], bool] = _is_name) -> Kind:
    """Return the kind of tuples of names, all different."""

    def fits(value: object) -> bool:
        good = isinstance(value, tuple) and 0 < len(value) <= most and all(map(is_name, value))
        return good and len(set(value)) == len(value)  # type: ignore[arg-type, call-overload]

    return f'a list of one to {most} names, all different', fits


def vector(length: int, low: float, high: float) -> Kind:
    """Return the kind of tuples of numbers."""

    def fits(value: object) -> bool:
        numbers = isinstance(value, tuple) and len(value) == length and all(map(_is_number, value))
        return numbers and all(low <= each <= high for each in value)  # type: ignore[attr-defined]

    return f'{length} numbers from {low:g} to {high:g}', fits


def optional(kind: Kind) -> Kind:
    """Return a kind that may be left out."""
    return kind[0], lambda value: value is None or kind[1](value)


def mapping(of: Kind) -> Kind:
    """Return the kind of mappings from names to values of a kind."""

    def fits(value: object) -> bool:
        return isinstance(value, Mapping) and all(_is_name(name) and of[1](each) for name, each in value.items())

    return f'a mapping of names, each to {of[0]}', fits


NAME: Kind = ('a name of letters, digits, "-", "_" and "."', _is_name)
TEXT: Kind = (f'a text, not empty, of at most {_LONGEST_TEXT} characters', _is_text)
COLOR: Kind = ('red, green, blue: three whole numbers from 0 to 255', _is_color)
_STATISTICS: Kind = ('a list of finite numbers', _are_numbers)

CONTRACT: dict[str, Kind] = {
    # without a dot: a name that ends in .yaml would be a file
    'robot': ('the name of a profile', lambda value: _is_name(value) and '.' not in str(value)),
    'joint_names': names(_MOST_JOINTS, _is_text),
    'task': NAME,
    'instruction': TEXT,
    'cameras': names(_MOST_CAMERAS),
    'hidden': mapping(('a list of spheres', lambda value: isinstance(value, tuple) and all(map(_is_name, value)))),
    'radius_scale': mapping(number(0.0, 100.0)),
    'view_size_px': whole(8, 4096),
    'resize': one_of('area', 'linear'),
    'color_order': one_of('rgb'),
    'tiling': one_of('tiled', 'per_view'),
    'horizon_steps': whole(1, 10**4),
    'chunk_steps': whole(1, 10**4),
    'control_rate_hz': number(0.0, 1000.0),
    'max_target_age_steps': whole(0, 10**4),
    'prompt_template': ('a text with {instruction}', lambda value: _is_text(value) and '{instruction}' in str(value)),
    'inference_steps': whole(1, 1000),
    'background': one_of('views', 'black'),
    'normalizer': mapping(_STATISTICS),
}
SPHERE: dict[str, Kind] = {
    'name': NAME,
    'link': TEXT,
    'xyz_m': vector(3, -10.0, 10.0),
    'radius_m': number(0.0, 10.0),
    'color_rgb': optional(COLOR),
    'color_open_rgb': optional(COLOR),
    'color_closed_rgb': optional(COLOR),
    'radius_px': optional(number(0.0, 4096.0)),
}
STRIPES: dict[str, Kind] = {
    'bands': whole(1, 1000),
    'dark': ('a number from 0 to 1', lambda value: _is_number(value) and 0 <= value <= 1),  # type: ignore[operator]
}


def require(condition: bool, name: str, got: object, allowed: object) -> None:
    """Refuse a value of a policy contract.

    Raises:
        ContractError: if the condition does not hold.
    """
    if not condition:
        raise ContractError(f'policy contract, {name}: got {_short(got)}, allowed: {allowed}')


def check(values: Mapping[str, Any], kinds: Mapping[str, Kind], where: str = '') -> None:
    """Refuse the first value that is not of its kind.

    Raises:
        ContractError: with its name, what it is and what is allowed.
    """
    for name, (allowed, fits) in kinds.items():
        require(fits(values[name]), where + name, values[name], allowed)


def check_spheres(spheres: object, stripes: object) -> None:
    """Refuse what cannot be painted, or not be told apart.

    Raises:
        ContractError: with what is allowed.
    """
    good = isinstance(spheres, tuple) and all(isinstance(each, SphereSpec) for each in spheres)
    require(good, 'spheres', spheres, 'a list of spheres; empty where a policy of others paints none')
    assert isinstance(spheres, tuple)
    require(len(spheres) <= _MOST_SPHERES, 'spheres', len(spheres), f'at most {_MOST_SPHERES}')
    for sphere in spheres:
        check(vars(sphere), SPHERE, f'sphere {_short(sphere.name)}: ')
        both = sphere.color_open_rgb is not None and sphere.color_closed_rgb is not None
        neither = sphere.color_open_rgb is None and sphere.color_closed_rgb is None
        coloured = both if sphere.color_rgb is None else neither
        require(coloured, f'sphere {sphere.name}', 'its colours', 'color_rgb, or color_open_rgb and color_closed_rgb')
    given = [sphere.name for sphere in spheres]
    require(len(set(given)) == len(given), 'spheres', given, 'names that differ')
    require(isinstance(stripes, Stripes), 'stripes', stripes, 'a mapping of bands and dark')
    check(asdict(stripes), STRIPES, 'stripes.')  # type: ignore[call-overload]


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f'{text[:200]}...'
