# SPDX-License-Identifier: Apache-2.0
"""Recorded episodes with another texture on the object or the background, where masks say what a pixel shows.

The background's texture lies on the table's plane and rises beyond `FARTHEST_M` like a wall, so it stays where it is in
all views, also in those of a camera that moves. The object's texture goes with its mask. Light and shade of the images
stay.
"""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from genima.cameras.model import MountedCamera
from genima.episodes.episode import Episode
from genima.episodes.store import list_episodes, read_episode, write_episode
from genima.errors import GenimaError
from genima.processes import in_processes
from genima.randomize.folder import random_texture, texture_files
from genima.randomize.masks import Masks, read_masks
from genima.randomize.surface import cover, grain, sample_texture
from genima.randomize.textures import random_surface
from genima.robots.profile import RobotProfile

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]

PARTS = {'object': 'object_material', 'background': 'background'}
"""What can be given a texture, and the key of `metadata['diversity']` that names it."""
TEXTURE_PX = 256
BACKGROUND_M = 0.8
FARTHEST_M = 2.5
LEVEL = 1e-6


@dataclass(frozen=True)
class Swap:
    """What is swapped.

    Attributes:
        part: One of PARTS.
        masks: Folder of the masks of that part.
        seed: The texture of an episode depends on it and on the episode's name alone.
        textures: Folder of images to take textures from; procedural ones if empty.
        keep_color: Only lighten and darken as the texture does: a red thing stays red.
    """

    part: str
    masks: str
    seed: int = 0
    textures: str = ''
    keep_color: bool = False

    def __post_init__(self) -> None:
        if self.part not in PARTS:
            raise GenimaError(f'no part {self.part!r} can be given a texture; allowed: {", ".join(PARTS)}')


def retextured(
    episode: Episode, masks: Mapping[str, Masks], swap: Swap, name: str, texture: Image, profile: RobotProfile
) -> Episode:
    """Return the same demonstration with a texture on a part; its metadata say so.

    Args:
        episode: With its views.
        masks: Camera name to (T, H, W): where the part is seen.
        swap: What is swapped.
        name: Of the texture, for the metadata.
        texture: (S, S, 3).
        profile: The robot, which carries some of the cameras.
    """
    views = {}
    for camera, images in episode.views.items():
        mounted = episode.cameras.get(camera)
        views[camera] = images.copy()
        for step, (image, mask) in enumerate(zip(images, masks[camera], strict=True)):
            if mask.any():
                colors = _colors(swap.part, mask, texture, mounted, profile, episode.q_rad[step])
                views[camera][step] = (grain if swap.keep_color else cover)(image, mask, colors)
    noted = episode.metadata.get('diversity') or {}
    conditions = list(dict.fromkeys([*noted.get('conditions', ()), f'{swap.part} texture']))
    swaps = [*noted.get('texture_swaps', ()), {'part': swap.part, 'texture': name, 'seed': swap.seed}]
    words = f'{name} (put on the recorded views)'
    diversity = {**noted, PARTS[swap.part]: words, 'conditions': conditions, 'texture_swaps': swaps}
    return replace(episode, views=views, metadata={**episode.metadata, 'diversity': diversity})


def retexture_dataset(source: Path | str, out: Path | str, swap: Swap, workers: int = 1) -> Iterator[str]:
    """Write every episode of a folder with another texture into another folder, and yield the names of those written.

    Args:
        source: Folder of episodes.
        out: Another folder; episodes that it has already are kept.
        swap: What is swapped.
        workers: Processes.

    Raises:
        DatasetError: if there are no episodes, one cannot be read, or its masks are missing or do not fit.
    """
    missing = [path for path in list_episodes(source) if not (Path(out) / path.name).exists()]
    yield from in_processes(partial(_retexture_one, Path(out), swap), missing, workers)


def _retexture_one(out: Path, swap: Swap, path: Path) -> str:
    episode = read_episode(path)
    masks = read_masks(swap.masks, path.stem, {name: images.shape[:3] for name, images in episode.views.items()})
    rng = np.random.default_rng([swap.seed, zlib.crc32(path.name.encode())])
    files = texture_files(swap.textures) if swap.textures else []
    name, texture = random_texture(rng, files, TEXTURE_PX) if files else random_surface(rng, TEXTURE_PX)
    profile = RobotProfile.named(episode.metadata.get('robot') or '')
    write_episode(out / path.name, retextured(episode, masks, swap, name, texture, profile))
    return path.name


def _colors(
    part: str, mask: Masks, texture: Image, camera: MountedCamera | None, profile: RobotProfile, q_rad: Floats
) -> Image:
    if part == 'object' or camera is None or mask.shape != (camera.model.height_px, camera.model.width_px):
        return _with_mask(mask, texture) if part == 'object' else _with_image(mask, texture)
    return sample_texture(texture, _room(camera, camera.T_base_camera(profile, q_rad)), BACKGROUND_M)


def _with_mask(mask: Masks, texture: Image) -> Image:
    """Return a texture (H, W, 3) that is as large as what the mask shows, and goes with it."""
    rows, columns = np.nonzero(mask)
    across_px = max(float(np.sqrt(len(rows))), 2.0)
    v, u = np.indices(mask.shape).astype(np.float64)
    places = np.stack([u - columns.mean(), v - rows.mean()], axis=-1) / across_px + 0.5
    side = int(np.clip(across_px, 4, len(texture)))  # no finer than the image, or single pixels of it would be drawn
    small = np.asarray(cv2.resize(texture, (side, side), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return sample_texture(small, places, 1.0)


def _with_image(mask: Masks, texture: Image) -> Image:
    height, width = mask.shape
    return np.asarray(cv2.resize(texture, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _room(camera: MountedCamera, T_base_camera: Floats) -> Floats:
    """Return where on a floor and a wall behind it each pixel looks, (H, W, 2) in metres without a seam between them."""
    rays = camera.model.rays() @ T_base_camera[:3, :3].T
    eye = T_base_camera[:3, 3]
    down = rays[..., 2] < -LEVEL
    length = np.where(down, eye[2] / np.where(down, -rays[..., 2], 1.0), FARTHEST_M)
    places = eye + np.minimum(length, FARTHEST_M)[..., None] * rays
    return np.stack([places[..., 1], places[..., 0] + places[..., 2]], axis=-1)
