# SPDX-License-Identifier: Apache-2.0
"""Each painted picture of a segment with everything located: what diagnoses are made from.

The centre of a sphere is not the centroid of the pixels that show it, where another sphere covers a part of it: what the
renderer says that others cover is taken into account. Spheres that the border of the picture cuts are not measured.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from genima.cameras.model import CameraModel
from genima.cameras.triangulate import nearest_point, view_ray
from genima.contract.found import MIN_PIXELS, Sighting, find_spheres
from genima.contract.targets import camera_poses, shown_in, view_models
from genima.failures.evidence import Evidence, Floats, PaintedTarget
from genima.spheres.render import visible
from genima.spheres.scene import Sphere, target_scene

BORDER_PX = 1.0
STEP_M = 1e-5  # of numerical derivatives


@dataclass(frozen=True, eq=False)
class View:
    """One view of one target image.

    Attributes:
        model: Of the view, without distortion.
        T_camera_base: (4, 4) where the camera was.
        seen: Sphere name to where its centre is painted, and how large.
        wanted_px: Sphere name to how many pixels should show it, of those that the contract shows in this view.
    """

    model: CameraModel
    T_camera_base: Floats
    seen: Mapping[str, Sighting]
    wanted_px: Mapping[str, int]

    @property
    def eye_m(self) -> Floats:
        """(3,) the camera's centre in the base frame."""
        return np.asarray(-self.T_camera_base[:3, :3].T @ self.T_camera_base[:3, 3])

    def in_camera(self, xyz_m: Floats) -> Floats:
        """Return a point (3,) of the base frame in the camera's optical frame."""
        return np.asarray(self.T_camera_base[:3, :3] @ xyz_m + self.T_camera_base[:3, 3])

    def holds(self, xyz_m: Floats, radius_m: float) -> bool:
        """Return whether the border of the picture leaves a sphere whole that is at a point (3,) of the base frame."""
        if self._range_m(xyz_m) <= radius_m:
            return False
        u, v = self.pixel(xyz_m)
        edge_px = min(u, v, self.model.width_px - 1 - u, self.model.height_px - 1 - v)
        return bool(edge_px > 1e3 * radius_m / self.mm_per_px(xyz_m))  # never where the lens does not see the point: NaN

    def pixel(self, xyz_m: Floats) -> Floats:
        """Return where a point (3,) of the base frame is seen (2,)."""
        return self.model.project(self.in_camera(xyz_m))[0]

    def pixel_slopes(self, xyz_m: Floats) -> Floats:
        """Return how a pixel moves (2, 3) when a point moves along the axes of the optical frame [px/m]."""
        ends = self.in_camera(xyz_m) + STEP_M * np.concatenate([np.eye(3), -np.eye(3)])
        uv, _ = self.model.project(ends)
        return np.asarray((uv[:3] - uv[3:]).T / (2 * STEP_M))

    def off_mm(self, xyz_m: Floats, uv_px: Floats) -> float:
        """Return how far a pixel (2,) is from where a point (3,) is seen, at the depth of the point."""
        return float(np.linalg.norm(uv_px - self.pixel(xyz_m))) * self.mm_per_px(xyz_m)

    def mm_per_px(self, xyz_m: Floats) -> float:
        """Return how many millimetres across a pixel covers at the depth of a point."""
        return float(1e3 * self._range_m(xyz_m) / self.model.K[0, 0])

    def _range_m(self, xyz_m: Floats) -> float:
        """Return by what sizes shrink in the view: the depth, or in an equidistant view the distance."""
        seen = self.in_camera(xyz_m)
        return float(np.linalg.norm(seen) if self.model.model == 'equidistant' else seen[2])


@dataclass(frozen=True, eq=False)
class Moment:
    """One target image.

    Attributes:
        stamp_s: When its views were taken.
        shows_s: The time whose arm it shows.
        q_rad: (n,) joints when the views were taken, and `gripper_open` then.
        views: By camera.
        places_m: Sphere name to where two views or more show it, (3,) base frame.
        then_m: Sphere name to where the arm had it at `shows_s`, (3,); empty where that is not known.
    """

    stamp_s: float
    shows_s: float
    q_rad: Floats
    gripper_open: float
    views: Mapping[str, View]
    places_m: Mapping[str, Floats]
    then_m: Mapping[str, Floats]


def look(evidence: Evidence) -> list[Moment]:
    """Return what the target images show; one whose joints are not known is left out."""
    models = dict(zip(evidence.spec.cameras, view_models(evidence.spec, evidence.cameras), strict=True))
    moments = (_moment(evidence, models, target) for target in evidence.targets)
    return [moment for moment in moments if moment is not None]


def _moment(evidence: Evidence, models: Mapping[str, CameraModel], target: PaintedTarget) -> Moment | None:
    spec, profile = evidence.spec, evidence.profile
    now = evidence.joints.at(target.stamp_s)
    if now is None:
        return None
    then = evidence.joints.at(target.stamp_s + evidence.horizon_s)
    scene = [] if then is None else target_scene(spec.spheres, profile, then[0], then[1])
    then_m = {sphere.name: sphere.T_base_sphere[:3, 3] for sphere in scene}
    poses = dict(zip(spec.cameras, camera_poses(spec, profile, evidence.cameras, now[0]), strict=True))
    rough = {
        camera: {name: seen for name, seen in find_spheres(spec, picture).items() if seen is not None}
        for camera, picture in zip(spec.cameras, target.views, strict=True)
    }
    places_m = _places(models, poses, rough)
    views = {
        camera: _view(evidence, camera, models[camera], poses[camera], rough[camera], {**then_m, **places_m})
        for camera in spec.cameras
    }
    places_m = _places(models, poses, {camera: view.seen for camera, view in views.items()})
    return Moment(target.stamp_s, target.stamp_s + evidence.horizon_s, now[0], now[1], views, places_m, then_m)


def _places(
    models: Mapping[str, CameraModel], poses: Mapping[str, Floats], seen: Mapping[str, Mapping[str, Sighting]]
) -> dict[str, Floats]:
    """Triangulate what two cameras or more see."""
    rays: dict[str, list[tuple[Floats, Floats]]] = {}
    for camera, sightings in seen.items():
        for name, sighting in sightings.items():
            if _cut(sighting, models[camera]):
                continue
            rays.setdefault(name, []).append(view_ray(models[camera], poses[camera], sighting.uv_px))
    points = {name: nearest_point([o for o, _ in each], [d for _, d in each]) for name, each in rays.items()}
    return {name: point for name, point in points.items() if point is not None}


def _cut(sighting: Sighting, model: CameraModel) -> bool:
    """Return whether a patch reaches the border of its picture: its centroid says little then."""
    u, v = sighting.uv_px
    edge_px = min(u, v, model.width_px - 1 - u, model.height_px - 1 - v)
    return bool(edge_px < np.sqrt(sighting.pixels / np.pi) + BORDER_PX)


def _view(
    evidence: Evidence,
    camera: str,
    model: CameraModel,
    T_camera_base: Floats,
    rough: Mapping[str, Sighting],
    where_m: Mapping[str, Floats],
) -> View:
    """Return a view with the centres of its spheres, given about where they are."""
    scene = []
    for sphere in evidence.spec.spheres:
        if sphere.name in where_m:
            T = np.eye(4)
            T[:3, 3] = where_m[sphere.name]
            scene.append(Sphere(sphere.name, T, sphere.radius_m, np.zeros(3, dtype=np.uint8)))
    scene = shown_in(evidence.spec, camera, scene)
    expected = visible(model, T_camera_base, scene)
    wanted = {sphere.name: int(expected.pixels[index]) for index, sphere in enumerate(scene)}
    shift = {sphere.name: expected.centres_px[index] - expected.outline_px[index] for index, sphere in enumerate(scene)}
    hidden = evidence.spec.hidden.get(camera, ())
    seen = {
        name: Sighting(sighting.uv_px + shift[name], sighting.pixels, sighting.is_open)
        if wanted.get(name, 0) >= MIN_PIXELS
        else sighting
        for name, sighting in rough.items()
        if name not in hidden
    }
    return View(model, T_camera_base, seen, wanted)
