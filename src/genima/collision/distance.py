# SPDX-License-Identifier: Apache-2.0
"""The distance of two convex bodies, compiled: a plan has thousands of pairs, and a call into a library for each is slow.

A body is a core, the sum of segments and a disc, with a ball rolled around it: a sphere is a ball, a capsule a segment and
a ball, a box three segments, a cylinder a segment and a disc; what a finger sweeps is one segment more.

Source of the iteration: Gilbert, Johnson and Keerthi 1988; of the nearest point of a simplex: Ericson, Real-Time Collision
Detection (2005), 5.1. The result is the best separating plane that was found, so that it is never too large.
"""

import numpy as np

from genima.compiled import compiled

SEGMENTS = 4
WORK = 18
CLOSE_M = 1e-5  # the distance is exact to that
ITERATIONS = 40
FLAT = 1e-18  # below this a volume says nothing about sides


@compiled()
def distance_m(
    centre: np.ndarray,
    segments: np.ndarray,
    normal: np.ndarray,
    disc_m: np.ndarray,
    ball_m: np.ndarray,
    one: int,
    other: int,
    enough_m: float,
    work: np.ndarray,
) -> float:
    """Return a lower bound of the distance of two bodies: it, but for 0.01 mm, or at least `enough_m`.

    Where the cores overlap it is what is left: minus both balls.

    Args:
        centre: Of the bodies, (S, 3).
        segments: Their half segments, (S, 4, 3).
        normal: Of their discs, unit vectors (S, 3).
        disc_m: Radius of their discs, (S,).
        ball_m: Radius of the balls, (S,).
        one: A body, and `other`, the second one.
        enough_m: No more needs to be known.
        work: `WORK` rows to work in, (WORK, 3). The first one is the direction to begin with, and that of the plane that was
            found afterwards: near poses have near planes. Zero: from centre to centre.
    """
    balls_m = ball_m[one] + ball_m[other]
    way, support, corners = work[0], work[1], work[2:6]
    if way[0] == 0.0 and way[1] == 0.0 and way[2] == 0.0:
        for axis in range(3):
            way[axis] = centre[one, axis] - centre[other, axis]
    count, best_m = 0, -balls_m
    for _ in range(ITERATIONS):
        length = np.sqrt(way[0] * way[0] + way[1] * way[1] + way[2] * way[2])
        if length < 1e-9:
            if count > 0:
                return -balls_m
            way[0] = length = 1.0  # the centres coincide: any direction will do
        for axis in range(3):
            support[axis] = centre[one, axis] - centre[other, axis]
        _support(segments, normal, disc_m, one, way, support)
        _support(segments, normal, disc_m, other, way, support)
        apart_m = (way[0] * support[0] + way[1] * support[1] + way[2] * support[2]) / length
        best_m = max(best_m, apart_m - balls_m)
        if best_m >= enough_m or (count > 0 and length - balls_m - best_m < CLOSE_M):
            return best_m
        for axis in range(3):
            corners[count, axis] = support[axis]
        count = _nearest(corners, count + 1, way, work)
        if count == 4:
            return -balls_m
    return best_m


@compiled()
def _support(
    segments: np.ndarray, normal: np.ndarray, disc_m: np.ndarray, body: int, way: np.ndarray, out: np.ndarray
) -> None:
    """Add to `out` how far a core reaches from its centre against `way`; bodies are symmetric, so that serves both."""
    for i in range(SEGMENTS):
        x, y, z = segments[body, i, 0], segments[body, i, 1], segments[body, i, 2]
        side = x * way[0] + y * way[1] + z * way[2]
        if side != 0.0:
            turn = -1.0 if side > 0.0 else 1.0
            out[0] += turn * x
            out[1] += turn * y
            out[2] += turn * z
    radius = disc_m[body]
    if radius > 0.0:
        x, y, z = normal[body, 0], normal[body, 1], normal[body, 2]
        along = x * way[0] + y * way[1] + z * way[2]
        x, y, z = way[0] - along * x, way[1] - along * y, way[2] - along * z
        length = np.sqrt(x * x + y * y + z * z)
        if length > 1e-12:
            scale = -radius / length
            out[0] += scale * x
            out[1] += scale * y
            out[2] += scale * z


@compiled()
def _nearest(corners: np.ndarray, count: int, nearest: np.ndarray, work: np.ndarray) -> int:
    """Set `nearest` to the point of a simplex that is nearest to the origin, and keep the corners that it lies between.

    Args:
        corners: (4, 3), the first `count` count; those that are kept come first afterwards.
        count: 1 to 4.
        nearest: (3,), set.
        work: As above.

    Returns:
        How many corners are kept; 4 where the origin is inside.
    """
    if count == 1:
        nearest[:] = corners[0]
        return 1
    if count == 2:
        return _of_segment(corners, nearest)
    if count == 3:
        return _of_triangle(corners, nearest, work)
    best, kept_count = np.inf, 4
    point, face, kept = work[6], work[7:10], work[10:13]
    for left_out in range(4):
        row = 0
        for i in range(4):
            if i != left_out:
                face[row] = corners[i]
                row += 1
        if not _outside(face, corners[left_out]):
            continue
        found = _of_triangle(face, point, work)
        square = point[0] ** 2 + point[1] ** 2 + point[2] ** 2
        if square < best:
            best, kept_count = square, found
            kept[:] = face
            nearest[:] = point
    if kept_count < 4:
        corners[:3] = kept
    return kept_count


@compiled()
def _outside(face: np.ndarray, top: np.ndarray) -> bool:
    """Return whether the origin is on the other side of a face than the corner above it, or that cannot be told."""
    ux, uy, uz = face[1, 0] - face[0, 0], face[1, 1] - face[0, 1], face[1, 2] - face[0, 2]
    vx, vy, vz = face[2, 0] - face[0, 0], face[2, 1] - face[0, 1], face[2, 2] - face[0, 2]
    nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    origin = -(nx * face[0, 0] + ny * face[0, 1] + nz * face[0, 2])
    above = nx * (top[0] - face[0, 0]) + ny * (top[1] - face[0, 1]) + nz * (top[2] - face[0, 2])
    return bool(origin * above < 0.0 or abs(above) < FLAT)


@compiled()
def _of_segment(corners: np.ndarray, nearest: np.ndarray) -> int:
    along = over = 0.0
    for axis in range(3):
        way = corners[1, axis] - corners[0, axis]
        along -= corners[0, axis] * way
        over += way * way
    if along <= 0.0 or over == 0.0:
        nearest[:] = corners[0]
        return 1
    if along >= over:
        corners[0] = corners[1]
        nearest[:] = corners[0]
        return 1
    for axis in range(3):
        nearest[axis] = corners[0, axis] + along / over * (corners[1, axis] - corners[0, axis])
    return 2


@compiled()
def _of_triangle(corners: np.ndarray, nearest: np.ndarray, work: np.ndarray) -> int:
    d1 = d2 = d3 = d4 = d5 = d6 = 0.0
    for axis in range(3):
        a, b, c = corners[0, axis], corners[1, axis], corners[2, axis]
        d1 -= (b - a) * a
        d2 -= (c - a) * a
        d3 -= (b - a) * b
        d4 -= (c - a) * b
        d5 -= (b - a) * c
        d6 -= (c - a) * c
    va, vb, vc = d3 * d6 - d5 * d4, d5 * d2 - d1 * d6, d1 * d4 - d3 * d2
    whole = va + vb + vc
    if whole > 1e-30 and va > 0.0 and vb > 0.0 and vc > 0.0:
        for axis in range(3):
            a, b, c = corners[0, axis], corners[1, axis], corners[2, axis]
            nearest[axis] = (va * a + vb * b + vc * c) / whole
        return 3
    # on an edge: the nearest of the three, which a sliver of a triangle cannot mislead
    best, kept_count = np.inf, 1
    point, edge, kept = work[13], work[14:16], work[16:18]
    for i in range(3):
        edge[0], edge[1] = corners[i], corners[(i + 1) % 3]
        found = _of_segment(edge, point)
        square = point[0] ** 2 + point[1] ** 2 + point[2] ** 2
        if square < best:
            best, kept_count = square, found
            kept[:] = edge
            nearest[:] = point
    corners[:2] = kept
    return kept_count
