# SPDX-License-Identifier: Apache-2.0
"""Intrinsics as other programs write them, told apart by what is in the file.

Formats: ROS camera_calibration_parsers (YAML and oST .ini), `ros2 topic echo` of sensor_msgs/CameraInfo, kalibr's camchain
(https://github.com/ethz-asl/kalibr/wiki/yaml-formats), YAML of OpenCV's FileStorage.
"""

from pathlib import Path
from typing import Any

import numpy as np

from genima.borders.files import read_bytes
from genima.calibration.camera_info import MAX_BYTES, camera_info_from_dict, read_yaml
from genima.cameras.model import CameraModel
from genima.errors import BorderError, CalibrationError


def read_camera_info(path: Path | str, camera: str = '') -> CameraModel:
    """Read the intrinsics in a calibration file, ours or another program's.

    Args:
        path: The file.
        camera: Which camera of a file that has several, for example 'cam1' of kalibr.

    Raises:
        CalibrationError: if the file is missing, of no kind that is known, or describes a lens that is not computed.
    """
    place = Path(path)
    if place.suffix == '.ini' or _head(place).startswith('# oST'):
        return camera_info_from_dict(_from_ini(place), str(path))
    data = read_yaml(path)
    if 'k' in data and 'd' in data:
        return camera_info_from_dict(_from_message(data, str(path)), str(path))
    chain = {name: each for name, each in data.items() if isinstance(each, dict) and 'intrinsics' in each}
    if chain:
        return camera_info_from_dict(_from_kalibr(chain, camera, str(path)), str(path))
    return camera_info_from_dict(data, str(path))


def _head(path: Path) -> str:
    return _text(path)[:64]


def _text(path: Path) -> str:
    try:
        return read_bytes(path, MAX_BYTES).decode('utf-8-sig', errors='replace')
    except BorderError as error:
        raise CalibrationError(f'{path}: no calibration: {error}') from error


def _plain(width: Any, height: Any, name: Any, model: Any, k: Any, d: Any) -> dict[str, Any]:
    return {
        'image_width': width,
        'image_height': height,
        'camera_name': name,
        'camera_matrix': {'data': k},
        'distortion_model': model,
        'distortion_coefficients': {'data': d},
    }


def _from_message(data: dict[str, Any], where: str) -> dict[str, Any]:
    """Return what `ros2 topic echo` printed of a camera_info."""
    header = data.get('header')
    frame = header.get('frame_id', '') if isinstance(header, dict) else ''
    name = str(frame).removesuffix('_optical_frame').strip('/') or 'camera'
    missing = [key for key in ('width', 'height') if key not in data]
    if missing:
        raise CalibrationError(f'{where}: no {" and ".join(missing)}; print the whole message of camera_info')
    return _plain(data['width'], data['height'], name, data.get('distortion_model', ''), data['k'], data['d'])


def _from_kalibr(chain: dict[str, dict[str, Any]], camera: str, where: str) -> dict[str, Any]:
    name = camera if camera in chain else next(iter(chain))
    if len(chain) > 1 and camera not in chain:
        raise CalibrationError(f'{where}: holds the cameras {", ".join(chain)}; say which one (the name of the camera)')
    each = chain[name]
    if each.get('camera_model') != 'pinhole':
        raise CalibrationError(f'{where}: {name}: camera_model {each.get("camera_model")!r}; allowed: pinhole')
    try:
        fx, fy, cx, cy = (float(number) for number in each['intrinsics'])
        width, height = each['resolution']
        model, d = each['distortion_model'], each['distortion_coeffs']
    except (KeyError, TypeError, ValueError) as error:
        raise CalibrationError(
            f'{where}: {name}: {error!r}; expected intrinsics [fx, fy, cx, cy], resolution, distortion_model and'
            ' distortion_coeffs'
        ) from error
    return _plain(width, height, name, model, [fx, 0, cx, 0, fy, cy, 0, 0, 1], d)


def _from_ini(path: Path) -> dict[str, Any]:
    """Return what is in an oST file: a heading in a line, its numbers in those below."""
    sections: dict[str, list[str]] = {}
    name, heading = 'camera', ''
    for line in _text(path).splitlines():
        text = line.strip()
        if text.startswith('[') and text.endswith(']'):
            name = text[1:-1] if text != '[image]' else name
        elif text and (text[0].isdigit() or text[0] in '-+.'):
            sections.setdefault(heading, []).extend(text.split())
        elif text and not text.startswith('#'):
            heading = text.lower()
    try:
        numbers = {heading: np.array(values, dtype=float).tolist() for heading, values in sections.items()}
        width, height = numbers['width'][0], numbers['height'][0]
        return _plain(width, height, name, '', numbers['camera matrix'], numbers['distortion'])
    except (KeyError, ValueError) as error:
        raise CalibrationError(
            f'{path}: {error!r}; expected width, height, camera matrix and distortion, as oST files have them'
        ) from error
