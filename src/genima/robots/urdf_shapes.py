# SPDX-License-Identifier: Apache-2.0
"""Shapes of a profile for a link of a URDF: its primitives, else the boxes of its meshes, else a capsule along the link."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from genima.robots.meshes import mesh_box
from genima.robots.transforms import rpy_matrix
from genima.robots.urdf_reading import Geometry, UrdfLink, UrdfModel

GRAY, DARK = [0.72, 0.74, 0.76, 1.0], [0.20, 0.21, 0.23, 1.0]
# of a capsule along a link: its radius as a share of its length, between two bounds [m]
SHARE, RADIUS_M = 0.2, (0.030, 0.055)
SHORT_M = 0.01
MAX_SIZE_M = 3.0
DENSITY_KG_M3, MASS_KG = 1000.0, (0.05, 8.0)


def link_shapes(
    model: UrdfModel, link: UrdfLink, ends_m: Sequence[np.ndarray], moves: bool
) -> tuple[list[dict[str, Any]], str]:
    """Return the shapes of a link as they stand in a profile, and how they were got.

    Args:
        model: The URDF.
        link: Of it.
        ends_m: Where the next joints of the arm are in the link, (3,) each.
        moves: Whether a joint of the arm moves it; a frame that carries nothing gets no shape.
    """
    own = [geometry for geometry in link.collisions if geometry.size] or [each for each in link.visuals if each.size]
    if own:
        return [_shape(each.kind, each.xyz, each.rpy, each.size) for each in own], 'primitives'
    meshes = [each for each in (link.collisions or link.visuals) if each.kind == 'mesh']
    boxes = [box for box in (_box(model, each) for each in meshes) if box is not None]
    if boxes and len(boxes) == len(meshes):
        return boxes, 'boxes of its meshes'
    if not moves and not meshes:
        return [], ''
    along = [_along(end) for end in ends_m if np.linalg.norm(end) > SHORT_M]
    if not along and not moves:
        return [], 'nothing: its mesh cannot be read'
    return along or [_shape('sphere', np.zeros(3), np.zeros(3), (RADIUS_M[0],))], 'a capsule along it'


def mass_of(shapes: Sequence[dict[str, Any]]) -> float:
    """Return a mass for shapes that have none [kg], of something a little lighter than aluminium parts are."""
    return float(np.clip(DENSITY_KG_M3 * sum(_volume_m3(each['kind'], each['size']) for each in shapes), *MASS_KG).round(3))


def middle_of(shapes: Sequence[dict[str, Any]]) -> list[float]:
    """Return the centre of volume of shapes (3,)."""
    volumes = np.array([_volume_m3(each['kind'], each['size']) for each in shapes])
    centres = np.array([each['xyz'] for each in shapes])
    return [float(value) for value in (volumes @ centres / volumes.sum()).round(4)] if len(shapes) else [0.0, 0.0, 0.0]


def _shape(kind: str, xyz: np.ndarray, rpy: np.ndarray, size: Sequence[float]) -> dict[str, Any]:
    color = DARK if kind == 'sphere' else GRAY
    return {'kind': kind, 'xyz': _plain(xyz), 'rpy': _plain(rpy), 'size': _plain(size), 'rgba': list(color)}


def _plain(values: Sequence[float] | np.ndarray) -> list[float]:
    return [float(value) for value in values]


def _box(model: UrdfModel, mesh: Geometry) -> dict[str, Any] | None:
    """Return the box around a mesh, None where there is no file that can be read."""
    corners = mesh_box(mesh.mesh, model.source)
    if corners is None:
        return None
    low, high = (corner * np.array(mesh.scale) for corner in corners)
    size = np.maximum(np.abs(high - low), 1e-3)
    if size.max() > MAX_SIZE_M:  # in millimetres, and no scale says so
        return None
    centre = mesh.xyz + rpy_matrix(mesh.rpy) @ (low + high) / 2
    return _shape('box', centre.round(6), mesh.rpy, size.round(6))


def _along(end_m: np.ndarray) -> dict[str, Any]:
    """Return a capsule from the link's origin to the next joint."""
    length = float(np.linalg.norm(end_m))
    x, y, z = end_m / length
    radius = float(np.clip(SHARE * length, *RADIUS_M))
    rpy = np.array([0.0, np.arccos(np.clip(z, -1.0, 1.0)), np.arctan2(y, x)])
    return _shape('capsule', (end_m / 2).round(6), rpy.round(6), (round(radius, 4), round(length, 4)))


def _volume_m3(kind: str, size: Sequence[float]) -> float:
    if kind == 'box':
        return float(np.prod(size))
    ball = 4.0 / 3.0 * np.pi * size[0] ** 3
    rod = np.pi * size[0] ** 2 * size[-1]
    return float({'sphere': ball, 'cylinder': rod, 'capsule': rod + ball}[kind])
