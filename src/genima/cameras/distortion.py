# SPDX-License-Identifier: Apache-2.0
"""Lens distortion on the normalised image plane, and its inverse.

The formulas are those of OpenCV's calib3d documentation and of ROS REP 104 / sensor_msgs/CameraInfo:
`plumb_bob` (k1 k2 p1 p2 k3), `rational_polynomial` (k1 k2 p1 p2 k3 k4 k5 k6) and `equidistant` (k1 k2 k3 k4,
Kannala and Brandt 2006, OpenCV's fisheye). Missing coefficients at the end are zero.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

COEFFICIENTS = {'pinhole': 0, 'plumb_bob': 5, 'rational_polynomial': 8, 'equidistant': 4}
"""Number of distortion coefficients of each model."""


def _radial(D: Floats, r2: Floats) -> Floats:
    """Return the radial factor of the polynomial models at squared radius `r2`."""
    k = np.concatenate([D, np.zeros(8 - len(D))])
    return (1 + r2 * (k[0] + r2 * (k[1] + r2 * k[4]))) / (1 + r2 * (k[5] + r2 * (k[6] + r2 * k[7])))


def distort(D: Floats, xy: Floats) -> Floats:
    """Move normalised points (..., 2) to where a polynomial lens (plumb_bob, rational_polynomial) shows them."""
    p1, p2 = np.concatenate([D, np.zeros(8 - len(D))])[2:4]
    x, y = xy[..., 0], xy[..., 1]
    r2 = x * x + y * y
    factor = _radial(D, r2)
    return np.stack(
        [
            x * factor + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
            y * factor + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
        ],
        axis=-1,
    )


def fisheye_radius(D: Floats, theta_rad: Floats) -> Floats:
    """Return the normalised image radius of an equidistant lens for rays at angle `theta_rad` to the optical axis."""
    k = np.concatenate([D, np.zeros(4 - len(D))])
    t2 = theta_rad * theta_rad
    return theta_rad * (1 + t2 * (k[0] + t2 * (k[1] + t2 * (k[2] + t2 * k[3]))))


def limit(D: Floats, model: str) -> float:
    """Return how far the model can be trusted: the first radius (or angle, equidistant) where the image folds back.

    Beyond it a calibration polynomial sends far-away points back into the picture, where they were never seen.
    """
    span = np.linspace(0.0, np.pi if model == 'equidistant' else 10.0, 20001)
    image = fisheye_radius(D, span) if model == 'equidistant' else span * _radial(D, span * span)
    folds = np.flatnonzero(np.diff(image) <= 0)
    return float(span[folds[0]]) if len(folds) else float(span[-1] if model == 'equidistant' else np.inf)


def undistort(D: Floats, xy: Floats) -> Floats:
    """Invert `distort` by Newton's method; NaN where no point on the normalised plane is seen at `xy` (..., 2)."""
    point, step = xy.copy(), 1e-6
    right, down = np.array([step, 0.0]), np.array([0.0, step])
    with np.errstate(all='ignore'):
        for _ in range(30):
            error = distort(D, point) - xy
            dx = (distort(D, point + right) - distort(D, point - right)) / (2 * step)
            dy = (distort(D, point + down) - distort(D, point - down)) / (2 * step)
            determinant = dx[..., 0] * dy[..., 1] - dx[..., 1] * dy[..., 0]
            point[..., 0] -= (dy[..., 1] * error[..., 0] - dy[..., 0] * error[..., 1]) / determinant
            point[..., 1] -= (dx[..., 0] * error[..., 1] - dx[..., 1] * error[..., 0]) / determinant
        bad = ~(np.linalg.norm(distort(D, point) - xy, axis=-1) < 1e-9)
    bad |= np.linalg.norm(point, axis=-1) > limit(D, 'polynomial')
    point[bad] = np.nan
    return point


def fisheye_angle(D: Floats, radius: Floats) -> Floats:
    """Invert `fisheye_radius` by bisection; NaN where the lens shows nothing at this radius."""
    low, high = np.zeros_like(radius), np.full_like(radius, limit(D, 'equidistant'))
    seen = radius <= fisheye_radius(D, high)
    for _ in range(60):
        middle = (low + high) / 2
        below = fisheye_radius(D, middle) < radius
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.where(seen, (low + high) / 2, np.nan)


def to_rays(model: str, D: Floats, flat: Floats) -> Floats:
    """Return the unit rays (..., 3) that a lens shows at `flat` (..., 2), image points without K; zero where none."""
    if model == 'equidistant':
        radius = np.linalg.norm(flat, axis=-1)
        angle = fisheye_angle(D, radius)
        across = flat * (np.sin(angle) / np.maximum(radius, 1e-12))[..., None]
        return np.nan_to_num(np.concatenate([across, np.cos(angle)[..., None]], axis=-1))
    if D.any():
        flat = undistort(D, flat)
    rays = np.concatenate([flat, np.ones_like(flat[..., :1])], axis=-1)
    return np.nan_to_num(rays / np.linalg.norm(rays, axis=-1, keepdims=True))


def from_points(model: str, D: Floats, points: Floats, limit: float) -> tuple[Floats, NDArray[np.bool_]]:
    """Return where a lens shows points (..., 3) of the optical frame (before K), and which of them it can show."""
    z = points[..., 2]
    with np.errstate(all='ignore'):
        if model == 'equidistant':
            across = np.linalg.norm(points[..., :2], axis=-1)
            angle = np.arctan2(across, z)
            factor = np.where(across > 0, fisheye_radius(D, angle) / across, 0.0)
            return points[..., :2] * factor[..., None], angle <= limit
        flat = points[..., :2] / z[..., None]
        return distort(D, flat), (z > 0) & (np.linalg.norm(flat, axis=-1) <= limit)
