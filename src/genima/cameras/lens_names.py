# SPDX-License-Identifier: Apache-2.0
"""Lens models under the names that drivers and calibration programs give them.

Sources: sensor_msgs/distortion_models.hpp (plumb_bob, rational_polynomial, equidistant); kalibr (radtan, equi);
librealsense and realsense2_camera (Brown-Conrady); OpenCV (fisheye).
"""

import re

from genima.errors import CalibrationError

_NAMES = {
    'pinhole': ('pinhole', 'none', 'perspective'),
    'plumb_bob': ('plumbbob', 'radtan', 'radialtangential', 'brownconrady', 'modifiedbrownconrady', 'opencv'),
    'rational_polynomial': ('rationalpolynomial', 'rational', 'fullopencv'),
    'equidistant': ('equidistant', 'equi', 'fisheye', 'opencvfisheye', 'kannalabrandt', 'kannalabrandt4', 'kb4'),
}
_MODELS = {alias: model for model, aliases in _NAMES.items() for alias in aliases}
COUNTS = {'pinhole': (0,), 'plumb_bob': (4, 5), 'rational_polynomial': (8,), 'equidistant': (4,)}
"""Numbers of coefficients that a file of each model has, apart from zeros behind them."""


def lens_model(name: str, coefficients: int) -> str:
    """Return our name of a lens model.

    Args:
        name: as a file or a driver says it, in any spelling; empty where it says nothing.
        coefficients: how many there are.

    Raises:
        CalibrationError: if the name is unknown, or missing where the number of coefficients fits several models.
    """
    plain = re.sub(r'[^a-z0-9]', '', name.lower())
    if plain in _MODELS:
        return _MODELS[plain]
    allowed = ', '.join(COUNTS)
    if plain:
        also = ', '.join(sorted(set(_MODELS) - set(COUNTS)))
        raise CalibrationError(f'unknown distortion model {name!r}; allowed: {allowed}, also as {also}')
    if coefficients == 5:
        return 'plumb_bob'
    raise CalibrationError(
        f'{coefficients} distortion coefficients and no distortion_model: only five are surely plumb_bob, four may be of a'
        f' fisheye; name the model ({allowed})'
    )


def trimmed(model: str, coefficients: list[float]) -> list[float]:
    """Return the coefficients of a model without the zeros that stand behind them.

    Raises:
        CalibrationError: if there are too few, or those behind are not zero: such a lens has more terms than we compute.
    """
    counts = COUNTS[model]
    kept, behind = coefficients[: max(counts)], coefficients[max(counts) :]
    if any(behind):
        raise CalibrationError(
            f'distortion model {model!r} with {len(coefficients)} coefficients; allowed are {counts[-1]}, and zeros behind'
            ' them (thin prism and tilt are not computed): calibrate again without these terms'
        )
    if len(kept) not in counts:
        wanted = ' or '.join(map(str, counts))
        raise CalibrationError(f'distortion model {model!r} has {wanted} coefficients, got {len(kept)}')
    return kept
