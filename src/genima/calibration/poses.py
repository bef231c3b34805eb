# SPDX-License-Identifier: Apache-2.0
"""Small steps between poses, and the length of residuals."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from genima.robots.transforms import inverse

Floats = NDArray[np.float64]


def rms(residuals_px: Floats) -> float:
    """Return the root mean square length of residuals (n, 2)."""
    return float(np.sqrt(np.mean(np.sum(residuals_px**2, axis=-1))))


def moved(T: Floats, delta: Floats) -> Floats:
    """Return a pose (4, 4) changed by (translation [m], rotation vector [rad]) (6,) along the parent's axes."""
    result = T.copy()
    result[:3, :3] = Rotation.from_rotvec(delta[3:]).as_matrix() @ T[:3, :3]
    result[:3, 3] = T[:3, 3] + delta[:3]
    return result


def difference(T_from: Floats, T_to: Floats) -> Floats:
    """Return the (6,) change that `moved` needs to bring the first pose to the second."""
    turn = Rotation.from_matrix(T_to[:3, :3] @ T_from[:3, :3].T).as_rotvec()
    return np.concatenate([T_to[:3, 3] - T_from[:3, 3], turn])


def predicted(T_parent_camera: Floats, T_parent_other: Floats, T_other_board: Floats) -> Floats:
    """Return T_camera_board (..., 4, 4)."""
    return inverse(T_parent_camera) @ T_parent_other @ T_other_board
