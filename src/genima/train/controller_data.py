# SPDX-License-Identifier: Apache-2.0
"""Training samples of the controller, drawn on the fly from recorded joints alone."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from genima.cameras.model import CameraModel, MountedCamera
from genima.contract.spec import PolicySpec
from genima.contract.targets import shown_in, view_models
from genima.episodes.store import read_all
from genima.errors import ContractError, DatasetError
from genima.randomize.textures import vary
from genima.robots.kinematics import link_poses
from genima.robots.profile import RobotProfile
from genima.robots.transforms import inverse
from genima.sim.imagine import imagine
from genima.spheres.render import draw
from genima.spheres.scene import Sphere

FOLLOWED_RAD = 0.03
SHIFT_RAD = 0.03
STATE_NOISE_RAD = 0.002


@dataclass(frozen=True)
class ControllerData:
    """All steps of a dataset in arrays of N rows.

    Attributes:
        q_rad: (N, n) observed joints.
        gripper_open: (N,) observed opening.
        plan_q_rad: (N, C, n) intended joints of the next C steps.
        plan_gripper: (N, C) intended opening.
        oldest_age: (N,) how many steps after this one the recording still followed its plan; so old may the target be.
        cameras: Cameras of the dataset.
    """

    q_rad: np.ndarray
    gripper_open: np.ndarray
    plan_q_rad: np.ndarray
    plan_gripper: np.ndarray
    oldest_age: np.ndarray
    cameras: Mapping[str, MountedCamera]

    @classmethod
    def load(cls, dataset: Path | str, spec: PolicySpec) -> 'ControllerData':
        """Read the joints of every episode of a folder.

        Raises:
            DatasetError: if there is none, or the plans are too short for the contract.
            ContractError: if the episodes are of another robot or rate.
        """
        episodes = list(read_all(dataset, images=False))
        needed = max(spec.horizon_steps, spec.chunk_steps + spec.max_target_age_steps)
        for episode in episodes:
            names, rate_hz = episode.metadata.get('joint_names'), episode.metadata.get('rate_hz')
            if names != list(spec.joint_names) or rate_hz != spec.control_rate_hz:
                raise ContractError(
                    f'{dataset} was recorded with joints {names} at {rate_hz} Hz, the policy has '
                    f'{list(spec.joint_names)} at {spec.control_rate_hz} Hz'
                )
            if episode.plan_q_rad.shape[1] < needed:
                raise DatasetError(f'{dataset} has plans of {episode.plan_q_rad.shape[1]} steps, {needed} are needed')
        return cls(
            np.concatenate([episode.q_rad for episode in episodes]),
            np.concatenate([episode.gripper_open for episode in episodes]),
            np.concatenate([episode.plan_q_rad for episode in episodes]),
            np.concatenate([episode.plan_gripper_open for episode in episodes]),
            np.concatenate(
                [_oldest_age(each.q_rad, each.plan_q_rad, spec.max_target_age_steps) for each in episodes]
            ),
            episodes[0].cameras,
        )

    def with_imagined(self, robot: str, seeds: range, spec: PolicySpec) -> 'ControllerData':
        """Return these data and one motion per seed of the expert from anywhere, see `genima.sim.imagine`."""
        motions = list(imagine(robot, seeds))
        rows = [np.minimum(np.arange(len(each.q_rad))[::-1], spec.max_target_age_steps) for each in motions]
        return replace(
            self,
            q_rad=np.concatenate([self.q_rad, *(each.q_rad for each in motions)]),
            gripper_open=np.concatenate([self.gripper_open, *(each.gripper_open for each in motions)]),
            plan_q_rad=np.concatenate([self.plan_q_rad, *(each.plan_q_rad for each in motions)]),
            plan_gripper=np.concatenate([self.plan_gripper, *(each.plan_gripper for each in motions)]),
            oldest_age=np.concatenate([self.oldest_age, *rows]),
        )


@dataclass(frozen=True)
class ControllerBatch:
    """Inputs and labels of B samples.

    Attributes:
        views: (B, V, S, S, 3) uint8.
        q_rad: (B, n) joints now; `gripper_open` (B,) likewise.
        age_share: (B,) age of the target as a share of the oldest allowed.
        chunk_q_rad: (B, T, n) and chunk_gripper (B, T): what to do from now on.
        sphere_uv: (B, V, S, 2) float32, where the spheres' centres are in the views, -1 to 1 from border to border; NaN
            where a view does not show one.
    """

    views: np.ndarray
    q_rad: np.ndarray
    gripper_open: np.ndarray
    age_share: np.ndarray
    chunk_q_rad: np.ndarray
    chunk_gripper: np.ndarray
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
    """Draw `size` samples; with `clean` there are no shifts, no noise, and no artefacts."""
    index = rng.integers(0, len(data.q_rad), size)
    age = rng.integers(0, data.oldest_age[index] + 1)
    scale = 0.0 if clean else 1.0
    n_joints = data.q_rad.shape[1]
    shift = scale * rng.normal(0.0, SHIFT_RAD, (size, n_joints)) * (rng.random((size, 1)) < 0.5)
    noise = scale * rng.normal(0.0, STATE_NOISE_RAD, (size, n_joints)) * rng.exponential(1.0, (size, 1))
    steps = age[:, None] + np.arange(spec.chunk_steps)
    q_target = data.plan_q_rad[index, spec.horizon_steps - 1] + shift
    gripper_target = data.plan_gripper[index, spec.horizon_steps - 1]
    scenes = _scenes(spec, profile, q_target, gripper_target)
    poses = _camera_poses(spec, profile, data.cameras, data.q_rad[index] + shift)
    models = view_models(spec, data.cameras)
    views = np.stack(
        [
            np.stack(
                [
                    _draw_view(spec, name, models[v], poses[v][b], scenes[b], backgrounds, rng, clean)
                    for v, name in enumerate(spec.cameras)
                ]
            )
            for b in range(size)
        ]
    )
    return ControllerBatch(
        views,
        data.q_rad[index + age] + shift + noise,
        np.clip(data.gripper_open[index + age] + scale * rng.normal(0, 0.02, size), 0, 1),
        age / max(spec.max_target_age_steps, 1),
        data.plan_q_rad[index[:, None], steps] + shift[:, None],
        data.plan_gripper[index[:, None], steps],
        _sphere_uv(spec, models, poses, scenes),
    )


def _oldest_age(q_rad: np.ndarray, plan_q_rad: np.ndarray, most: int) -> np.ndarray:
    """Return for each step of one episode how many steps it went on as planned, at most `most`."""
    oldest = np.zeros(len(q_rad), dtype=int)
    for start in range(len(q_rad)):
        for age in range(1, min(most, len(q_rad) - 1 - start) + 1):
            if np.abs(q_rad[start + age] - plan_q_rad[start, age - 1]).max() > FOLLOWED_RAD:
                break
            oldest[start] = age
    return oldest


def _scenes(
    spec: PolicySpec, profile: RobotProfile, q_rad: np.ndarray, gripper_open: np.ndarray
) -> list[list[Sphere]]:
    """Return the target scene of each row: `genima.spheres.scene.target_scene` for a batch."""
    links = link_poses(profile, q_rad)
    scenes: list[list[Sphere]] = [[] for _ in range(len(q_rad))]
    for sphere in spec.spheres:
        T = links[sphere.link].copy()
        T[:, :3, 3] += T[:, :3, :3] @ np.asarray(sphere.xyz_m, dtype=float)
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
    spec: PolicySpec, models: list[CameraModel], T_camera_base: list[np.ndarray], scenes: list[list[Sphere]]
) -> np.ndarray:
    centres = np.array([[sphere.T_base_sphere[:3, 3] for sphere in scene] for scene in scenes])
    views = []
    for name, model, T in zip(spec.cameras, models, T_camera_base, strict=True):
        uv_px, _ = model.project(centres @ T[:, :3, :3].swapaxes(1, 2) + T[:, None, :3, 3])
        uv = (uv_px + 0.5) * 2 / spec.view_size_px - 1
        shown = np.array([sphere.name not in spec.hidden.get(name, ()) for sphere in scenes[0]])
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
    view = np.ascontiguousarray(vary(rng, backgrounds[rng.integers(len(backgrounds))]))
    spheres = shown_in(spec, name, scene)
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
        view = cv2.GaussianBlur(view, (0, 0), float(rng.uniform(0.3, 1.1)))
    if rng.random() < 0.4:
        quality = int(rng.integers(25, 80))
        packed = cv2.imencode('.jpg', view, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        view = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), dtype=np.uint8)
    if rng.random() < 0.5:
        cells = int(rng.integers(8, 64))
        coarse = cv2.resize(rng.normal(0, rng.uniform(2, 14), (cells, cells, 3)).astype(np.float32), view.shape[1::-1])
        view = np.clip(view + coarse, 0, 255).astype(np.uint8)
    return view
