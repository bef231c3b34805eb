# SPDX-License-Identifier: Apache-2.0
"""What the painter learns from: views in memory, and the targets that belong to them, drawn when they are needed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genima.cameras.model import MountedCamera
from genima.cameras.views import prepare, tile, untile
from genima.contract.spec import PolicySpec
from genima.contract.targets import paint_targets
from genima.episodes.episode import Episode
from genima.episodes.store import list_episodes, read_episode
from genima.errors import DatasetError
from genima.robots.profile import RobotProfile

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Samples:
    """N moments of demonstrations.

    Attributes:
        spec: The contract.
        profile: The robot.
        views: (N, V, S, S, 3) uint8 in contract order.
        q_rad: (N, n) joints when the views were taken, and `gripper_open` (N,) the opening then.
        target_q_rad: (N, n) joints that the demonstrator intends `spec.horizon_steps` later.
        target_open: (N,) opening intended then.
        cameras: The sets of cameras that occur.
        camera_set: (N,) which set a moment was seen with.
    """

    spec: PolicySpec
    profile: RobotProfile
    views: Image
    q_rad: NDArray[np.float64]
    gripper_open: NDArray[np.float64]
    target_q_rad: NDArray[np.float64]
    target_open: NDArray[np.float64]
    cameras: tuple[dict[str, MountedCamera], ...]
    camera_set: NDArray[np.int64]

    def __len__(self) -> int:
        """Return N."""
        return len(self.views)

    def cameras_of(self, index: int) -> dict[str, MountedCamera]:
        """Return the cameras that moment `index` was seen with."""
        return self.cameras[int(self.camera_set[index])]

    def target_views(self, index: int) -> Image:
        """Return the target views (V, S, S, 3) of moment `index`."""
        return paint_targets(
            self.spec,
            self.profile,
            self.cameras_of(index),
            self.views[index],
            self.q_rad[index],
            self.target_q_rad[index],
            float(self.target_open[index]),
        )

    def images(self, indices: Sequence[int] | NDArray[np.int64]) -> Image:
        """Return what the painter sees, (B, H, W, 3); with views apart, B is V times as many."""
        return np.concatenate([as_images(self.spec, self.views[index]) for index in indices])

    def targets(self, indices: Sequence[int] | NDArray[np.int64]) -> Image:
        """Return what it should paint, shaped as `images`."""
        return np.concatenate([as_images(self.spec, self.target_views(index)) for index in indices])


def as_images(spec: PolicySpec, views: Image) -> Image:
    """Turn views (V, S, S, 3) into images (B, H, W, 3): one tiled, or one each."""
    return tile(views)[None] if spec.tiling == 'tiled' else views


def as_views(spec: PolicySpec, images: Image) -> Image:
    """Undo `as_images`."""
    return untile(images[0], len(spec.cameras)) if spec.tiling == 'tiled' else images


def to_tensor(images: Image) -> Tensor:
    """Turn (B, H, W, 3) uint8 into (B, 3, H, W) in [-1, 1], as the autoencoder takes them."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().float() / 127.5 - 1


def load_samples(
    directory: Path | str, spec: PolicySpec, profile: RobotProfile, every: int = 1, limit: int | None = None
) -> Samples:
    """Read every `every`-th step of the episodes of a folder, of the first `limit` episodes at most.

    Raises:
        DatasetError: if an episode does not fit the contract.
    """
    known: dict[str, int] = {}
    sets: list[dict[str, MountedCamera]] = []
    parts: list[tuple[NDArray, ...]] = []
    for path in list_episodes(directory)[:limit]:
        episode = read_episode(path)
        check_fits(episode, spec, path)
        key = json.dumps({name: episode.cameras[name].to_dict() for name in spec.cameras}, sort_keys=True)
        if key not in known:
            known[key] = len(sets)
            sets.append({name: episode.cameras[name] for name in spec.cameras})
        chosen = np.arange(0, len(episode), every)
        chosen = chosen[~episode.ignore[chosen]]
        q_plan, gripper_plan = episode.intended(spec.horizon_steps)
        parts.append(
            (
                _views(episode, spec, chosen),
                episode.q_rad[chosen],
                episode.gripper_open[chosen],
                q_plan[chosen, -1],
                gripper_plan[chosen, -1],
                np.full(len(chosen), known[key]),
            )
        )
    views, q, opening, target_q, target_open, camera_set = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Samples(spec, profile, views, q, opening, target_q, target_open, tuple(sets), camera_set)


def check_fits(episode: Episode, spec: PolicySpec, path: Path) -> None:
    """Refuse an episode that a policy of this contract cannot learn from."""
    missing = [name for name in spec.cameras if name not in episode.views or name not in episode.cameras]
    if missing:
        raise DatasetError(
            f'{path} has no views of {", ".join(missing)}; it has {", ".join(episode.views)}: collect with these'
        )
    if episode.q_rad.shape[1] != len(spec.joint_names):
        raise DatasetError(
            f'{path} has {episode.q_rad.shape[1]} joints, the contract {len(spec.joint_names)}: '
            f'collect with {spec.robot}'
        )


def _views(episode: Episode, spec: PolicySpec, chosen: NDArray[np.int64]) -> Image:
    size = spec.view_size_px
    views = np.empty((len(chosen), len(spec.cameras), size, size, 3), dtype=np.uint8)
    for column, name in enumerate(spec.cameras):
        model = episode.cameras[name].model
        for row, step in enumerate(chosen):
            views[row, column] = prepare(episode.views[name][step], model, size, spec.resize)[0]
    return views
