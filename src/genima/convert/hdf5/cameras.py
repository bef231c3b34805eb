# SPDX-License-Identifier: Apache-2.0
"""Views and calibration of somebody's HDF5 file."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from genima.borders.hdf5 import check_array
from genima.borders.texts import parse_json, read_yaml
from genima.borders.unpacked import check_unpacked
from genima.cameras.image_file import MAX_PIXELS, decode_rgb
from genima.cameras.model import CameraModel, MountedCamera
from genima.convert.hdf5.motion import Told
from genima.episodes.layouts import Demo, views_of
from genima.errors import CalibrationError, DatasetError
from genima.robots.profile import RobotProfile

DIRECTIONS = ('camera_in_parent', 'parent_in_camera')
_PARAMS = 'metadata/camera_params'


def read_views(demo: Demo, group: h5py.Group, layout: str, steps: int, scratch: Path) -> dict[str, np.ndarray]:
    """Return camera name to images (T, H, W, 3) uint8 that lie in files of `scratch`.

    Raises:
        DatasetError: if images are of another kind, or their number is not that of the steps.
    """
    views: dict[str, np.ndarray] = {}
    unpacked = in_file = 0
    for number, (camera, name) in enumerate(sorted(views_of(group, layout).items())):
        stored = group[name]
        check_array(stored)
        if len(stored) != steps or stored.dtype != np.uint8:
            raise DatasetError(f'{demo.text}: {name} is {stored.dtype} {stored.shape}, {steps} images of uint8 are needed')
        first = _image(stored, 0, f'{demo.text}: {name}')
        unpacked += steps * first.nbytes
        in_file += stored.id.get_storage_size()
        check_unpacked(unpacked, in_file, 'its images')
        gathered = np.memmap(scratch / f'{number}.raw', dtype=np.uint8, mode='w+', shape=(steps, *first.shape))
        for step in range(steps):
            image = _image(stored, step, f'{demo.text}: {name}')
            if image.shape != first.shape:
                raise DatasetError(f'{demo.text}: {name} has images of {first.shape} and of {image.shape}')
            gathered[step] = image
        views[camera] = gathered
    if not views:
        raise DatasetError(f'{demo.text} holds no colour images; robomimic adds them with dataset_states_to_obs.py')
    return views


def read_cameras(
    demo: Demo, group: h5py.Group, views: dict[str, np.ndarray], told: Told, profile: RobotProfile
) -> dict[str, MountedCamera]:  # fmt: skip
    """Return the calibration of each view: from `--camera-params`, or from the file itself.

    Raises:
        DatasetError: if one has none, or it is not said what it means.
    """
    where = str(told.camera_params or f'{demo.text}, {_PARAMS}')
    described = _described(demo, group, told)
    if 'intrinsics' in described and len(views) == 1:
        described = dict.fromkeys(views, described)
    cameras = {}
    for name, images in views.items():
        known = [key for key in (name, f'rgb_{name}', 'rgb' if name == 'third_person' else name) if key in described]
        if not known:
            raise DatasetError(
                f'{where} has no calibration of camera {name} (it has {", ".join(described) or "none"}); give it with '
                '--camera-params FILE (JSON, YAML): camera to intrinsics and extrinsics, see docs/dataset.md'
            )
        try:
            cameras[name] = _camera(name, described[known[0]], images.shape[1:3], told, profile)
        except (CalibrationError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise DatasetError(f'{where}, camera {name}: {error}') from error
    return cameras


def _described(demo: Demo, group: h5py.Group, told: Told) -> dict[str, Any]:
    try:
        if told.camera_params is not None:
            values = read_yaml(told.camera_params)
        else:
            values = parse_json(group[_PARAMS].asstr()[()]) if _PARAMS in group else {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise DatasetError(f'{told.camera_params or demo.text}: the calibration cannot be read ({error})') from error
    if not isinstance(values, dict):
        raise DatasetError(f'{told.camera_params or demo.text}: the calibration is no table of cameras')
    return {str(key): value for key, value in values.items()}


def _camera(
    name: str, values: dict[str, Any], size_px: tuple[int, ...], told: Told, profile: RobotProfile
) -> MountedCamera:  # fmt: skip
    """Return one camera: described as ours are, or as matrices `intrinsics` (3, 3) and `extrinsics` (4, 4)."""
    try:
        return MountedCamera.from_dict(values)
    except (CalibrationError, TypeError, KeyError):
        intrinsics, extrinsics = values['intrinsics'], np.array(values['extrinsics'], dtype=float)
    if isinstance(intrinsics, dict):
        K = [[intrinsics['fx'], 0, intrinsics['cx']], [0, intrinsics['fy'], intrinsics['cy']], [0, 0, 1]]
        D = intrinsics.get('distortion', [])
    else:
        K, D = intrinsics, values.get('distortion', [])
    if told.extrinsics not in DIRECTIONS:
        raise DatasetError(
            'extrinsics is a matrix that may mean either direction: say --extrinsics camera_in_parent (the pose of the '
            'camera in the robot) or parent_in_camera (its inverse, as OpenCV has it)'
        )
    parents = dict(each.split('=', 1) for each in told.camera_parent if '=' in each)
    if name not in parents and ('wrist' in name or 'hand' in name):
        raise DatasetError(f'which link carries it? --camera-parent {name}=LINK, {profile.base_link} if it stands still')
    pose = extrinsics if told.extrinsics == DIRECTIONS[0] else np.linalg.inv(extrinsics)
    model = CameraModel(name, size_px[1], size_px[0], np.array(K, dtype=float), np.array(D, dtype=float), 'plumb_bob')
    return MountedCamera(model, parents.get(name, profile.base_link), pose)


def _image(stored: h5py.Dataset, step: int, where: str) -> np.ndarray:
    """Return an image (H, W, 3) RGB: as it is stored, or decoded where a row is a compressed file padded with zeros.

    ALOHA hands RGB to the encoder of OpenCV, which takes it for BGR, so the decoder gives RGB back.
    """
    row = stored[step]
    if row.ndim == 1:
        decoded = decode_rgb(row.tobytes())
        row = row if decoded is None else decoded[..., ::-1]
    if row.ndim != 3 or row.shape[2] != 3 or row.size > 3 * MAX_PIXELS:
        raise DatasetError(f'{where} is no colour image at step {step}: (T, H, W, 3), or rows of JPEG or PNG, are needed')
    return row
