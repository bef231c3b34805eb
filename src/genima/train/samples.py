# SPDX-License-Identifier: Apache-2.0
"""What the painter learns from: views, and the targets that belong to them, drawn when they are needed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genima.cameras.model import MountedCamera
from genima.cameras.views import grid, untile
from genima.compiled import compiled
from genima.contract.spec import PolicySpec
from genima.episodes.index import list_demonstrations
from genima.episodes.store import read_episode
from genima.errors import DatasetError
from genima.robots.profile import RobotProfile
from genima.train.fitting import instruction_of
from genima.train.stored_views import check_views, read_views, rectified, scratch_array, view_names
from genima.train.target_views import Scenes, TargetDrawer

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Samples:
    """N moments of demonstrations.

    Attributes:
        spec: The contract.
        profile: The robot.
        views: (N, V, S, S, 3) uint8 in contract order, in a file that is mapped into memory.
        q_rad: (N, n) joints when the views were taken, and `gripper_open` (N,) the opening then.
        target_q_rad: (N, n) joints that the demonstrator intends `spec.horizon_steps` later.
        target_open: (N,) opening intended then.
        cameras: The sets of cameras that occur, as the views have them: without lens distortion.
        camera_set: (N,) which set a moment was seen with.
        scenes: Where spheres and cameras are at each moment.
        instruction: (N,) what a moment shows, as a place in `spec.instructions`.
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
    scenes: Scenes
    instruction: NDArray[np.int64]

    def __len__(self) -> int:
        """Return N."""
        return len(self.views)

    def cameras_of(self, index: int) -> dict[str, MountedCamera]:
        """Return the cameras that moment `index` was seen with."""
        return self.cameras[int(self.camera_set[index])]

    def instruction_of(self, index: int) -> str:
        """Return what moment `index` shows, in words."""
        return self.spec.instructions[int(self.instruction[index])]

    def target_views(self, index: int) -> Image:
        """Return the target views (V, S, S, 3) of moment `index`."""
        return self._target_views([index])[0]

    def images(self, indices: Sequence[int] | NDArray[np.int64]) -> Image:
        """Return what the painter sees, (B, H, W, 3); with views apart, B is V times as many."""
        return _to_images(self.spec, self.views[np.asarray(indices)])

    def targets(self, indices: Sequence[int] | NDArray[np.int64]) -> Image:
        """Return what it should paint, shaped as `images`."""
        return _to_images(self.spec, self._target_views(indices))

    def sphere_mask(self, rows: NDArray[np.int64], targets: Image) -> Tensor:
        """Return (B, 1, H, W), 1 where `targets` of these moments show a sphere, else 0."""
        behind = np.zeros_like(targets) if self.spec.background == 'black' else self.images(rows)
        return torch.from_numpy((behind != targets).any(axis=-1)).float()[:, None]

    def _target_views(self, indices: Sequence[int] | NDArray[np.int64]) -> Image:
        rows = np.asarray(indices)
        views = self.views[rows]
        if self.spec.background == 'black':
            views = np.zeros_like(views)
        sets = self.camera_set[rows]
        for number in np.unique(sets):
            chosen = sets == number
            if chosen.all():
                self._drawers[number].draw(views, self.scenes, rows)
                break
            part = views[chosen]
            self._drawers[number].draw(part, self.scenes, rows[chosen])
            views[chosen] = part
        return views

    @cached_property
    def _drawers(self) -> list[TargetDrawer]:
        return [TargetDrawer(self.spec, cameras) for cameras in self.cameras]


def as_images(spec: PolicySpec, views: Image) -> Image:
    """Turn views (V, S, S, 3) into images (B, H, W, 3): one tiled, or one each."""
    return _to_images(spec, views[None])


def as_views(spec: PolicySpec, images: Image) -> Image:
    """Undo `as_images`."""
    return untile(images[0], len(spec.cameras)) if spec.tiling == 'tiled' else images


def _to_images(spec: PolicySpec, views: Image) -> Image:
    """Turn views of B moments (B, V, S, S, 3) into images: `cameras.views.tile` for a batch."""
    count, cameras, size = views.shape[:3]
    if spec.tiling != 'tiled':
        return views.reshape(count * cameras, size, size, 3)
    rows, columns = grid(cameras)
    tiled = np.zeros((count, rows, size, columns, size, 3), dtype=np.uint8)
    for number in range(cameras):
        tiled[:, number // columns, :, number % columns] = views[:, number]
    return tiled.reshape(count, rows * size, columns * size, 3)


def to_tensor(images: Image) -> Tensor:
    """Turn (B, H, W, 3) uint8 into (B, 3, H, W) float32 in [-1, 1], as the autoencoder takes them.

    Torch's own operations give the same to the bit in five times the time: each makes an array of this size anew.
    """
    count, height, width, channels = images.shape
    planes = np.empty((count, channels, height, width), dtype=np.float32)
    _look_up(np.ascontiguousarray(images), _LEVELS, planes)
    return torch.from_numpy(planes)


_LEVELS = np.arange(256, dtype=np.float32) / np.float32(127.5) - np.float32(1)


@compiled()
def _look_up(images: Image, levels: NDArray[np.float32], planes: NDArray[np.float32]) -> None:
    """Write the level of each channel of images (B, H, W, C) into its plane (B, C, H, W)."""
    for image in range(images.shape[0]):
        for y in range(images.shape[1]):
            row = images[image, y]
            for channel in range(images.shape[3]):
                out = planes[image, channel, y]
                for x in range(images.shape[2]):
                    out[x] = levels[row[x, channel]]


@dataclass(frozen=True)
class _Part:
    """Chosen steps of one episode, and the columns of `Samples` for them."""

    path: Path
    cameras: dict[str, MountedCamera]
    steps: NDArray[np.int64]
    numbers: tuple[NDArray[np.float64], ...]
    scenes: Scenes
    instruction: int


def load_samples(
    directory: Path | str,
    spec: PolicySpec,
    profile: RobotProfile,
    every: int = 1,
    limit: int | None = None,
    scratch: Path | str | None = None,
) -> Samples:
    """Read every `every`-th step of the demonstrations of a folder, of the first `limit` episodes at most.

    Args:
        directory: The dataset.
        spec: The contract.
        profile: The robot.
        every: Which steps.
        limit: How many episodes.
        scratch: Folder for the prepared views, see `stored_views.scratch_array`.

    Raises:
        DatasetError: if an episode does not fit the contract, or there is no room for the views.
    """
    parts = [_part(path, spec, profile, every) for path in list_demonstrations(directory)[:limit]]
    count = sum(len(part.steps) for part in parts)
    if not count:
        raise DatasetError(f'no step of {directory} may be learned from: all are marked to be ignored')
    views = scratch_array((count, len(spec.cameras), spec.view_size_px, spec.view_size_px, 3), scratch)
    known: dict[str, int] = {}
    sets: list[dict[str, MountedCamera]] = []
    camera_set, row = np.empty(count, dtype=np.int64), 0
    for part in parts:
        rows = slice(row, row + len(part.steps))
        read_views(part.path, spec, part.cameras, part.steps, views[rows])
        key = json.dumps({name: camera.to_dict() for name, camera in part.cameras.items()}, sort_keys=True)
        if key not in known:
            known[key] = len(sets)
            sets.append(rectified(part.cameras))
        camera_set[rows] = known[key]
        row = rows.stop
    columns = zip(*(part.numbers for part in parts), strict=True)
    q, opening, q_target, target_open = (np.concatenate(column) for column in columns)
    scenes = Scenes.joined([part.scenes for part in parts])
    instruction = np.repeat([part.instruction for part in parts], [len(part.steps) for part in parts])
    return Samples(spec, profile, views, q, opening, q_target, target_open, tuple(sets), camera_set, scenes, instruction)


def _part(path: Path, spec: PolicySpec, profile: RobotProfile, every: int) -> _Part:
    """Read all but the pictures of one episode."""
    episode = read_episode(path, images=False)
    check_views(episode, view_names(path), spec, path)
    steps = np.arange(0, len(episode), every)
    steps = steps[~episode.ignore[steps]]
    q_plan, gripper_plan = episode.intended(spec.horizon_steps)
    q, opening, q_target, target_open = (
        array[steps] for array in (episode.q_rad, episode.gripper_open, q_plan[:, -1], gripper_plan[:, -1])
    )
    cameras = {name: episode.cameras[name] for name in spec.cameras}
    scenes = Scenes.of(spec, profile, cameras, q, q_target, target_open)
    instruction = instruction_of(episode.metadata, spec)
    return _Part(path, cameras, steps, (q, opening, q_target, target_open), scenes, instruction)
