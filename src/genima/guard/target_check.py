# SPDX-License-Identifier: Apache-2.0
"""Does the painted target show what the chunk is about to do? A second opinion before the arm moves.

The painted spheres are found by their colour and triangulated; so are the spheres of the arm where the chunk takes it by
the time that the target shows, as the same cameras would see them, hidden parts included. The distance between the two
is what painter and controller disagree by. Where the cameras cannot place any sphere in space (there is one, or they
look from the same side), the two are compared across the views, at the distance of the sphere from the camera: that finds
every disagreement but one along the line of sight.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genima.cameras.model import CameraModel, MountedCamera
from genima.cameras.triangulate import nearest_point, view_ray
from genima.chunks.plan import Chunk
from genima.collision.obstacles import Obstacles
from genima.contract.found import MIN_PIXELS, find_spheres
from genima.contract.spec import PolicySpec
from genima.contract.targets import camera_poses, shown_in, view_models
from genima.guard.workspace import Workspace
from genima.robots.profile import RobotProfile
from genima.spheres.render import visible
from genima.spheres.scene import target_scene

# `genima bench targets`: 24 mm at the 99th percentile of demonstrations, 170 mm for a chunk of another scene. Where the
# policy itself goes, painter and controller differ by up to about 60 mm now and then, and each time the arm would halt.
LIMIT_M = 0.06

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SphereResidual:
    """How far one sphere is painted from where the chunk takes it.

    Attributes:
        name: Of the sphere.
        distance_m: In space, or across the views; None where too few views show it.
        residual_px: In each view that shows it, by camera.
        missing: Cameras that should show it and do not.
        painted_m: Where it is painted, in the base; None where too few views show it.
    """

    name: str
    distance_m: float | None
    residual_px: dict[str, float]
    missing: tuple[str, ...]
    painted_m: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class TargetCheck:
    """The residuals of all spheres of one target; `across`: they say nothing about the line of sight."""

    spheres: tuple[SphereResidual, ...]
    across: bool = False

    @property
    def distance_m(self) -> float | None:
        """Median distance over the spheres that could be located: one bad detection does not stop the arm."""
        known = [sphere.distance_m for sphere in self.spheres if sphere.distance_m is not None]
        return float(np.median(known)) if known else None

    def disagreement(self, limit_m: float) -> str | None:
        """Return which sphere disagrees most and in which view, when the distance is above `limit_m`; else None."""
        if self.distance_m is None:
            return f'no painted sphere was found{"" if self.across else " in two views"}'
        if self.distance_m <= limit_m:
            return None
        worst = max(self.spheres, key=lambda sphere: sphere.distance_m or 0.0)
        camera = max(worst.residual_px, key=lambda name: worst.residual_px[name])
        across = ' across the view' if self.across else ''
        return (
            f'target and chunk disagree by {1e3 * self.distance_m:.0f} mm{across}, allowed {1e3 * limit_m:.0f} mm;'
            f' worst is sphere '
            f'{worst.name} ({1e3 * (worst.distance_m or 0.0):.0f} mm), in view {camera} ({worst.residual_px[camera]:.1f} px)'
        )

    def misplaced(self, obstacles: Obstacles, workspace: Workspace, limit_m: float) -> str | None:
        """Return which sphere is painted deeper than `limit_m` in a box, or so far outside of the workspace, or None."""
        for sphere in self.spheres:
            if sphere.painted_m is None:
                continue
            outside_m = workspace.beyond_m(np.array(sphere.painted_m))
            depths = {'the workspace, outside of it': outside_m}
            depths |= {f'{box.name}, inside of it': box.depth_m(np.array(sphere.painted_m)) for box in obstacles.boxes}
            where = max(depths, key=lambda name: depths[name])
            if depths[where] > limit_m:
                allowed = f'allowed are {1e3 * limit_m:.0f} mm'
                return f'sphere {sphere.name} is painted {1e3 * depths[where]:.0f} mm from the face of {where}; {allowed}'
        return None


def check_target(
    spec: PolicySpec,
    profile: RobotProfile,
    cameras: Mapping[str, MountedCamera],
    painted: NDArray[np.uint8],
    target_stamp_s: float,
    q_seen_rad: ArrayLike,
    chunk: Chunk,
) -> TargetCheck:
    """Compare painted views with a chunk.

    Args:
        spec: The contract.
        profile: The robot.
        cameras: By name.
        painted: (V, S, S, 3) uint8 in contract order.
        target_stamp_s: When the views under the target were taken, ROS time.
        q_seen_rad: (n,) joints at that moment; a camera on the arm was there.
        chunk: What the controller made of the target.
    """
    q_rad, gripper_open = chunk.at(target_stamp_s + spec.horizon_steps / spec.control_rate_hz)
    scene = target_scene(spec.spheres, profile, q_rad, gripper_open)
    models, poses = view_models(spec, cameras), camera_poses(spec, profile, cameras, q_seen_rad)
    pairs: dict[str, dict[str, tuple[Floats, Floats | None]]] = {sphere.name: {} for sphere in scene}
    for camera, model, T, view in zip(spec.cameras, models, poses, painted, strict=True):
        shown = shown_in(spec, camera, scene)
        expected, found = visible(model, T, shown), find_spheres(spec, view)
        for index, sphere in enumerate(shown):
            if expected.pixels[index] >= MIN_PIXELS:
                seen = found[sphere.name]
                pairs[sphere.name][camera] = (expected.outline_px[index], None if seen is None else seen.uv_px)
    views = {name: (model, T) for name, model, T in zip(spec.cameras, models, poses, strict=True)}
    across = all(_place({name: uv_px for name, (uv_px, _) in of.items()}, views) is None for of in pairs.values())
    centres = {sphere.name: sphere.T_base_sphere[:3, 3] if across else None for sphere in scene}
    return TargetCheck(tuple(_residual(name, of, views, centres[name]) for name, of in pairs.items()), across)


def _residual(
    name: str,
    pairs: Mapping[str, tuple[Floats, Floats | None]],
    views: Mapping[str, tuple[CameraModel, Floats]],
    centre_m: Floats | None,
) -> SphereResidual:
    """Return the residual of one sphere, across its views where its centre in the base is given."""
    both = {camera: (expected, seen) for camera, (expected, seen) in pairs.items() if seen is not None}
    painted = _place({camera: seen for camera, (_, seen) in both.items()}, views)
    return SphereResidual(
        name,
        _distance_m(both, views) if centre_m is None else _distance_across_m(both, views, centre_m),
        {camera: float(np.linalg.norm(expected - seen)) for camera, (expected, seen) in both.items()},
        tuple(camera for camera, (_, seen) in pairs.items() if seen is None),
        None if painted is None else (float(painted[0]), float(painted[1]), float(painted[2])),
    )


def _place(points: Mapping[str, Floats], views: Mapping[str, tuple[CameraModel, Floats]]) -> Floats | None:
    """Return the point in space that views show at these pixels; None where they cannot tell."""
    rays = [view_ray(*views[camera], uv_px) for camera, uv_px in points.items()]
    return nearest_point([origin for origin, _ in rays], [direction for _, direction in rays])


def _distance_m(
    both: Mapping[str, tuple[Floats, Floats]], views: Mapping[str, tuple[CameraModel, Floats]]
) -> float | None:
    """Return how far apart the two places are that two or more views show."""
    meant, painted = (_place({camera: pair[which] for camera, pair in both.items()}, views) for which in (0, 1))
    return None if meant is None or painted is None else float(np.linalg.norm(meant - painted))


def _distance_across_m(
    both: Mapping[str, tuple[Floats, Floats]], views: Mapping[str, tuple[CameraModel, Floats]], centre_m: Floats
) -> float | None:
    """Return how far apart the two rays of a view are where the sphere is, in the view where that is most."""
    found = []
    for camera, pair in both.items():
        (origin, meant), (_, painted) = (view_ray(*views[camera], uv_px) for uv_px in pair)
        found.append(float(np.linalg.norm(centre_m - origin) * np.linalg.norm(meant - painted)))
    return max(found, default=None)
