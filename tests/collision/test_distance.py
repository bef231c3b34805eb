# SPDX-License-Identifier: Apache-2.0
"""Distances of convex bodies against a slow minimisation over all pairs of their points."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from genima.collision.distance import SEGMENTS, WORK, distance_m

Body = tuple[np.ndarray, np.ndarray, np.ndarray, float, float]


def _drawn(rng: np.random.Generator) -> Body:
    """A sphere, capsule, box, cylinder, or what a box sweeps."""
    R, segments, disc_m, ball_m = np.linalg.qr(rng.normal(size=(3, 3)))[0], np.zeros((SEGMENTS, 3)), 0.0, 0.0
    kind = rng.integers(5)
    if kind <= 1:
        ball_m = float(rng.uniform(0.01, 0.1))
    if kind in (1, 3):
        segments[0] = R[0] * rng.uniform(0.01, 0.2)
    if kind in (2, 4):
        segments[:3] = R * rng.uniform(0.005, 0.2, (3, 1))
    if kind == 3:
        disc_m = float(rng.uniform(0.01, 0.1))
    if kind == 4:
        segments[3] = rng.normal(0.0, 0.05, 3)
    return rng.normal(0.0, 0.2, 3), segments, R[0], disc_m, ball_m


def _measured_m(bodies: tuple[Body, Body], enough_m: float = np.inf, begin: np.ndarray | None = None) -> float:
    work = np.zeros((WORK, 3))
    if begin is not None:
        work[0] = begin
    return distance_m(*(np.array(column) for column in zip(*bodies, strict=True)), 0, 1, enough_m, work)  # type: ignore[call-arg]


def _minimised_m(bodies: tuple[Body, Body]) -> float:
    def point(body: Body, u: np.ndarray) -> np.ndarray:
        centre, segments, normal, disc_m, _ = body
        across = np.linalg.svd(normal[None])[2][1:]
        return centre + u[:SEGMENTS] @ segments + disc_m * (u[SEGMENTS:] @ across)

    size = SEGMENTS + 2
    on_discs = [
        {'type': 'ineq', 'fun': lambda u, i=i: 1.0 - u[i] ** 2 - u[i + 1] ** 2} for i in (SEGMENTS, size + SEGMENTS)
    ]
    found = minimize(
        lambda u: float(((point(bodies[0], u[:size]) - point(bodies[1], u[size:])) ** 2).sum()),
        np.zeros(2 * size),
        bounds=[(-1.0, 1.0)] * (2 * size),
        constraints=on_discs,
        method='SLSQP',
        options={'maxiter': 500, 'ftol': 1e-14},
    )
    return float(np.sqrt(found.fun)) - bodies[0][4] - bodies[1][4]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_distance_is_that_of_the_nearest_points(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bodies = _drawn(rng), _drawn(rng)
    slow_m = _minimised_m(bodies)
    assert abs(_measured_m(bodies) - slow_m) < 2e-4
    assert abs(_measured_m(bodies, begin=rng.normal(size=3)) - slow_m) < 2e-4, 'wherever it begins'
    assert _measured_m(bodies, enough_m=0.0) <= slow_m + 2e-4, 'and never too large where less is enough'


def test_bodies_that_coincide_overlap() -> None:
    box = np.zeros(3), np.vstack((0.1 * np.eye(3), np.zeros(3))), np.array([0.0, 0.0, 1.0]), 0.0, 0.0
    ball = np.zeros(3), np.zeros((SEGMENTS, 3)), np.array([0.0, 0.0, 1.0]), 0.0, 0.05
    assert _measured_m((box, box)) <= 0.0 and _measured_m((ball, ball)) == -0.1
    far = np.array([0.3, 0.0, 0.0]), *box[1:]
    assert abs(_measured_m((box, far)) - 0.1) < 1e-5 and abs(_measured_m((ball, far)) - 0.15) < 1e-5
