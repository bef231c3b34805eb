# SPDX-License-Identifier: Apache-2.0
"""The spheres that the policy intends, as circles over a camera's picture."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genima.cameras.model import CameraModel
from genima.contract.spec import PolicySpec
from genima.robots.profile import RobotProfile
from genima.spheres.scene import Sphere, target_scene
from genima_msgs.msg import ActionChunk
from genima_ros.conversions.trajectories import chunk_from_message

MAX_AGE_S = 0.5  # an old intention must not look like the present one


def intended_spheres(message: ActionChunk, spec: PolicySpec, profile: RobotProfile) -> list[Sphere]:
    """Return the spheres one horizon into a chunk.

    Raises:
        ContractError: if the chunk is of another robot.
    """
    chunk = chunk_from_message(message, profile)
    last = min(spec.horizon_steps, len(chunk.q_rad)) - 1
    return target_scene(spec.spheres, profile, chunk.q_rad[last], chunk.gripper_open[last])


def circles(spheres: Sequence[Sphere], camera: CameraModel, T_camera_base: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Return each sphere in front of a camera as a circle in its picture, lens distortion included.

    Args:
        spheres: in the robot base.
        camera: intrinsics.
        T_camera_base: (4, 4) pose of the base in the optical frame.

    Returns:
        name, x, y (centre) and r (radius) [px], color `#rrggbb`; the farthest sphere first.
    """
    found = []
    for sphere in spheres:
        centre = (T_camera_base @ sphere.T_base_sphere[:, 3])[:3]
        distance_m = float(np.linalg.norm(centre))
        if centre[2] <= 0.0 or distance_m <= sphere.radius_m:
            continue
        across = np.cross(centre, [0.0, 1.0, 0.0])
        # where a ray that touches the sphere meets the plane through its centre
        reach_m = sphere.radius_m / np.sqrt(1.0 - (sphere.radius_m / distance_m) ** 2)
        uv, _ = camera.project(np.stack([centre, centre + reach_m * across / np.linalg.norm(across)]))
        if np.isfinite(uv).all():
            red, green, blue = (int(value) for value in sphere.color_rgb)
            radius_px = float(np.linalg.norm(uv[1] - uv[0]))
            circle = {'name': sphere.name, 'x': uv[0, 0], 'y': uv[0, 1], 'r': radius_px}
            found.append((distance_m, {**circle, 'color': f'#{red:02x}{green:02x}{blue:02x}'}))
    return [circle for _, circle in sorted(found, key=lambda item: -item[0])]
