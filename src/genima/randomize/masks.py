# SPDX-License-Identifier: Apache-2.0
"""Files that say which pixels of recorded images show a thing: what `genima collect --masks` writes, or what a lab made.

A folder has the masks of one thing. Of each episode there is `<episode>.h5` with one dataset (T, H, W) per camera, or a
folder `<episode>/<camera>/` with one PNG per step, named by its number. Where a value is not 0, the pixel shows the thing.
"""

from collections.abc import Mapping
from pathlib import Path

import cv2
import h5py
import numpy as np
from numpy.typing import NDArray

from genima.borders.files import border, inside, read_bytes
from genima.borders.hdf5 import check_array, check_own, open_hdf5
from genima.cameras.image_file import stated_size
from genima.errors import DatasetError
from genima.files import atomic_path

Masks = NDArray[np.bool_]
Shape = tuple[int, int, int]
KINDS = 'bui'


def write_masks(path: Path | str, masks: Mapping[str, Masks]) -> None:
    """Write camera name to masks (T, H, W) as HDF5, atomically."""
    with atomic_path(path) as temporary, h5py.File(temporary, 'w') as file:
        for camera, values in masks.items():
            file.create_dataset(camera, data=values.astype(np.uint8), chunks=(1, *values.shape[1:]), compression='gzip')


def read_masks(folder: Path | str, episode: str, shapes: Mapping[str, Shape]) -> dict[str, Masks]:
    """Read the masks of one episode.

    Args:
        folder: With the masks of one thing.
        episode: Name of the episode file without its ending.
        shapes: Camera name to the (T, H, W) that its images have.

    Raises:
        DatasetError: if a camera has no masks, or they do not fit its images.
    """
    file, pictures = Path(folder) / f'{episode}.h5', Path(folder) / episode
    if file.is_file():
        return _from_hdf5(file, shapes)
    if not pictures.is_dir():
        raise DatasetError(f'{folder} has no masks of {episode}: neither {file.name} nor a folder {episode}/<camera>/*.png')
    return {camera: _from_png(pictures / camera, shape) for camera, shape in shapes.items()}


def _from_hdf5(path: Path, shapes: Mapping[str, Shape]) -> dict[str, Masks]:
    masks = {}
    advice = 'as masks of these images: write it again'
    with open_hdf5(path, advice) as file, border(path, advice):
        for camera, shape in shapes.items():
            stored = file.get(camera)
            if not isinstance(stored, h5py.Dataset):
                raise DatasetError(f'{path} has no masks of camera {camera}; it has {", ".join(file) or "nothing"}')
            check_own(stored)
            if stored.shape != shape or stored.dtype.kind not in KINDS:
                got = f'{stored.dtype} {stored.shape}'
                raise DatasetError(f'{path}, camera {camera}: masks are {got}; whole numbers or bool {shape} are needed')
            check_array(stored)
            masks[camera] = stored[:] != 0
    return masks


def _from_png(folder: Path, shape: Shape) -> Masks:
    by_step = {int(path.stem): inside(folder.parent, path) for path in folder.glob('*.png') if path.stem.isdecimal()}
    missing = [step for step in range(shape[0]) if step not in by_step]
    if missing:
        raise DatasetError(f'{folder} has no mask of step {missing[0]}, and of {len(missing)} in all; steps count from 0')
    return np.stack([_one_png(by_step[step], shape) for step in range(shape[0])])


def _one_png(path: Path, shape: Shape) -> Masks:
    data = read_bytes(path)
    fits = stated_size(data) == (shape[2], shape[1])
    image = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED) if fits else None
    if image is None or image.ndim != 2 or image.shape != shape[1:]:
        got = f'{stated_size(data)[::-1]} pixels, or nothing readable' if image is None else f'an image {image.shape}'
        raise DatasetError(f'{path} is {got}; a grey PNG of {shape[1]} rows and {shape[2]} columns is needed')
    return np.asarray(image != 0)
