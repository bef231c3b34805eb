# SPDX-License-Identifier: Apache-2.0
"""Episodes with targets painted wrongly in one way each, and soundly: what the diagnoses have to tell apart.

All are painted with the error of a good painter: each sphere of each view is off by a few millimetres, each time anew.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genima.cameras.model import MountedCamera
from genima.contract.spec import PolicySpec
from genima.episodes.episode import Episode
from genima.episodes.store import read_episode
from genima.failures import gripper_color, hidden, jitter, offset, outside
from genima.failures.evidence import Evidence, JointSeries, PaintedTarget
from genima.guard.workspace import Workspace
from genima.robots.profile import RobotProfile
from genima.robots.transforms import axis_generators, rotation_about
from genima.train.stored_views import check_views, read_views, rectified, view_names
from genima.train.target_views import Scenes, TargetDrawer

SOUND = 'sound'
NOISE_M = 0.003
BOX = Workspace((-0.25, -0.45, 0.01), (0.80, 0.45, 1.20))
"""Workspace of the simulated table."""


@dataclass(frozen=True, eq=False)
class Material:
    """The first steps of an episode as the policy sees it, N of them.

    Attributes:
        spec: The contract.
        profile: The robot.
        episode: Without its pictures; longer than N.
        cameras: Without lens distortion.
        views: (N, V, S, S, 3) uint8.
        scenes: What a painter that makes no error paints.
        target_q_rad: (N, n) joints that the spheres show, and `target_open` (N,).
    """

    spec: PolicySpec
    profile: RobotProfile
    episode: Episode
    cameras: dict[str, MountedCamera]
    views: NDArray[np.uint8]
    scenes: Scenes
    target_q_rad: NDArray[np.float64]
    target_open: NDArray[np.float64]


def load_material(path: Path, spec: PolicySpec, profile: RobotProfile, most: int) -> Material:
    """Read at most `most` steps of an episode.

    Raises:
        DatasetError: if it does not fit the contract.
    """
    episode = read_episode(path, images=False)
    check_views(episode, view_names(path), spec, path)
    steps = np.arange(min(most, len(episode)))
    views = np.empty((len(steps), len(spec.cameras), spec.view_size_px, spec.view_size_px, 3), dtype=np.uint8)
    cameras = {name: episode.cameras[name] for name in spec.cameras}
    read_views(path, spec, cameras, steps, views)
    q_plan, gripper_plan = episode.intended(spec.horizon_steps)
    q, opening = q_plan[steps, -1], gripper_plan[steps, -1]
    plain = rectified(cameras)
    scenes = Scenes.of(spec, profile, plain, episode.q_rad[steps], q, opening)
    return Material(spec, profile, episode, plain, views, scenes, q, opening)


def painted(material: Material, scenes: Scenes) -> NDArray[np.uint8]:
    """Return the target views (N, V, S, S, 3) of scenes."""
    views = material.views.copy()
    TargetDrawer(material.spec, material.cameras).draw(views, scenes, np.arange(len(views)))
    return views


def evidence_of(material: Material, targets: NDArray[np.uint8]) -> Evidence:
    """Return an episode with these target views (N, V, S, S, 3) as a segment says it."""
    episode = material.episode
    times_s = episode.timestamps_s
    return Evidence(
        spec=material.spec,
        profile=material.profile,
        cameras=material.cameras,
        targets=tuple(PaintedTarget(float(at_s), views) for at_s, views in zip(times_s, targets, strict=False)),
        joints=JointSeries(times_s, episode.q_rad, episode.gripper_open),
        gripper_commands=tuple(zip(times_s.tolist(), episode.gripper_command_open.tolist(), strict=True)),
        workspace=BOX,
    )


def noisy(material: Material, rng: np.random.Generator) -> Scenes:
    """Return the scenes with the error of a good painter."""
    T = material.scenes.T_camera_base.copy()
    T[..., :3, 3] += rng.normal(0.0, NOISE_M, (*T.shape[:2], 3))
    return replace(material.scenes, T_camera_base=T)


def _sound(material: Material, rng: np.random.Generator) -> Evidence:
    return evidence_of(material, painted(material, noisy(material, rng)))


def _outside(material: Material, rng: np.random.Generator) -> Evidence:
    """Move what is painted out of the box: the lower spheres through the table, or all to the side."""
    scenes = noisy(material, rng)
    frames = scenes.T_base_sphere.copy()
    if rng.random() < 0.5:
        frames[:, :, 2, 3] -= rng.uniform(0.20, 0.30)
    else:
        side = rng.choice([-1.0, 1.0])
        reach = np.median((side * frames[:, :, 1, 3]).min(axis=1))
        frames[:, :, 1, 3] += side * (BOX.max_xyz_m[1] - reach + rng.uniform(0.06, 0.10))
    return evidence_of(material, painted(material, replace(scenes, T_base_sphere=frames)))


def _wrong_color(material: Material, rng: np.random.Generator) -> Evidence:
    scenes = noisy(material, rng)
    colors = scenes.colors_rgb.copy()
    for number, sphere in enumerate(material.spec.spheres):
        if sphere.is_gripper:
            shut = material.target_open <= 0.5
            colors[:, number] = np.where(shut[:, None], sphere.color(1.0), sphere.color(0.0))
    return evidence_of(material, painted(material, replace(scenes, colors_rgb=colors)))


def _jitter(material: Material, rng: np.random.Generator) -> Evidence:
    """Let spheres jump, in each view on its own or in space."""
    scenes, size_m = noisy(material, rng), rng.uniform(0.035, 0.06)
    if rng.random() < 0.5:
        T = scenes.T_camera_base.copy()
        T[..., :2, 3] += rng.normal(0.0, size_m, (*T.shape[:2], 2))
        return evidence_of(material, painted(material, replace(scenes, T_camera_base=T)))
    frames = scenes.T_base_sphere.copy()
    frames[..., :3, 3] += rng.normal(0.0, size_m, (*frames.shape[:2], 3))
    return evidence_of(material, painted(material, replace(scenes, T_base_sphere=frames)))


def _offset(material: Material, rng: np.random.Generator) -> Evidence:
    """Paint one view with an extrinsic that is wrong: shifted by 10 to 30 mm, or, where it stands still, turned."""
    scenes = noisy(material, rng)
    view = int(rng.integers(len(material.spec.cameras)))
    camera = material.cameras[material.spec.cameras[view]]
    wrong, angle_rad = np.eye(4), rng.uniform(0.0, 2 * np.pi)
    across = np.array([np.cos(angle_rad), np.sin(angle_rad), 0.0])
    if camera.parent_link == material.profile.base_link and rng.random() < 0.5:
        wrong[:3, :3] = rotation_about(axis_generators(across), np.deg2rad(rng.uniform(0.8, 2.0)))
    else:
        wrong[:3, 3] = rng.uniform(0.010, 0.030) * across
    T = scenes.T_camera_base.copy()
    T[:, view] = wrong @ T[:, view]
    return evidence_of(material, painted(material, replace(scenes, T_camera_base=T)))


Case = Callable[[Material, np.random.Generator], Evidence]
CASES: dict[str, Case] = {
    SOUND: _sound,
    outside.NAME: _outside,
    gripper_color.NAME: _wrong_color,
    jitter.NAME: _jitter,
    offset.NAME: _offset,
}
"""What goes wrong, by the diagnosis that should say so; `failure_hiding` has the case of `hidden.NAME`."""
HIDDEN = hidden.NAME
