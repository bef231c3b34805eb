# SPDX-License-Identifier: Apache-2.0
"""How far markers of the sphere colours on the arm are from where the calibration projects them, where there are any."""

from collections.abc import Mapping
from dataclasses import dataclass

import h5py
import numpy as np

from genima.cameras.model import MountedCamera
from genima.episodes.episode import Episode
from genima.robots.profile import RobotProfile, SphereSpec
from genima.robots.transforms import inverse
from genima.spheres.detect import find
from genima.spheres.render import visible
from genima.spheres.scene import target_scene

SAMPLES = 40
FEWEST_SIGHTINGS = 5
_MIN_PIXELS = 8
_SIZE_RATIO = 3.0
_MIN_TRAVEL_PX = 2.0
_FOLLOWS = 0.5


@dataclass(frozen=True)
class Drift:
    """Of one camera: median distance [px] of its worst marker, and the names of the markers that were measured."""

    distance_px: float
    markers: tuple[str, ...]


def projection_drift(
    episode: Episode, views: Mapping[str, h5py.Dataset | np.ndarray], profile: RobotProfile
) -> dict[str, Drift]:
    """Compare seen and projected markers of the current joints.

    A patch counts as the marker of a sphere if it has its colour, about its size, and moves as the sphere does while
    the arm moves: a thing on the table that happens to have the colour does not follow.

    Args:
        episode: Joints, gripper and cameras; its views are not looked at.
        views: Camera name to pictures (T, H, W, 3) uint8.
        profile: Robot, with the spheres that the markers show.

    Returns:
        Camera name to its drift; a camera in which no marker could be measured is not in it.
    """
    steps = np.unique(np.linspace(0, len(episode) - 1, min(SAMPLES, len(episode))).astype(int))
    measured = {}
    for name, frames in views.items():
        if name in episode.cameras and tuple(frames.shape[1:3]) == _size(episode.cameras[name]):
            drift = _camera_drift(episode, frames, episode.cameras[name], profile, steps)
            if drift is not None:
                measured[name] = drift
    return measured


def _camera_drift(
    episode: Episode, frames: h5py.Dataset | np.ndarray, camera: MountedCamera, profile: RobotProfile, steps: np.ndarray
) -> Drift | None:
    sightings: dict[str, list[np.ndarray]] = {}
    for step in steps:
        T_camera_base = inverse(np.asarray(camera.T_base_camera(profile, episode.q_rad[step])))
        scene = target_scene(profile.spheres, profile, episode.q_rad[step], episode.gripper_open[step])
        expected = visible(camera.model, T_camera_base, scene)
        # name every colour that may occur, those of the other gripper state too: a pixel goes to the nearest
        others = [color for spec in profile.spheres for color in _colors(spec)]
        found = find(frames[step], [*(sphere.color_rgb for sphere in scene), *others], _MIN_PIXELS)[: len(scene)]
        for sphere, patch, uv_px, pixels in zip(scene, found, expected.outline_px, expected.pixels, strict=True):
            if patch is None or pixels < _MIN_PIXELS:
                continue
            if 1 / _SIZE_RATIO < patch.pixels / pixels < _SIZE_RATIO:
                sightings.setdefault(sphere.name, []).append(np.stack([uv_px, patch.uv_px]))
    distances_px = {name: _distance_px(np.array(pairs)) for name, pairs in sightings.items()}
    kept = {name: distance for name, distance in distances_px.items() if distance is not None}
    return Drift(max(kept.values()), tuple(sorted(kept))) if kept else None


def _distance_px(pairs: np.ndarray) -> float | None:
    """Return the median distance of sightings (N, 2, 2), expected and seen, None if what was seen does not follow."""
    if len(pairs) < FEWEST_SIGHTINGS:
        return None
    moves = pairs - np.median(pairs, axis=0)
    travel_px = np.sqrt((moves[:, 0] ** 2).sum(axis=-1).mean())
    strays_px = np.sqrt(((moves[:, 1] - moves[:, 0]) ** 2).sum(axis=-1).mean())
    if travel_px < _MIN_TRAVEL_PX or strays_px > _FOLLOWS * travel_px:
        return None
    return float(np.median(np.linalg.norm(pairs[:, 1] - pairs[:, 0], axis=-1)))


def _colors(spec: SphereSpec) -> list[tuple[int, int, int]]:
    return [spec.color(0.0), spec.color(1.0)] if spec.is_gripper else [spec.color(1.0)]


def _size(camera: MountedCamera) -> tuple[int, int]:
    return camera.model.height_px, camera.model.width_px
