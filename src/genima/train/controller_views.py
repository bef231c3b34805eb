# SPDX-License-Identifier: Apache-2.0
"""Samples of the controller: spheres over random backgrounds, or only where they are, and what to do about them."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from genima.cameras.model import CameraModel, MountedCamera
from genima.contract.spec import PolicySpec
from genima.contract.targets import shown_in, sized, view_models
from genima.randomize.textures import vary
from genima.robots.kinematics import link_poses
from genima.robots.profile import RobotProfile
from genima.robots.transforms import inverse
from genima.spheres.render import draw
from genima.spheres.scene import Sphere
from genima.train.controller_data import ControllerData, Moments, draw_moments

POINT_NOISE_PX = 0.6
MISSED = 0.05  # of the spheres, and of the views as a whole


@dataclass(frozen=True)
class ControllerBatch:
    """B samples.

    Attributes:
        moments: What the painter meant and what to do now.
        views: (B, V, S, S, 3) uint8 target images.
        sphere_uv: (B, V, S, 2) float32, where the spheres' centres are in the views, -1 to 1 from border to border; NaN
            where a view does not show one.
    """

    moments: Moments
    views: np.ndarray
    sphere_uv: np.ndarray


def draw_batch(
    data: ControllerData,
    spec: PolicySpec,
    profile: RobotProfile,
    backgrounds: np.ndarray,
    rng: np.random.Generator,
    size: int,
    clean: bool = False,
) -> ControllerBatch:
    """Draw `size` samples; with `clean` as they were recorded, without artefacts."""
    moments = draw_moments(data, spec, rng, size, clean)
    models = view_models(spec, data.cameras)
    poses = _camera_poses(spec, profile, data.cameras, moments.seen_q_rad)
    links = link_poses(profile, moments.target_q_rad)
    scenes = _scenes(spec, links, moments.target_gripper)
    views = [
        [
            _draw_view(spec, name, models[v], poses[v][b], scenes[b], backgrounds, rng, clean)
            for v, name in enumerate(spec.cameras)
        ]
        for b in range(size)
    ]
    return ControllerBatch(moments, np.array(views), _sphere_uv(spec, models, poses, _centres(spec, links)))


def draw_points(
    data: ControllerData, spec: PolicySpec, profile: RobotProfile, rng: np.random.Generator, size: int
) -> tuple[Moments, np.ndarray]:
    """Draw `size` samples without pictures: moments, and (B, V, S, 3) what a reader would make of their spheres.

    A hundred of them cost what one picture does. Places are as inexact as painter and reader together; now and then a
    sphere is missed, or all of a view.
    """
    moments = draw_moments(data, spec, rng, size)
    poses = _camera_poses(spec, profile, data.cameras, moments.seen_q_rad)
    centres = _centres(spec, link_poses(profile, moments.target_q_rad))
    uv = _sphere_uv(spec, view_models(spec, data.cameras), poses, centres)
    scale = POINT_NOISE_PX * 2 / spec.view_size_px * rng.exponential(1.0, (*uv.shape[:-1], 1))
    uv += (scale * rng.normal(size=uv.shape)).astype(np.float32)
    missed = (rng.random((*uv.shape[:-1], 1)) < MISSED) | (rng.random((*uv.shape[:2], 1, 1)) < MISSED)
    seen = np.isfinite(uv).all(axis=-1, keepdims=True) & ~missed
    return moments, np.concatenate([np.where(seen, uv, 0), seen], axis=-1).astype(np.float32)


def _centres(spec: PolicySpec, links: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the spheres' centres in the base frame (B, S, 3) for batched link poses."""
    poses = [links[sphere.link] for sphere in spec.spheres]
    at = [np.asarray(sphere.xyz_m, dtype=float) for sphere in spec.spheres]
    return np.stack([T[:, :3, 3] + T[:, :3, :3] @ xyz for T, xyz in zip(poses, at, strict=True)], axis=1)


def _scenes(spec: PolicySpec, links: Mapping[str, np.ndarray], gripper_open: np.ndarray) -> list[list[Sphere]]:
    """Return the target scene of each row: `genima.spheres.scene.target_scene` for a batch."""
    centres = _centres(spec, links)
    scenes: list[list[Sphere]] = [[] for _ in range(len(centres))]
    for number, sphere in enumerate(spec.spheres):
        T = links[sphere.link].copy()
        T[:, :3, 3] = centres[:, number]
        for row, scene in enumerate(scenes):
            color = np.array(sphere.color(gripper_open[row]), dtype=np.uint8)
            scene.append(Sphere(sphere.name, T[row], sphere.radius_m, color))
    return scenes


def _camera_poses(
    spec: PolicySpec, profile: RobotProfile, cameras: Mapping[str, MountedCamera], q_rad: np.ndarray
) -> list[np.ndarray]:
    """Return T_camera_base (B, 4, 4) of each camera of the contract."""
    links = link_poses(profile, q_rad)
    poses = []
    for name in spec.cameras:
        T = inverse(links[cameras[name].parent_link] @ cameras[name].T_parent_camera)
        poses.append(np.broadcast_to(T, (len(q_rad), 4, 4)))
    return poses


def _sphere_uv(
    spec: PolicySpec, models: list[CameraModel], T_camera_base: list[np.ndarray], centres: np.ndarray
) -> np.ndarray:
    views = []
    for name, model, T in zip(spec.cameras, models, T_camera_base, strict=True):
        uv_px, _ = model.project(centres @ T[:, :3, :3].swapaxes(1, 2) + T[:, None, :3, 3])
        uv = (uv_px + 0.5) * 2 / spec.view_size_px - 1
        shown = np.array([sphere.name not in spec.hidden.get(name, ()) for sphere in spec.spheres])
        views.append(np.where((np.abs(uv) < 1).all(-1, keepdims=True) & shown[:, None], uv, np.nan))
    return np.stack(views, axis=1).astype(np.float32)


def _draw_view(
    spec: PolicySpec,
    name: str,
    model: CameraModel,
    T_camera_base: np.ndarray,
    scene: list[Sphere],
    backgrounds: np.ndarray,
    rng: np.random.Generator,
    clean: bool,
) -> np.ndarray:
    background = backgrounds[rng.integers(len(backgrounds))]
    view = background.copy() if spec.background == 'black' else np.ascontiguousarray(vary(rng, background))
    spheres = sized(spec, model, T_camera_base, shown_in(spec, name, scene))
    if clean:
        return draw(view, model, T_camera_base, spheres, spec.stripes, out=view)
    spheres = [_jitter(sphere, T_camera_base, model.K[0, 0], rng) for sphere in spheres]
    draw(view, model, T_camera_base, spheres, spec.stripes, out=view)
    return _spoil(view, rng)


def _jitter(sphere: Sphere, T_camera_base: np.ndarray, focal_px: float, rng: np.random.Generator) -> Sphere:
    """Move a sphere by a fraction of a pixel, and change its size and colour a little, as the painter does."""
    T = sphere.T_base_sphere.copy()
    depth_m = abs(float(T_camera_base[2, :3] @ T[:3, 3] + T_camera_base[2, 3]))
    T[:3, 3] += rng.normal(0.0, 0.35, 3) * depth_m / focal_px
    color = np.clip(sphere.color_rgb + rng.normal(0, 14, 3), 0, 255).astype(np.uint8)
    return Sphere(sphere.name, T, sphere.radius_m * (1 + rng.normal(0, 0.06)), color)


def _spoil(view: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blur, compress and add noise, like what an autoencoder and one denoising step leave behind."""
    if rng.random() < 0.5:
        widest_px = 1.1 if rng.random() < 0.7 else 2.5  # where a painter is in doubt, it smears
        view = cv2.GaussianBlur(view, (0, 0), float(rng.uniform(0.3, widest_px)))
    if rng.random() < 0.4:
        quality = int(rng.integers(25, 80))
        packed = cv2.imencode('.jpg', view, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        view = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), dtype=np.uint8)
    if rng.random() < 0.5:
        cells = int(rng.integers(8, 64))
        coarse = cv2.resize(rng.normal(0, rng.uniform(2, 14), (cells, cells, 3)).astype(np.float32), view.shape[1::-1])
        view = np.clip(view + coarse, 0, 255).astype(np.uint8)
    return view
