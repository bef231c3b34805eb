# SPDX-License-Identifier: Apache-2.0
"""The one way to draw target views: used by the trainers, the painter's metric, and whoever shows what was meant."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from genima.cameras.model import CameraModel, MountedCamera
from genima.contract.preprocessor import Preprocessor
from genima.contract.spec import PolicySpec
from genima.robots.profile import RobotProfile
from genima.robots.transforms import inverse
from genima.spheres.render import Visibility, draw, visible
from genima.spheres.scene import Sphere, target_scene


def sphere_colors(spec: PolicySpec) -> list[tuple[str, tuple[int, int, int]]]:
    """Return every colour that may be painted; a gripper sphere has two, 'gripper open' and 'gripper closed'."""
    colors: list[tuple[str, tuple[int, int, int]]] = []
    for sphere in spec.spheres:
        if sphere.is_gripper:
            colors += [('gripper open', sphere.color(1.0)), ('gripper closed', sphere.color(0.0))]
        else:
            colors.append((sphere.name, sphere.color(1.0)))
    return colors


def camera_poses(
    spec: PolicySpec, profile: RobotProfile, cameras: Mapping[str, MountedCamera], q_rad: ArrayLike
) -> list[np.ndarray]:
    """Return T_camera_base (4, 4) of each camera of the contract while the arm is at `q_rad` (n,)."""
    return [inverse(np.asarray(cameras[name].T_base_camera(profile, q_rad))) for name in spec.cameras]


def shown_in(spec: PolicySpec, camera: str, spheres: Sequence[Sphere]) -> list[Sphere]:
    """Return the spheres as one camera shows them: without the hidden ones, scaled."""
    hidden, scale = spec.hidden.get(camera, ()), spec.radius_scale.get(camera, 1.0)
    return [
        sphere if scale == 1.0 else replace(sphere, radius_m=scale * sphere.radius_m)
        for sphere in spheres
        if sphere.name not in hidden
    ]


def sized(spec: PolicySpec, model: CameraModel, T_camera_base: ArrayLike, spheres: Sequence[Sphere]) -> list[Sphere]:
    """Return spheres as large as one view shows them: those with a radius in pixels grow with their distance."""
    radii_px = {sphere.name: sphere.radius_px for sphere in spec.spheres if sphere.radius_px is not None}
    if not radii_px:
        return list(spheres)
    T = np.asarray(T_camera_base, dtype=float)
    return [
        replace(sphere, radius_m=radius_of_px(radii_px[sphere.name], T, sphere.T_base_sphere[:3, 3], float(model.K[0, 0])))
        if sphere.name in radii_px
        else sphere
        for sphere in spheres
    ]


def radius_of_px(radius_px: float, T_camera_base: np.ndarray, centre_m: np.ndarray, focal_px: float) -> float:
    """Return the radius in metres that a sphere at `centre_m` (3,) has when it shows `radius_px`; 1 mm behind the camera."""
    depth_m = float(T_camera_base[2, :3] @ centre_m + T_camera_base[2, 3])
    return max(radius_px * depth_m / focal_px, 1e-3)


def view_models(spec: PolicySpec, cameras: Mapping[str, MountedCamera]) -> list[CameraModel]:
    """Return the camera models of the square views."""
    preprocessor = Preprocessor(spec)
    return [preprocessor.model(name, cameras[name].model) for name in spec.cameras]


def draw_targets(
    spec: PolicySpec,
    models: Sequence[CameraModel],
    T_camera_base: Sequence[np.ndarray],
    views: np.ndarray,
    spheres: Sequence[Sphere],
) -> np.ndarray:
    """Draw a scene of spheres over views (V, S, S, 3) uint8, or over black, and return the target views, same shape."""
    out = views.copy() if spec.background == 'views' else np.zeros_like(views)
    for view, name, model, T in zip(out, spec.cameras, models, T_camera_base, strict=True):
        draw(view, model, T, sized(spec, model, T, shown_in(spec, name, spheres)), spec.stripes, out=view)
    return out


def paint_targets(
    spec: PolicySpec,
    profile: RobotProfile,
    cameras: Mapping[str, MountedCamera],
    views: np.ndarray,
    q_now_rad: ArrayLike,
    q_target_rad: ArrayLike,
    gripper_open: float,
) -> np.ndarray:
    """Draw the spheres of the arm at `q_target_rad` over views that were taken at `q_now_rad`.

    Args:
        spec: The contract.
        profile: The robot.
        cameras: By name; a camera on the arm is where the arm is now.
        views: (V, S, S, 3) uint8 in contract order.
        q_now_rad: (n,) joints when the views were taken.
        q_target_rad: (n,) joints that the spheres show.
        gripper_open: Opening that the gripper sphere shows.

    Returns:
        (V, S, S, 3) uint8.
    """
    spheres = target_scene(spec.spheres, profile, q_target_rad, gripper_open)
    return draw_targets(spec, view_models(spec, cameras), camera_poses(spec, profile, cameras, q_now_rad), views, spheres)


def target_visibility(
    spec: PolicySpec,
    profile: RobotProfile,
    cameras: Mapping[str, MountedCamera],
    q_now_rad: ArrayLike,
    q_target_rad: ArrayLike,
) -> list[tuple[list[str], Visibility]]:
    """Return for each view the names of the spheres that may be in it, and where they are."""
    spheres = target_scene(spec.spheres, profile, q_target_rad, 1.0)
    poses = camera_poses(spec, profile, cameras, q_now_rad)
    seen = []
    for name, model, T in zip(spec.cameras, view_models(spec, cameras), poses, strict=True):
        shown = sized(spec, model, T, shown_in(spec, name, spheres))
        seen.append(([sphere.name for sphere in shown], visible(model, T, shown)))
    return seen
