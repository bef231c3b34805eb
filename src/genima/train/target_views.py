# SPDX-License-Identifier: Apache-2.0
"""Target views of many moments: what `contract.targets.paint_targets` draws, without most of its cost per call.

Kinematics are done once for all moments, and one compiled loop draws a batch. Both draw with the same kernel, so the
pixels are the same; a test compares them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genima.cameras.model import MountedCamera
from genima.compiled import compiled
from genima.contract.spec import PolicySpec
from genima.contract.targets import radius_of_px, shown_in, view_models
from genima.robots.kinematics import link_poses
from genima.robots.profile import RobotProfile
from genima.robots.transforms import inverse
from genima.spheres.pinhole import paint_pinhole
from genima.spheres.render import draw
from genima.spheres.scene import Sphere

Floats = NDArray[np.float64]
Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Scenes:
    """What is drawn at N moments, n spheres into V views; a two-hundredth of the size of the views themselves.

    Attributes:
        T_base_sphere: (N, n, 4, 4) poses of the spheres.
        colors_rgb: (N, n, 3) their colours, 0 to 255.
        T_camera_base: (N, V, 4, 4) where the cameras are.
    """

    T_base_sphere: Floats
    colors_rgb: Floats
    T_camera_base: Floats

    @classmethod
    def of(
        cls,
        spec: PolicySpec,
        profile: RobotProfile,
        cameras: Mapping[str, MountedCamera],
        q_now_rad: Floats,
        q_target_rad: Floats,
        gripper_open: Floats,
    ) -> 'Scenes':
        """Return the scenes of moments.

        Args:
            spec: The contract.
            profile: The robot.
            cameras: By name; a camera on the arm is where the arm is now.
            q_now_rad: (N, n) joints when the views were taken.
            q_target_rad: (N, n) joints that the spheres show.
            gripper_open: (N,) opening that the gripper sphere shows.

        Raises:
            ProfileError: if a sphere sits on a link that the robot does not have.
        """
        count = len(q_now_rad)
        frames, colors = np.empty((count, len(spec.spheres), 4, 4)), np.empty((count, len(spec.spheres), 3))
        targets, now = link_poses(profile, q_target_rad), link_poses(profile, q_now_rad)
        for number, sphere in enumerate(spec.spheres):
            frames[:, number] = targets[profile.link(sphere.link).name]
            frames[:, number, :3, 3] += frames[:, number, :3, :3] @ np.asarray(sphere.xyz_m, dtype=float)
            colors[:, number] = np.where(gripper_open[:, None] > 0.5, sphere.color(1.0), sphere.color(0.0))
        poses = np.empty((count, len(spec.cameras), 4, 4))
        for number, name in enumerate(spec.cameras):
            poses[:, number] = inverse(now[cameras[name].parent_link] @ cameras[name].T_parent_camera)
        return cls(frames, colors, poses)

    @classmethod
    def joined(cls, parts: list['Scenes']) -> 'Scenes':
        """Return the scenes of several datasets, one after the other."""
        columns = zip(*((part.T_base_sphere, part.colors_rgb, part.T_camera_base) for part in parts), strict=True)
        return cls(*(np.concatenate(column) for column in columns))


class TargetDrawer:
    """Draws the spheres of a contract for one set of cameras."""

    def __init__(self, spec: PolicySpec, cameras: Mapping[str, MountedCamera]) -> None:
        """Prepare for `cameras`, which have no lens distortion: views are rectified."""
        self._spec, self._models = spec, view_models(spec, cameras)
        self._K = np.array([model.K for model in self._models])
        self._other = np.array([model.model != 'pinhole' for model in self._models])
        base = [Sphere(sphere.name, np.eye(4), sphere.radius_m, np.zeros(3, np.uint8)) for sphere in spec.spheres]
        self._radii, self._shown = np.zeros((len(spec.cameras), len(base))), np.zeros((len(spec.cameras), len(base)), bool)
        for row, name in enumerate(spec.cameras):
            shown = {sphere.name: sphere.radius_m for sphere in shown_in(spec, name, base)}
            self._shown[row] = [sphere.name in shown for sphere in base]
            self._radii[row] = [shown.get(sphere.name, 0.0) for sphere in base]
        self._radii_px = {n: sphere.radius_px for n, sphere in enumerate(spec.spheres) if sphere.radius_px is not None}

    def draw(self, views: Image, scenes: Scenes, rows: NDArray[np.int64]) -> None:
        """Draw over views (B, V, S, S, 3), in place, the scenes of the moments `rows` (B,)."""
        frames, colors, poses = scenes.T_base_sphere[rows], scenes.colors_rgb[rows], scenes.T_camera_base[rows]
        bands, dark = float(self._spec.stripes.bands), float(self._spec.stripes.dark)
        left, radii = np.tile(self._other, (len(views), 1)), self._radii_at(frames, poses)
        _draw_all(views, self._K, poses, frames, radii, self._shown, colors, bands, dark, left)
        for row, view in np.argwhere(left):  # a fisheye's view, spheres that touch, or a camera close to one
            spheres = [
                Sphere(sphere.name, frames[row, n], radii[row, view, n], colors[row, n].astype(np.uint8))
                for n, sphere in enumerate(self._spec.spheres)
                if self._shown[view, n]
            ]
            image = views[row, view]
            draw(image, self._models[view], poses[row, view], spheres, self._spec.stripes, out=image)


    def _radii_at(self, frames: Floats, poses: Floats) -> Floats:
        """Return the radii (B, V, n) in metres; those in pixels depend on where spheres and cameras are."""
        radii = np.tile(self._radii, (len(frames), 1, 1))
        for n, radius_px in self._radii_px.items():
            for row, view in np.ndindex(radii.shape[:2]):
                focal_px = float(self._models[view].K[0, 0])
                radii[row, view, n] = radius_of_px(radius_px, poses[row, view], frames[row, n, :3, 3], focal_px)
        return radii


@compiled(error_model='numpy')
def _draw_all(
    views: Image, K: Floats, T_camera_base: Floats, frames: Floats, radii: Floats, shown: NDArray[np.bool_],
    colors: Floats, bands: float, dark: float, left: NDArray[np.bool_],
) -> None:  # fmt: skip
    """Draw what the fast kernel can and should; `left` (B, V) tells before where not to try, then where it could not."""
    for row in range(len(views)):
        for view in range(views.shape[1]):
            if left[row, view]:
                continue
            which = shown[view]
            left[row, view] = not paint_pinhole(
                views[row, view], K[view], T_camera_base[row, view], frames[row][which], radii[row, view][which],
                colors[row][which], bands, dark,
            )  # fmt: skip
