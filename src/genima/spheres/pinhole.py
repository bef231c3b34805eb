# SPDX-License-Identifier: Apache-2.0
"""The fast renderer for the common case: a pinhole camera, spheres that do not touch, each before or behind the camera.

Everything that `kernel.py` reads from a table of rays has a closed form here, so that a row of pixels is one loop
without branches, in single precision, which LLVM turns into vector instructions. Lengths are in units of the radius.
"""

import math

import numpy as np
from numpy.typing import NDArray

from genima.compiled import compiled

Floats = NDArray[np.float64]
Row = NDArray[np.float32]

LANES = 16
"""Pixels that a vector of the widest common machines holds."""


@compiled(fastmath=True, error_model='numpy')
def _shade_row(
    keep: Row, gain: Row, x: float, step: float, y: float, step_y: float, c: Floats, axis: Floats, D: float,
    bands: float, dark: float,
) -> None:  # fmt: skip
    """Compute for pixels of a row what stays of the image (`keep`) and the factor of the sphere's colour (`gain`).

    The ray of pixel k is w = (x + k step, y, 1). `c` is the unit vector to the centre, `D` its distance.
    """
    f, zero, one, half = np.float32, np.float32(0.0), np.float32(1.0), np.float32(0.5)
    x0, dx, dy, y0, far = f(x), f(step), f(step_y), f(y), f(D)
    c0, c1, ahead, ahead_dx = f(c[0]), f(c[1]), f(c[0] * x + c[1] * y + c[2]), f(c[0] * step)
    # w x c is linear along the row; it is set up in double precision, for the outline is where two lengths cancel
    across0 = f((y * c[2] - c[1]) ** 2)
    across1, across1_dx = f(c[0] - x * c[2]), f(-step * c[2])
    across2, across2_dx = f(x * c[1] - y * c[0]), f(step * c[1])
    along_axis, along_axis_dx = f(axis[0] * x + axis[1] * y + axis[2]), f(axis[0] * step)
    centre_axis = f(D * (c[0] * axis[0] + c[1] * axis[1] + c[2] * axis[2]))
    far2, sine_edge, cosine_edge = f(D * D), f(1.0 / D), f(math.sqrt(1.0 - 1.0 / (D * D)))
    to_band, width, loss, norm0 = f(0.5 * bands), f(bands), f(1.0 - dark), f(y * y + 1.0)
    footprint = f(0.5 * bands * math.sqrt(step * step_y))
    for k in range(len(keep)):
        i = f(k)
        wx = x0 + i * dx
        inverse = one / math.sqrt(wx * wx + norm0)
        cosine = (ahead + i * ahead_dx) * inverse
        a1, a2 = across1 + i * across1_dx, across2 + i * across2_dx
        across = math.sqrt(across0 + a1 * a1 + a2 * a2)
        sine = across * inverse
        # coverage: the angle to the outline, sin(alpha - theta), over the change of the angle within a pixel
        slope_u = (c0 - cosine * wx * inverse) * dx
        slope_v = (c1 - cosine * y0 * inverse) * dy
        per_slope = one / math.sqrt(slope_u * slope_u + slope_v * slope_v + f(1e-24))
        cover = half + (sine_edge * cosine - cosine_edge * sine) * across * per_slope
        cover = min(one, max(zero, cover))
        # where the ray meets the sphere, along the stripes' axis
        chord2 = max(f(1e-10), one - far2 * sine * sine)
        per_chord = one / math.sqrt(chord2)
        t = far * cosine - chord2 * per_chord
        ray_axis = (along_axis + i * along_axis_dx) * inverse
        x_local = min(one, max(-one, t * ray_axis - centre_axis))
        slant = ray_axis * per_chord
        tilt = max(zero, one + slant * (f(2.0) * x_local + slant))
        spread = max(f(1e-3), t * footprint * inverse * math.sqrt(inverse * tilt))
        # how much of the footprint lies in dark (odd) bands
        s = (x_local + one) * to_band
        low, high = max(zero, s - half * spread), min(width, s + half * spread)
        pairs_low, pairs_high = np.floor(half * low), np.floor(half * high)
        dark_low = pairs_low + max(zero, low - f(2.0) * pairs_low - one)
        dark_high = pairs_high + max(zero, high - f(2.0) * pairs_high - one)
        keep[k] = one - cover
        gain[k] = cover * (one - loss * (dark_high - dark_low) / (high - low))


@compiled(fastmath=True, error_model='numpy')
def _blend_row(values: NDArray[np.uint8], keep: Row, gain: Row, keep_rgb: Row, add_rgb: Row, color: Floats) -> None:
    """Blend 3 n values of a row; the weights are spread over the channels first, for vectors want one plain array."""
    red, green, blue = np.float32(color[0]), np.float32(color[1]), np.float32(color[2])
    for k in range(len(keep)):
        keep_rgb[3 * k], keep_rgb[3 * k + 1], keep_rgb[3 * k + 2] = keep[k], keep[k], keep[k]
    for k in range(len(keep)):
        add_rgb[3 * k], add_rgb[3 * k + 1], add_rgb[3 * k + 2] = red * gain[k], green * gain[k], blue * gain[k]
    for k in range(len(values)):
        values[k] = np.uint8(np.int32(np.float32(values[k]) * keep_rgb[k] + add_rgb[k] + np.float32(0.5)))


@compiled(fastmath=True, error_model='numpy')
def _paint_one(
    rows: NDArray[np.uint8], weights: Row, K: Floats, centre: Floats, axis: Floats, radius: float,
    color: Floats, bands: float, dark: float,
) -> None:  # fmt: skip
    height, width = rows.shape[0], rows.shape[1] // 3
    D = math.sqrt((centre**2).sum()) / radius
    c = centre / (D * radius)
    # the cone that holds every pixel that the sphere touches
    sine = math.sin(math.asin(1.0 / D) + 0.6 / min(K[0, 0], K[1, 1]))
    middle, half = math.atan2(c[1], c[2]), math.asin(sine / math.hypot(c[1], c[2]))
    first = max(0.0, math.tan(middle - half) * K[1, 1] + K[1, 2])
    last = min(height - 1.0, math.tan(middle + half) * K[1, 1] + K[1, 2])
    if first > last:
        return
    for v in range(math.ceil(first), int(last) + 1):
        y = (v - K[1, 2]) / K[1, 1]
        # |w x c|^2 <= sine^2 |w|^2 is quadratic in x
        square = 1.0 - c[0] * c[0] - sine * sine
        linear = c[0] * (c[2] + y * c[1])
        rest = (y * c[2] - c[1]) ** 2 + c[0] * c[0] * (1.0 + y * y) - sine * sine * (1.0 + y * y)
        root = math.sqrt(max(0.0, linear * linear - square * rest))
        left = max(0.0, (linear - root) / square * K[0, 0] + K[0, 2])
        right = min(width - 1.0, (linear + root) / square * K[0, 0] + K[0, 2])
        if left > right:
            continue
        # more pixels than that do no harm (their coverage is 0), and whole vectors are faster
        n = min((int(right) - math.ceil(left) + LANES) // LANES * LANES, width)
        u0 = min(math.ceil(left), width - n)
        x = (u0 - K[0, 2]) / K[0, 0]
        keep, gain = weights[0, :n], weights[1, :n]
        _shade_row(keep, gain, x, 1.0 / K[0, 0], y, 1.0 / K[1, 1], c, axis, D, bands, dark)
        _blend_row(rows[v, 3 * u0 : 3 * (u0 + n)], keep, gain, weights[2], weights[3], color)


@compiled(fastmath=True, error_model='numpy')
def paint_pinhole(
    image: NDArray[np.uint8], K: Floats, T_camera_base: Floats, frames: Floats, radii: Floats, colors: Floats,
    bands: float, dark: float,
) -> bool:  # fmt: skip
    """Paint n spheres into `image`, in place; the arguments are those of `kernel.paint`.

    Returns:
        False, and nothing is painted, if this is not the common case: two spheres touch, or one is not wholly in front
        of the camera or wholly behind it.
    """
    n = len(radii)
    R = np.ascontiguousarray(T_camera_base[:3, :3])
    centres, powers = np.empty((n, 3)), np.empty(n)
    for i in range(n):
        for k in range(3):
            centres[i, k] = (T_camera_base[k, :3] * frames[i, :3, 3]).sum() + T_camera_base[k, 3]
        distance2 = (centres[i] ** 2).sum()
        powers[i] = distance2 - radii[i] ** 2 if centres[i, 2] > 0.0 and radii[i] > 0.0 else 0.0
        behind = centres[i, 2] <= -radii[i]
        near = centres[i, 2] <= 1.05 * radii[i] + 2.0 * math.sqrt(distance2) / min(K[0, 0], K[1, 1])
        if near and not behind:
            return False
        for j in range(i):
            gap2 = ((centres[i] - centres[j]) ** 2).sum()
            if powers[i] > 0.0 and powers[j] > 0.0 and gap2 < (radii[i] + radii[j]) ** 2:
                return False
    rows = image.reshape(image.shape[0], 3 * image.shape[1])
    weights = np.empty((4, 3 * image.shape[1]), dtype=np.float32)
    for i in np.argsort(-powers):
        if powers[i] > 0.0:
            axis = R @ np.ascontiguousarray(frames[i, :3, 0])
            _paint_one(rows, weights, K, centres[i], axis, radii[i], colors[i], bands, dark)
    return True
