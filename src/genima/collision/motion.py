# SPDX-License-Identifier: Apache-2.0
"""Where a motion first brings two bodies too near, compiled; between knots nothing is left out.

Each pair is followed by conservative advancement: as long as its distance is larger than what its bodies can move towards
each other in some time, it need not be measured before that time is over. How fast they can is bounded by the speed of
the joints between them, times how far a body reaches from each joint's axis.

Source: Mirtich, Impulse-based dynamic simulation of rigid body systems (1996), 2.3; Tang et al. 2009.
"""

import numpy as np

from genima.collision.distance import SEGMENTS, WORK, distance_m
from genima.compiled import compiled

SAG_M = 1e-3  # a step is not shorter than this; between two steps a pair may come half of it nearer
ROUNDING_M = 1e-6


Local = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
Placed = tuple[np.ndarray, np.ndarray, np.ndarray]
FrameArrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
ModelArrays = tuple[np.ndarray, Local, np.ndarray, int]
PairArrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@compiled()
def place(q_rad: np.ndarray, frames: FrameArrays, R_base: np.ndarray, p_base: np.ndarray) -> None:
    """Set the pose of every frame in the base, `R_base` (n + 1, 3, 3) and `p_base` (n + 1, 3), at joints (n,)."""
    order, parent, R, p, axis = frames
    R_base[0] = np.eye(3)
    p_base[0] = 0.0
    turn, fixed = np.empty((3, 3)), np.empty((3, 3))
    for frame in order:
        above = parent[frame]
        for i in range(3):
            p_base[frame, i] = p_base[above, i]
            for j in range(3):
                p_base[frame, i] += R_base[above, i, j] * p[frame, j]
                fixed[i, j] = 0.0
                for k in range(3):
                    fixed[i, j] += R_base[above, i, k] * R[frame, k, j]
        x, y, z = axis[frame, 0], axis[frame, 1], axis[frame, 2]
        sine, cosine = np.sin(q_rad[frame - 1]), np.cos(q_rad[frame - 1])
        rest = 1.0 - cosine
        turn[0, 0], turn[0, 1], turn[0, 2] = cosine + x * x * rest, x * y * rest - z * sine, x * z * rest + y * sine
        turn[1, 0], turn[1, 1], turn[1, 2] = y * x * rest + z * sine, cosine + y * y * rest, y * z * rest - x * sine
        turn[2, 0], turn[2, 1], turn[2, 2] = z * x * rest - y * sine, z * y * rest + x * sine, cosine + z * z * rest
        for i in range(3):
            for j in range(3):
                total = 0.0
                for k in range(3):
                    total += fixed[i, k] * turn[k, j]
                R_base[frame, i, j] = total


@compiled()
def carry(
    frame: int, R_base: np.ndarray, p_base: np.ndarray, body: int, local: Local, at: int, placed: Placed
) -> None:
    """Set row `at` of `placed` to centre, half segments and normal of a body in the base."""
    centre, segments, normal = placed
    for i in range(3):
        c, n = p_base[frame, i], 0.0
        for j in range(3):
            c += R_base[frame, i, j] * local[0][body, j]
            n += R_base[frame, i, j] * local[2][body, j]
        centre[at, body, i], normal[at, body, i] = c, n
        for row in range(SEGMENTS):
            s = 0.0
            for j in range(3):
                s += R_base[frame, i, j] * local[1][body, row, j]
            segments[at, body, row, i] = s


@compiled()
def _around_m(placed: Placed, at: int, one: int, other: int, is_box: bool, around_m: np.ndarray) -> float:
    """Return a lower bound of a distance that costs little: between the balls around bodies, or from one to a box."""
    centre, segments, _ = placed
    square = 0.0
    if not is_box:
        for i in range(3):
            square += (centre[at, other, i] - centre[at, one, i]) ** 2
        return float(np.sqrt(square) - around_m[one] - around_m[other])
    for row in range(3):
        along = length = 0.0
        for i in range(3):
            along += (centre[at, one, i] - centre[at, other, i]) * segments[at, other, row, i]
            length += segments[at, other, row, i] ** 2
        length = np.sqrt(length)
        square += max(abs(along) / length - length, 0.0) ** 2
    return float(np.sqrt(square) - around_m[one])


@compiled()
def first_contact(
    q_rad: np.ndarray,
    v_rad_s: np.ndarray,
    grid_s: float,
    frames: FrameArrays,
    model: ModelArrays,
    pairs: PairArrays,
    begin: int,
) -> tuple[int, float, float]:
    """Return the first pair found that comes nearer than it may, when [knots after the first], and its distance [m].

    A pair that is nearer than it may at the first knot may come no nearer; one that touches there may not move at all.

    Args:
        q_rad: Positions at knots, (M, n); between them they are cubic, and at rest after the last.
        v_rad_s: Velocities there, (M, n).
        grid_s: Time between knots.
        frames: The arrays of `Frames`.
        model: Frame of each body (S,), its `arrays` and `around_m`, and the index of the first box.
        pairs: One body, the other, the least distance, (P,) each, and the reach from each joint (P, n).
        begin: Index of the pair to begin with: where one was found before, it will be found again, and soon.

    Returns:
        -1, 0, 0 if no pair does.
    """
    frame, local, around_m, boxes_from = model
    one, other, least_m, reach_m = pairs
    knots, n = q_rad.shape
    bodies = len(frame)
    R, p = np.empty((n + 1, 3, 3)), np.empty((n + 1, 3))
    # one row more, for a moment between knots
    placed = np.empty((knots + 1, bodies, 3)), np.empty((knots + 1, bodies, SEGMENTS, 3)), np.empty((knots + 1, bodies, 3))
    for knot in range(knots):
        place(q_rad[knot], frames, R, p)
        for body in range(bodies):
            carry(frame[body], R, p, body, local, knot, placed)
    fastest_rad = _fastest_rad(q_rad, v_rad_s, grid_s)
    speed_m, q_between, work = np.zeros(knots), np.empty(n), np.empty((WORK, 3))
    for turn in range(len(one)):
        pair = (begin + turn) % len(one)
        a, b = one[pair], other[pair]
        work[0] = 0.0
        for knot in range(knots - 1):
            speed_m[knot] = 0.0
            for joint in range(n):
                speed_m[knot] += fastest_rad[knot, joint] * reach_m[pair, joint]
        allowed_m, knot, x, at = least_m[pair], 0, 0.0, 0
        while True:
            left_m = (1.0 - x) * speed_m[knot]
            apart_m = _around_m(placed, at, a, b, b >= boxes_from, around_m)
            if apart_m < allowed_m + left_m:
                enough_m = allowed_m + left_m + speed_m[min(knot + 1, knots - 1)]
                apart_m = distance_m(placed[0][at], placed[1][at], placed[2][at], local[3], local[4], a, b, enough_m, work)
            if knot == 0 and x == 0.0 and 0.0 < apart_m < allowed_m:
                allowed_m = apart_m
            if apart_m < allowed_m - ROUNDING_M:
                return pair, knot + x, apart_m
            if knot == knots - 1:
                break
            slack_m = apart_m - allowed_m
            if slack_m < left_m and left_m > 0.0:
                x += max(slack_m, SAG_M) / speed_m[knot]
                if x < 1.0:
                    _between(q_rad, v_rad_s, grid_s, knot, x, q_between)
                    at = knots
                    place(q_between, frames, R, p)
                    carry(frame[a], R, p, a, local, at, placed)
                    carry(frame[b], R, p, b, local, at, placed)
                    continue
                slack_m = -1.0  # nothing is known of the next knot
            else:
                slack_m -= left_m
            knot += 1
            while knot < knots - 1 and slack_m >= speed_m[knot]:
                slack_m -= speed_m[knot]
                knot += 1
            x, at = 0.0, knot
    return -1, 0.0, 0.0


@compiled()
def _fastest_rad(q_rad: np.ndarray, v_rad_s: np.ndarray, grid_s: float) -> np.ndarray:
    """Return how far each joint would turn in each interval at its highest speed in it, (M - 1, n) [rad].

    The control points of velocity in Bernstein form bound it.
    """
    knots, n = q_rad.shape
    fastest = np.zeros((max(knots - 1, 0), n))
    for knot in range(knots - 1):
        for joint in range(n):
            first, last = grid_s * v_rad_s[knot, joint], grid_s * v_rad_s[knot + 1, joint]
            middle = 3.0 * (q_rad[knot + 1, joint] - q_rad[knot, joint]) - first - last
            fastest[knot, joint] = max(abs(first), abs(middle), abs(last))
    return fastest


@compiled()
def _between(q_rad: np.ndarray, v_rad_s: np.ndarray, grid_s: float, knot: int, x: float, out: np.ndarray) -> None:
    """Set `out` (n,) to the positions at the share `x` of the interval after a knot."""
    for joint in range(len(out)):
        first, last = grid_s * v_rad_s[knot, joint], grid_s * v_rad_s[knot + 1, joint]
        way = q_rad[knot + 1, joint] - q_rad[knot, joint]
        bend, twist = 3.0 * way - 2.0 * first - last, first + last - 2.0 * way
        out[joint] = q_rad[knot, joint] + x * (first + x * (bend + x * twist))
