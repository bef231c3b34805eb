# SPDX-License-Identifier: Apache-2.0
"""What stands around an arm: boxes in its base frame, in one YAML file that a lab edits; docs/collisions.md explains it."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from genima.borders.texts import parse_yaml, read_text
from genima.errors import BorderError, ProfileError
from genima.files import config_dir
from genima.robots.schema import require_list, require_mapping, require_number, require_text, require_vector
from genima.robots.transforms import rpy_matrix

MARGIN_M = 0.01
# fingers work on the table: what they keep from it is as much as a millimetre-wide gap needs
GRIPPER_MARGIN_M = 0.001
MAX_BYTES, MAX_BOXES, MAX_IGNORED, MAX_SIZE_M = 2**18, 64, 256, 100.0


@dataclass(frozen=True, eq=False)
class Box:
    """A box that stands still.

    Attributes:
        name: What reasons call it.
        center_m: In the base frame, (3,).
        size_m: Full sizes, (3,).
        rpy_rad: Roll, pitch, yaw in the base frame, (3,).
        margin_m: Distance that the arm keeps; `gripper_margin_m`: that gripper and fingers keep.
    """

    name: str
    center_m: np.ndarray
    size_m: np.ndarray
    rpy_rad: np.ndarray
    margin_m: float = MARGIN_M
    gripper_margin_m: float = GRIPPER_MARGIN_M

    def depth_m(self, xyz_m: np.ndarray) -> float:
        """Return how far inside a point (3,) is from the nearest face, below 0 outside."""
        local = rpy_matrix(self.rpy_rad).T @ (xyz_m - self.center_m)
        return float((self.size_m / 2 - np.abs(local)).min())


@dataclass(frozen=True, eq=False)
class Obstacles:
    """The boxes around an arm, the distance that its own links keep from each other, and pairs that are not looked at."""

    boxes: tuple[Box, ...] = ()
    self_margin_m: float = MARGIN_M
    ignored: tuple[frozenset[str], ...] = ()

    @classmethod
    def load(cls, name_or_path: str | Path) -> 'Obstacles':
        """Read `config/obstacles/<name>.yaml`, or the file at a path that ends in .yaml.

        Raises:
            ProfileError: if the file is missing or anything in it is unknown, missing or out of range.
        """
        path = Path(name_or_path).expanduser()
        if path.suffix not in ('.yaml', '.yml'):
            path = config_dir() / 'obstacles' / f'{name_or_path}.yaml'
        if not path.is_file():
            known = ', '.join(sorted(file.stem for file in (config_dir() / 'obstacles').glob('*.yaml')))
            raise ProfileError(f'no obstacles at {path}; give one of {known}, or the path of a .yaml file')
        try:
            data = parse_yaml(read_text(path, MAX_BYTES))
        except BorderError as error:
            raise ProfileError(f'{path} is not valid YAML: {error}') from error
        return parse_obstacles(data, path.name)


@lru_cache(maxsize=1)
def table() -> Obstacles:
    """Return the table that an arm stands on, as shipped: one object, so that what is made for it is made once."""
    return Obstacles.load('table')


def parse_obstacles(data: Any, where: str = 'obstacles') -> Obstacles:
    """Turn the parsed YAML into obstacles, refusing whatever does not fit; `where` names the source in errors."""
    fields = require_mapping(data, where, ('boxes',), ('self_margin_m', 'ignore'))
    boxes = fields['boxes']
    if not isinstance(boxes, dict) or len(boxes) > MAX_BOXES:
        raise ProfileError(f'{where}: boxes: expected a mapping of name to box, {MAX_BOXES} at most; {{}} for none')
    pairs = require_list(fields.get('ignore', []), f'{where}: ignore')
    if len(pairs) > MAX_IGNORED:
        raise ProfileError(f'{where}: ignore has {len(pairs)} pairs; allowed: {MAX_IGNORED}')
    return Obstacles(
        boxes=tuple(_box(name, box, f'{where}: boxes.{name}') for name, box in boxes.items()),
        self_margin_m=_margin(fields, 'self_margin_m', MARGIN_M, where),
        ignored=tuple(_pair(pair, f'{where}: ignore[{i}]') for i, pair in enumerate(pairs)),
    )


def _box(name: Any, data: Any, where: str) -> Box:
    fields = require_mapping(data, where, ('center_m', 'size_m'), ('rpy_rad', 'margin_m', 'gripper_margin_m'))
    size_m = require_vector(fields['size_m'], f'{where}.size_m', 3, 1e-4)
    center_m = require_vector(fields['center_m'], f'{where}.center_m', 3)
    if max(size_m.max(), np.abs(center_m).max()) > MAX_SIZE_M:
        raise ProfileError(f'{where}: lengths are metres, and at most {MAX_SIZE_M:.0f}')
    return Box(
        require_text(name, where),
        center_m,
        size_m,
        require_vector(fields.get('rpy_rad', [0.0, 0.0, 0.0]), f'{where}.rpy_rad', 3),
        _margin(fields, 'margin_m', MARGIN_M, where),
        _margin(fields, 'gripper_margin_m', GRIPPER_MARGIN_M, where),
    )


def _margin(fields: dict[str, Any], key: str, default: float, where: str) -> float:
    margin_m = require_number(fields.get(key, default), f'{where}.{key}', 0.0005)
    if margin_m > 0.5:
        raise ProfileError(f'{where}.{key}: got {margin_m} m; allowed: 0.0005 to 0.5')
    return margin_m


def _pair(data: Any, where: str) -> frozenset[str]:
    names = frozenset(require_text(name, where) for name in require_list(data, where))
    if len(names) != 2:
        raise ProfileError(f'{where}: expected two different names of links or boxes, got {data}')
    return names
