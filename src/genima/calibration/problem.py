# SPDX-License-Identifier: Apache-2.0
"""What a bundle adjustment minimises: where corners are predicted against where they are seen, with derivatives."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genima.calibration.detect import Sighting
from genima.calibration.lens import lens_vector, project_with_derivatives, with_lens
from genima.calibration.poses import moved
from genima.cameras.model import CameraModel

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class View:
    """One picture of the board with where the arm was.

    Attributes:
        name: for messages, the name of the picture.
        sighting: what was seen.
        T_parent_other: (4, 4) pose of the board's link in the camera's link.
    """

    name: str
    sighting: Sighting
    T_parent_other: Floats


@dataclass(frozen=True, eq=False)
class LensPrior:
    """What is known of a lens before: its calibration.

    Attributes:
        numbers: (4 + k,) its `lens_vector`.
        covariance: (4 + k, 4 + k) of these.
        noise_px: standard deviation of one coordinate of a corner in that calibration.
    """

    numbers: Floats
    covariance: Floats
    noise_px: float

    def weights(self) -> Floats:
        """Return the matrix (4 + k, 4 + k) that turns changes of the lens into residuals like those of corners."""
        scale = 1 / np.sqrt(np.diag(self.covariance))
        values, directions = np.linalg.eigh(self.covariance * np.outer(scale, scale))
        values = np.maximum(values, 1e-12 * values[-1])
        return self.noise_px * (directions / np.sqrt(values)).T * scale


class Problem:
    """Residuals and their derivatives around a start, for scipy.

    The unknowns are (6,) changes of the camera's pose, (6,) of the board's pose, as `poses.moved` takes them, and, if the
    intrinsics take part, changes of the lens.
    """

    def __init__(
        self,
        corners_m: Floats,
        views: Sequence[View],
        camera: CameraModel,
        X: Floats,
        Y: Floats,
        refine: bool,
        prior: LensPrior | None,
    ) -> None:
        self._X, self._Y, self._camera, self._refine = X, Y, camera, refine
        counts = [len(view.sighting) for view in views]
        self._points = np.concatenate([corners_m[view.sighting.ids] for view in views])
        self._pixels = np.concatenate([view.sighting.pixels for view in views])
        self._A = np.repeat(np.stack([view.T_parent_other for view in views]), counts, axis=0)
        self.ends = np.cumsum(counts)[:-1]
        self._lens = lens_vector(camera)
        # the intrinsics are adjusted in steps that move pixels about as much as a millimetre does
        self._scale = np.concatenate([np.full(4, self._lens[0]), np.ones(len(self._lens) - 4)])
        self.size = 12 + (len(self._lens) if refine else 0)
        self._weights: Floats | None = None
        self._known = np.zeros(0)
        if refine and prior is not None:
            self._weights = prior.weights() * self._scale
            self._known = (prior.numbers - self._lens) / self._scale

    def unpack(self, delta: Floats) -> tuple[CameraModel, Floats, Floats]:
        """Return intrinsics and the two poses."""
        numbers = self._lens + self._scale * delta[12:] if self._refine else self._lens
        camera = with_lens(self._camera, numbers) if self._refine else self._camera
        return camera, moved(self._X, delta[:6]), moved(self._Y, delta[6:12])

    def corner_residuals(self, delta: Floats) -> Floats:
        """Return where the corners are predicted minus where they were seen, (n, 2) [px]."""
        return self._evaluate(delta)[1] - self._pixels

    def residuals(self, delta: Floats) -> Floats:
        """Return all residuals, flat: those of the corners, and of the lens against what was known of it."""
        corners = self.corner_residuals(delta).ravel()
        return corners if self._weights is None else np.concatenate([corners, self._weights @ (delta[12:] - self._known)])

    def jacobian(self, delta: Floats) -> Floats:
        """Return the derivatives of the residuals by `delta`."""
        (camera, X, _), _, (points, arms, levers) = self._evaluate(delta)
        _, by_point, by_lens = project_with_derivatives(camera, points)
        by_parent = by_point @ X[:3, :3].T
        by_other = by_parent @ self._A[:, :3, :3]
        columns = [
            -by_parent,
            by_parent @ _skew(arms) @ _left_jacobian(delta[3:6]),
            by_other,
            -by_other @ _skew(levers) @ _left_jacobian(delta[9:12]),
        ]
        if self._refine:
            columns.append(by_lens * self._scale)
        J = np.concatenate(columns, axis=2).reshape(-1, self.size)
        if self._weights is None:
            return J
        return np.concatenate([J, np.pad(self._weights, ((0, 0), (12, 0)))])

    def _evaluate(self, delta: Floats) -> tuple[tuple[CameraModel, Floats, Floats], Floats, tuple[Floats, Floats, Floats]]:
        camera, X, Y = self.unpack(delta)
        levers = self._points @ Y[:3, :3].T
        arms = np.einsum('nij,nj->ni', self._A[:, :3, :3], levers + Y[:3, 3]) + self._A[:, :3, 3] - X[:3, 3]
        points = arms @ X[:3, :3]
        return (camera, X, Y), project_with_derivatives(camera, points)[0], (points, arms, levers)


def _skew(v: Floats) -> Floats:
    """Return matrices (n, 3, 3) of the cross products with vectors (n, 3)."""
    x, y, z = v.T
    o = np.zeros_like(x)
    return np.stack([o, -z, y, z, o, -x, -y, x, o], axis=-1).reshape(-1, 3, 3)


def _left_jacobian(w: Floats) -> Floats:
    """Return how the rotation exp(w) turns when w changes, (3, 3); Sola et al. 2018, equation 145."""
    angle = float(np.linalg.norm(w))
    K = _skew(w[None])[0]
    if angle < 1e-6:
        return np.eye(3) + K / 2
    return np.eye(3) + (1 - np.cos(angle)) / angle**2 * K + (angle - np.sin(angle)) / angle**3 * (K @ K)
