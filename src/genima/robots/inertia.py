# SPDX-License-Identifier: Apache-2.0
"""The inertia of a link from its mass and its shapes, each of the same density: what a profile does not say.

Source: solid bodies and Steiner's theorem; a capsule is a cylinder with a half ball at either end.
"""

import numpy as np

from genima.robots.profile import Link, Shape
from genima.robots.transforms import rpy_matrix

# a link without shapes is a ball of this radius
BALL_RADIUS_M = 0.03


def link_inertia(link: Link) -> np.ndarray:
    """Return the inertia (3, 3) [kg m2] about the centre of mass, along the link's axes.

    The shapes are shifted together so that their centre is the link's centre of mass: their spread counts, not their
    place, so that the result is that of a body that could exist.
    """
    if not link.shapes:
        return 0.4 * link.mass_kg * BALL_RADIUS_M**2 * np.eye(3)
    volumes = np.array([volume_m3(shape) for shape in link.shapes])
    masses = link.mass_kg * volumes / volumes.sum()
    centres = np.array([shape.xyz for shape in link.shapes])
    offsets = centres - masses @ centres / link.mass_kg
    inertia = np.zeros((3, 3))
    for shape, mass_kg, offset in zip(link.shapes, masses, offsets, strict=True):
        R = rpy_matrix(shape.rpy)
        inertia += R @ np.diag(_per_kg(shape)) @ R.T * mass_kg
        inertia += mass_kg * (offset @ offset * np.eye(3) - np.outer(offset, offset))
    return (inertia + inertia.T) / 2


def volume_m3(shape: Shape) -> float:
    """Return the volume of a shape."""
    if shape.kind == 'box':
        return float(np.prod(shape.size))
    ball, rod = 4.0 / 3.0 * np.pi * shape.size[0] ** 3, np.pi * shape.size[0] ** 2 * shape.size[-1]
    return float({'sphere': ball, 'cylinder': rod, 'capsule': rod + ball}[shape.kind])


def _per_kg(shape: Shape) -> np.ndarray:
    """Return the principal moments (3,) of a shape of 1 kg about its centre."""
    if shape.kind == 'box':
        x, y, z = shape.size**2
        return np.array([y + z, x + z, x + y]) / 12
    r, length = shape.size[0], shape.size[-1]
    if shape.kind == 'sphere':
        return np.full(3, 0.4 * r**2)
    across, along = (3 * r**2 + length**2) / 12, r**2 / 2
    if shape.kind == 'cylinder':
        return np.array([across, across, along])
    rod = length / (length + 4.0 / 3.0 * r)  # share of the mass that is in the cylinder
    ends = 0.4 * r**2 + length**2 / 4 + 3.0 / 8.0 * length * r
    across = rod * across + (1 - rod) * ends
    return np.array([across, across, rod * along + (1 - rod) * 0.4 * r**2])
