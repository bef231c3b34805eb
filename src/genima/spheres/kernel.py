# SPDX-License-Identifier: Apache-2.0
"""The compiled inner loops of the sphere renderer. All vectors are in the optical frame, all angles in radians."""

import math

import numpy as np
from numpy.typing import NDArray

from genima.compiled import compiled

Floats = NDArray[np.float64]


@compiled(fastmath=True)
def _bounds(K: Floats, pinhole: bool, c: Floats, r: float, width: int, height: int) -> tuple[int, int, int, int]:
    """Return pixels (u0, u1, v0, v1) that can show the sphere: exact tangents for a pinhole, else the whole image."""
    if not pinhole or (-r < c[2] <= r):
        return 0, width, 0, height
    if c[2] <= -r:
        return 0, 0, 0, 0
    edges = np.empty(4)
    for axis in range(2):
        middle = math.atan2(c[axis], c[2])
        half = math.asin(r / math.hypot(c[axis], c[2]))
        edges[2 * axis] = math.tan(middle - half) * K[axis, axis] + K[axis, 2] - 1.0
        edges[2 * axis + 1] = math.tan(middle + half) * K[axis, axis] + K[axis, 2] + 2.0
    u0, u1 = max(0.0, edges[0]), min(float(width), edges[1])
    v0, v1 = max(0.0, edges[2]), min(float(height), edges[3])
    if u0 >= u1 or v0 >= v1:
        return 0, 0, 0, 0
    return int(u0), int(u1), int(v0), int(v1)


@compiled(fastmath=True)
def _edge_cover(rays: Floats, v: int, u: int, c: Floats, alpha: float, pitch: float) -> float:
    """Return how much of pixel (u, v) lies inside the cone of half angle `alpha` around the unit vector `c`."""
    height, width = rays.shape[0], rays.shape[1]
    d = rays[v, u]
    x, y, z = d[1] * c[2] - d[2] * c[1], d[2] * c[0] - d[0] * c[2], d[0] * c[1] - d[1] * c[0]
    sine = math.sqrt(x * x + y * y + z * z)
    theta = math.atan2(sine, d[0] * c[0] + d[1] * c[1] + d[2] * c[2])
    slope = 0.0
    for axis in range(2):
        a_v, a_u = (max(v - 1, 0), u) if axis == 0 else (v, max(u - 1, 0))
        b_v, b_u = (min(v + 1, height - 1), u) if axis == 0 else (v, min(u + 1, width - 1))
        a, b = rays[a_v, a_u], rays[b_v, b_u]
        span = b_v - a_v + b_u - a_u
        if span == 0 or a[3] == 0.0 or b[3] == 0.0:
            slope = 0.0
            break
        change = ((b[0] - a[0]) * c[0] + (b[1] - a[1]) * c[1] + (b[2] - a[2]) * c[2]) / span
        slope += change * change
    per_pixel = math.sqrt(slope) / max(sine, 1e-12)
    if not 0.3 * pitch < per_pixel < 3.0 * pitch:
        per_pixel = pitch
    return min(1.0, max(0.0, 0.5 + (alpha - theta) / per_pixel))


@compiled(fastmath=True)
def _dark_up_to(s: float) -> float:
    """Return how much of the interval from 0 to `s` lies in dark (odd) bands."""
    half = math.floor(s * 0.5)
    return half + max(0.0, s - 2.0 * half - 1.0)


@compiled(fastmath=True)
def _brightness(s: float, spread: float, bands: float, dark: float) -> float:
    """Return the colour factor at band coordinate `s`, averaged over a footprint of `spread` bands."""
    low, high = max(0.0, s - 0.5 * spread), min(bands, s + 0.5 * spread)
    if high - low < 1e-9:
        return dark if int(min(max(s, 0.0), bands - 1e-9)) % 2 == 1 else 1.0
    if math.floor(low) == math.floor(high):
        return dark if int(low) % 2 == 1 else 1.0
    return 1.0 - (1.0 - dark) * (_dark_up_to(high) - _dark_up_to(low)) / (high - low)


@compiled(fastmath=True)
def _unhidden(point: Floats, i: int, centres: Floats, radii: Floats, touching: NDArray[np.bool_], blur: float) -> float:
    """Return the visible share of a surface point of sphere `i`: 0 inside a sphere that it intersects."""
    share = 1.0
    for j in range(len(radii)):
        if j != i and touching[j]:
            x, y, z = point[0] - centres[j, 0], point[1] - centres[j, 1], point[2] - centres[j, 2]
            outside = math.sqrt(x * x + y * y + z * z) - radii[j]
            share *= min(1.0, max(0.0, 0.5 + outside / blur))
    return share


@compiled(fastmath=True)
def _paint_one(
    image: NDArray[np.uint8],
    owner: NDArray[np.int16],
    rays: Floats,
    pitch_max: float,
    box: tuple[int, int, int, int],
    i: int,
    centres: Floats,
    axis: Floats,
    radii: Floats,
    touching: NDArray[np.bool_],
    color: Floats,
    bands: float,
    dark: float,
) -> int:
    """Paint sphere `i`; returns the pixels that it would cover alone."""
    r, record, alone = radii[i], owner.size > 0, 0
    distance = math.sqrt(centres[i, 0] ** 2 + centres[i, 1] ** 2 + centres[i, 2] ** 2)
    c, point = centres[i] / distance, np.empty(3)
    alpha = math.asin(r / distance)
    inside, outside = math.cos(max(alpha - pitch_max, 0.0)), math.cos(min(alpha + pitch_max, math.pi))
    power, centre_axis = distance * distance - r * r, distance * (c[0] * axis[0] + c[1] * axis[1] + c[2] * axis[2])
    any_touching = touching.any()
    to_band = 0.5 * bands / r
    for v in range(box[2], box[3]):
        for u in range(box[0], box[1]):
            d0, d1, d2 = rays[v, u, 0], rays[v, u, 1], rays[v, u, 2]
            cosine, pitch = d0 * c[0] + d1 * c[1] + d2 * c[2], rays[v, u, 3]
            if cosine <= outside or pitch == 0.0:
                continue
            cover = 1.0 if cosine >= inside else _edge_cover(rays, v, u, c, alpha, pitch)
            if cover <= 0.0:
                continue
            along = distance * cosine
            depth = math.sqrt(max(along * along - power, 0.0))
            t = along - depth
            ray_axis = d0 * axis[0] + d1 * axis[1] + d2 * axis[2]
            x_local = t * ray_axis - centre_axis
            slant = ray_axis * r / max(depth, 1e-9 * r)
            spread = t * pitch * to_band * math.sqrt(max(0.0, 1.0 + slant * (2.0 * x_local / r + slant)))
            shade = _brightness((x_local + r) * to_band, spread, bands, dark)
            if cover >= 0.5:
                alone += 1
            if any_touching:
                point[0], point[1], point[2] = t * d0, t * d1, t * d2
                cover *= _unhidden(point, i, centres, radii, touching, t * pitch)
            if record and cover >= 0.5:
                owner[v, u] = i
            keep, weight = 1.0 - cover, cover * shade
            for k in range(3):
                image[v, u, k] = np.uint8(image[v, u, k] * keep + color[k] * weight + 0.5)
    return alone


@compiled(fastmath=True)
def paint(
    image: NDArray[np.uint8],
    owner: NDArray[np.int16],
    rays: Floats,
    pitch_max: float,
    K: Floats,
    pinhole: bool,
    T_camera_base: Floats,
    frames: Floats,
    radii: Floats,
    colors: Floats,
    bands: float,
    dark: float,
) -> NDArray[np.int64]:
    """Paint n spheres into `image` (H, W, 3), in place.

    Args:
        image: (H, W, 3) uint8.
        owner: (H, W) index of the sphere that a pixel shows, filled in; or an empty array.
        rays: (H, W, 4) unit ray and the angle that the pixel spans, 0 where it sees nothing.
        pitch_max: largest such angle.
        K: (3, 3) camera matrix, used if `pinhole`.
        pinhole: whether K alone describes the camera.
        T_camera_base: (4, 4).
        frames: (n, 4, 4) sphere frames in the base.
        radii: (n,) metres.
        colors: (n, 3) in 0..255.
        bands: number of stripes.
        dark: factor of every second stripe.

    Returns:
        (n,) pixels that each sphere would cover if it were alone.
    """
    n, height, width = len(radii), image.shape[0], image.shape[1]
    R, shift = np.ascontiguousarray(T_camera_base[:3, :3]), np.ascontiguousarray(T_camera_base[:3, 3])
    centres, powers, alone = np.empty((n, 3)), np.empty(n), np.zeros(n, dtype=np.int64)
    for i in range(n):
        centres[i] = R @ np.ascontiguousarray(frames[i, :3, 3]) + shift
        powers[i] = (centres[i] ** 2).sum() - radii[i] ** 2
    for i in np.argsort(-powers):
        if powers[i] <= 0.0 or radii[i] <= 0.0:
            continue
        touching = np.zeros(n, dtype=np.bool_)
        for j in range(n):
            gap = math.sqrt(((centres[i] - centres[j]) ** 2).sum())
            touching[j] = j != i and powers[j] > 0.0 and powers[j] >= powers[i] and gap < radii[i] + radii[j]
        axis = R @ np.ascontiguousarray(frames[i, :3, 0])
        box = _bounds(K, pinhole, centres[i], radii[i], width, height)
        alone[i] = _paint_one(image, owner, rays, pitch_max, box, i, centres, axis, radii, touching, colors[i], bands, dark)
    return alone
