# SPDX-License-Identifier: Apache-2.0
"""Procedural backgrounds for spheres: the controller must read the spheres and nothing else.

Plain textures (noise, checkerboards, gradients) and cluttered scenes: a floor, a wall, and capsules and boxes in tones
of metal, skin and wood that look a little like arms, hands and things on a table.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Generator = np.random.Generator

_TONES = np.array(
    [
        (235, 235, 235), (190, 190, 195), (120, 122, 128), (60, 62, 66), (25, 25, 28),  # plastic and metal
        (224, 172, 140), (198, 134, 100), (120, 75, 50),  # skin
        (205, 170, 125), (150, 105, 65), (90, 60, 40),  # wood
        (200, 40, 35), (150, 30, 25), (45, 80, 160), (60, 120, 70), (210, 180, 60),  # things
    ],
    dtype=np.float64,
)  # fmt: skip


def random_background(rng: Generator, size_px: int) -> Image:
    """Return one random background (S, S, 3) uint8 RGB."""
    make = _KINDS[rng.choice(len(_KINDS), p=_WEIGHTS)]
    return make(rng, size_px)


def random_surface(rng: Generator, size_px: int) -> tuple[str, Image]:
    """Return the name of a plain texture, perlin, checkerboard or gradient, and a picture (S, S, 3) of it."""
    name = str(rng.choice(list(_SURFACES)))
    return name, _SURFACES[name](rng, size_px)


def make_pool(rng: Generator, n: int, size_px: int) -> Image:
    """Return `n` random backgrounds (n, S, S, 3) uint8 RGB."""
    return np.stack([random_background(rng, size_px) for _ in range(n)])


def vary(rng: Generator, image: Image) -> Image:
    """Return a new look of a background: mirrored, turned, other brightness and contrast, channels mixed."""
    turned = np.rot90(image, int(rng.integers(4))) if rng.random() < 0.5 else image
    if rng.random() < 0.5:
        turned = turned[:, ::-1]
    if rng.random() < 0.3:
        turned = turned[..., rng.permutation(3)]
    gain, shift = rng.uniform(0.7, 1.25), rng.uniform(-25, 25)
    levels = np.clip(np.arange(256) * gain + shift, 0, 255).astype(np.uint8)
    varied: Image = levels[turned]
    return varied


def random_color(rng: Generator) -> NDArray[np.float64]:
    """Return a colour (3,): mostly a tone of a real thing, sometimes any."""
    if rng.random() < 0.35:
        return rng.uniform(0, 255, 3)
    return np.clip(_TONES[rng.integers(len(_TONES))] * rng.uniform(0.75, 1.2) + rng.normal(0, 8, 3), 0, 255)


def _blend(weight: NDArray[np.floating], first: NDArray[np.float64], second: NDArray[np.float64]) -> Image:
    """Mix two colours by a weight map (S, S) in [0, 1]."""
    mixed = weight[..., None] * first + (1 - weight[..., None]) * second
    return np.clip(mixed, 0, 255).astype(np.uint8)


def _smooth_noise(rng: Generator, size_px: int, channels: int) -> NDArray[np.float32]:
    """Return value noise in octaves (Perlin's idea on a lattice of values), (S, S, channels) in [0, 1]."""
    total = np.zeros((size_px, size_px, channels), np.float32)
    cells, weight = int(rng.integers(2, 6)), 1.0
    persistence = rng.uniform(0.3, 0.7)
    while cells < size_px:
        lattice = rng.random((cells, cells, channels), dtype=np.float32)
        octave = cv2.resize(lattice, (size_px, size_px), interpolation=cv2.INTER_CUBIC)
        total += weight * octave.reshape(total.shape)
        cells, weight = cells * 2, weight * persistence
    total -= total.min()
    return total / max(float(total.max()), 1e-6)


def _flat(rng: Generator, size_px: int) -> Image:
    return np.tile(random_color(rng), (size_px, size_px, 1)).astype(np.uint8)


def _perlin(rng: Generator, size_px: int) -> Image:
    if rng.random() < 0.5:
        return (_smooth_noise(rng, size_px, 3) * 255).astype(np.uint8)
    return _blend(_smooth_noise(rng, size_px, 1)[..., 0], random_color(rng), random_color(rng))


def _checkerboard(rng: Generator, size_px: int) -> Image:
    angle, cell = rng.uniform(0, np.pi), rng.uniform(3, size_px / 3)
    y, x = np.mgrid[:size_px, :size_px]
    u = (x * np.cos(angle) + y * np.sin(angle)) / cell
    v = (y * np.cos(angle) - x * np.sin(angle)) / cell
    odd = (np.floor(u) + (0 if rng.random() < 0.3 else np.floor(v))) % 2
    return _blend(odd, random_color(rng), random_color(rng))


def _gradient(rng: Generator, size_px: int) -> Image:
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : size_px * 1j, -1 : 1 : size_px * 1j]
    radial = rng.random() < 0.3
    ramp = np.hypot(x, y) / 1.5 if radial else 0.5 + 0.35 * (x * np.cos(angle) + y * np.sin(angle))
    return _blend(np.clip(ramp, 0, 1), random_color(rng), random_color(rng))


def _noise(rng: Generator, size_px: int) -> Image:
    grain = rng.integers(max(size_px // 16, 2), size_px + 1)
    small = np.clip(rng.normal(random_color(rng), rng.uniform(3, 60), (grain, grain, 3)), 0, 255).astype(np.uint8)
    how = cv2.INTER_NEAREST if rng.random() < 0.3 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(small, (size_px, size_px), interpolation=how))


def _rectangles(rng: Generator, size_px: int) -> Image:
    image = _flat(rng, size_px)
    for _ in range(rng.integers(2, 14)):
        _box(rng, image)
    return image


def _blobs(rng: Generator, size_px: int) -> Image:
    image = _perlin(rng, size_px) if rng.random() < 0.5 else _flat(rng, size_px)
    for _ in range(rng.integers(2, 12)):
        center = tuple(int(v) for v in rng.integers(0, size_px, 2))
        axes = tuple(int(v) for v in rng.integers(2, size_px // 5, 2))
        cv2.ellipse(image, center, axes, float(rng.uniform(0, 180)), 0, 360, random_color(rng).tolist(), -1, cv2.LINE_AA)
    return image


def _box(rng: Generator, image: Image, largest: float = 0.35) -> None:
    """Draw a turned rectangle, sometimes with a second, darker side."""
    size_px = len(image)
    center = rng.uniform(0, size_px, 2)
    extent = rng.uniform(0.03, largest, 2) * size_px
    corners = cv2.boxPoints((tuple(center.tolist()), tuple(extent.tolist()), float(rng.uniform(0, 90))))
    color = random_color(rng)
    if rng.random() < 0.5:
        lower = corners + np.array([0.0, 0.4 * float(extent.min())])
        cv2.fillConvexPoly(image, np.rint(lower).astype(np.int32), (color * 0.6).tolist(), cv2.LINE_AA)
    cv2.fillConvexPoly(image, np.rint(corners).astype(np.int32), color.tolist(), cv2.LINE_AA)


def _limb(rng: Generator, image: Image) -> None:
    """Draw a chain of capsules, shaded across, like an arm."""
    size_px = len(image)
    point, heading = rng.uniform(-0.1, 1.1, 2) * size_px, rng.uniform(0, 2 * np.pi)
    width = rng.uniform(0.05, 0.2) * size_px
    color = random_color(rng)
    for _ in range(rng.integers(1, 6)):
        heading += rng.uniform(-1.2, 1.2)
        end = point + rng.uniform(0.1, 0.4) * size_px * np.array([np.cos(heading), np.sin(heading)])
        ends = tuple(int(v) for v in point), tuple(int(v) for v in end)
        for share, shade in ((1.0, 0.7), (0.7, 0.9), (0.35, 1.0)):
            cv2.line(image, *ends, (color * shade).tolist(), max(int(width * share), 1), cv2.LINE_AA)
        point, width = end, width * rng.uniform(0.7, 1.0)
        if rng.random() < 0.3:
            color = random_color(rng)


def _scene(rng: Generator, size_px: int) -> Image:
    """Draw a room: wall and floor with a little grain, things, and arms reaching in."""
    image = _gradient(rng, size_px)
    horizon = int(rng.uniform(-0.3, 0.8) * size_px)
    floor = _perlin(rng, size_px) if rng.random() < 0.3 else _gradient(rng, size_px)
    if rng.random() < 0.2:
        floor = _checkerboard(rng, size_px)
    image[max(horizon, 0) :] = floor[max(horizon, 0) :]
    for _ in range(rng.integers(0, 6)):
        _box(rng, image, largest=rng.choice([0.08, 0.3]))
    for _ in range(rng.integers(0, 4)):
        _limb(rng, image)
    for _ in range(rng.integers(0, 3)):
        _box(rng, image, largest=0.1)
    grain = rng.normal(0, rng.uniform(0, 4), image.shape)
    noisy: Image = np.clip(image + grain, 0, 255).astype(np.uint8)
    return noisy


_KINDS: list[Callable[[Generator, int], Image]] = [
    _scene, _perlin, _checkerboard, _gradient, _rectangles, _blobs, _noise, _flat,
]  # fmt: skip
_WEIGHTS = [0.5, 0.1, 0.06, 0.06, 0.1, 0.1, 0.05, 0.03]
_SURFACES: dict[str, Callable[[Generator, int], Image]] = {
    'perlin': _perlin, 'checkerboard': _checkerboard, 'gradient': _gradient,
}  # fmt: skip
