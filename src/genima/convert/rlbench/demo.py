# SPDX-License-Identifier: Apache-2.0
"""One demonstration of RLBench as it lies on the disk: `low_dim_obs.pkl` and a folder of PNG files per camera.

Source: RLBench 02720bb, rlbench/dataset_generator.py (`save_demo`), rlbench/backend/{const,observation}.py.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genima.borders.files import inside, read_bytes
from genima.borders.unpacked import check_unpacked
from genima.cameras.image_file import decode_rgb
from genima.convert.rlbench.safe_pickle import Record, read_pickle
from genima.errors import BorderError, DatasetError

MAX_PICKLE_BYTES = 2**26
LOW_DIM, DESCRIPTIONS = 'low_dim_obs.pkl', 'variation_descriptions.pkl'
CAMERAS = ('front', 'left_shoulder', 'right_shoulder', 'overhead', 'wrist')


@dataclass(frozen=True)
class Demo:
    """A demonstration, T observations.

    Attributes:
        folder: Where it lies.
        observations: T times the fields of RLBench's `Observation`; pictures are files and None here.
        descriptions: What the task may be called, the first being the usual one; empty if no file says it.
        cameras: Those that have a folder with pictures.
    """

    folder: Path
    observations: list[dict[str, Any]]
    descriptions: list[str]
    cameras: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of observations T."""
        return len(self.observations)

    def array(self, name: str, columns: int) -> np.ndarray:
        """Return a field of all observations, (T, columns) float64.

        Raises:
            DatasetError: if an observation lacks it or has it in another shape.
        """
        values = [observation.get(name) for observation in self.observations]
        return self._stacked(name, values, (columns,))

    def misc(self, name: str, *shape: int) -> np.ndarray | None:
        """Return a value of `misc` of all observations, (T, *shape) float64; None if the first observation lacks it.

        Raises:
            DatasetError: if another observation lacks it or has it in another shape.
        """
        values = [observation.get('misc', {}).get(name) for observation in self.observations]
        return None if values[0] is None else self._stacked(name, values, shape)

    def action(self) -> np.ndarray | None:
        """Return joint targets and opening (T, 8) that were commanded at each observation; None if they were not stored.

        `misc['joint_position_action']` is what led to its observation; what follows an observation is in the next one.
        Source: rlbench/backend/scene.py, `get_demo`; genima/rlbench_utils of the original reads it likewise.
        """
        later = [observation.get('misc', {}).get('joint_position_action') for observation in self.observations[1:]]
        if not later or any(values is None for values in later):
            return None
        return self._stacked('joint_position_action', [*later, later[-1]], (8,))

    def views(self, camera: str) -> np.ndarray:
        """Return the pictures of a camera, (T, H, W, 3) RGB uint8.

        Raises:
            DatasetError: if one is missing, cannot be read, or differs in size from the first.
        """
        images: list[np.ndarray] = []
        stored = 0
        for number in range(len(self)):
            path = inside(self.folder, f'{camera}_rgb/{number}.png')
            data = read_bytes(path) if path.is_file() else b''
            image = decode_rgb(data)
            if image is None or (images and image.shape != images[0].shape):
                problem = 'is no picture of the size of the first' if path.is_file() else 'is missing'
                raise DatasetError(f'{path} {problem}; copy the demonstration again')
            images.append(image)
            stored += len(data)
            check_unpacked(len(images) * image.nbytes, stored, str(path.parent))
        return np.stack(images)

    def _stacked(self, name: str, values: list[Any], shape: tuple[int, ...]) -> np.ndarray:
        try:
            stacked = np.stack([_numbers(value, math.prod(shape)).reshape(shape) for value in values])
        except (TypeError, ValueError) as error:
            raise DatasetError(f'{self.folder / LOW_DIM}: {name} is missing or not of shape {shape} ({error})') from error
        return stacked


def _numbers(value: Any, count: int) -> np.ndarray:
    """Return an array, a number, or a list of these as float64; lists of lists of lists may stand for more than fits."""
    parts = value if isinstance(value, (list, tuple)) else [value]
    if len(parts) > count or not all(isinstance(each, (bool, int, float, np.ndarray)) for each in parts):
        raise TypeError(f'{type(value).__name__} of {len(parts)} and more, or of something else than numbers')
    return np.asarray(value, dtype=np.float64)


def find_demos(source: Path) -> list[Path]:
    """Return the folders of all demonstrations below `source`, tasks by name, variations and episodes by number.

    Raises:
        DatasetError: if there is none.
    """
    root = source.resolve()
    folders = [inside(root, path).parent for path in root.rglob(LOW_DIM)]
    if not folders:
        raise DatasetError(f'no {LOW_DIM} below {source}: name a folder with RLBench demonstrations')
    return sorted(folders, key=lambda folder: [_natural(part) for part in folder.parts])


def read_demo(folder: Path) -> Demo:
    """Read a demonstration, without its pictures.

    Raises:
        DatasetError: if something of it is missing, damaged, or refused.
    """
    demo = _read(folder / LOW_DIM)
    observations = demo.fields.get('_observations') if isinstance(demo, Record) else demo
    if not isinstance(observations, list) or not observations:
        raise DatasetError(f'{folder / LOW_DIM} holds no observations; copy the demonstration again')
    if not all(isinstance(each, Record) and isinstance(each.fields.get('misc'), dict) for each in observations):
        raise DatasetError(f'{folder / LOW_DIM} holds something else than observations of RLBench')
    cameras = tuple(name for name in CAMERAS if (folder / f'{name}_rgb').is_dir())
    return Demo(folder, [each.fields for each in observations], _descriptions(folder), cameras)


def _descriptions(folder: Path) -> list[str]:
    """Return the descriptions, which lie beside the demonstration or beside the folder `episodes` that it is in."""
    for path in (folder / DESCRIPTIONS, folder.parent.parent / DESCRIPTIONS):
        if path.is_file():
            found = _read(path)
            if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
                raise DatasetError(f'{path} is no list of texts; copy the demonstration again')
            return found
    return []


def _read(path: Path) -> Any:
    try:
        return read_pickle(read_bytes(inside(path.parent, path), MAX_PICKLE_BYTES))
    except (DatasetError, BorderError) as error:
        raise DatasetError(f'{path}: {error}') from error


def _natural(part: str) -> tuple[str, int]:
    """Return a key that sorts episode2 before episode10."""
    text = part.rstrip('0123456789')
    return text, int(part[len(text) :] or -1)
