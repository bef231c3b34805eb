# SPDX-License-Identifier: Apache-2.0
"""Move cameras of recorded episodes by some pixels, and count which of them the drift filter finds.

A camera is turned about its centre, so that the arm's TCP moves by the wanted distance on average. Either the images are
those of the turned camera (exact: a turn about the centre is a homography), or the calibration is; the other one stays.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from numpy.typing import NDArray

from genima.camera_checks.silhouette import parts_seen_from
from genima.cameras.model import MountedCamera
from genima.episodes.episode import Episode
from genima.episodes.store import list_episodes, read_episode, write_episode
from genima.errors import DatasetError
from genima.quality.measures import measure
from genima.quality.verdict import FAIL
from genima.robots.kinematics import tcp_pose
from genima.robots.profile import RobotProfile
from genima.robots.transforms import inverse

Floats = NDArray[np.float64]
WAYS = ('images', 'calibration')
MOST_FALSE = 1 / 40  # of the episodes whose cameras stayed


@dataclass(frozen=True)
class Outcome:
    """One episode: the `camera` that was moved and in which `way` (empty: none), and what the filter says."""

    episode: str
    camera: str
    way: str
    verdict: str
    drift_px: float | None
    text: str

    @property
    def rejected(self) -> bool:
        """Whether the filter takes the episode out."""
        return self.verdict == FAIL


def run_drift(folder: Path | str, moved: int, offset_px: float, seed: int) -> Iterator[Outcome]:
    """Yield what the filter says of each episode of a folder, `moved` of which have a camera that was moved.

    Raises:
        DatasetError: if there are fewer episodes, or one has no camera that stands still.
    """
    paths, rng = list_episodes(folder), np.random.default_rng(seed)
    if moved > len(paths):
        raise DatasetError(f'{folder} has {len(paths)} episodes, {moved} cannot be moved: lower --moved')
    chosen = {int(index): number for number, index in enumerate(rng.permutation(len(paths))[:moved])}
    with TemporaryDirectory() as temporary:
        for index, path in enumerate(paths):
            camera = way = ''
            if index in chosen:
                way, copy = WAYS[chosen[index] % len(WAYS)], Path(temporary) / path.name
                camera = _write_moved(path, copy, way, offset_px, rng)
            judged = measure(Path(temporary) / path.name if camera else path)
            drift = next((each for each in judged.measures if each.name == 'drift'), None)
            if drift is None:
                raise DatasetError(f'{path} cannot be measured: {"; ".join(judged.reasons())}')
            yield Outcome(path.name, camera, way, drift.verdict, drift.value, drift.text)


def passes(outcomes: list[Outcome]) -> bool:
    """Return whether every moved camera was found, and at most one episode in forty was rejected wrongly."""
    still = [each for each in outcomes if not each.camera]
    wrong = sum(each.rejected for each in still)
    return all(each.rejected for each in outcomes if each.camera) and wrong <= max(1.0, MOST_FALSE * len(still))


def turned(camera: MountedCamera, T_camera_tcp: Floats, offset_px: float, direction_rad: float) -> Floats:
    """Return the turn R_camera_turned (3, 3) that moves the TCP by so much in an image, on average.

    Args:
        camera: As calibrated.
        T_camera_tcp: (T, 4, 4) where the TCP is.
        offset_px: Mean distance.
        direction_rad: From the right of the image, clockwise.
    """
    axis = np.array([np.sin(direction_rad), -np.cos(direction_rad), 0.0])
    points_m = T_camera_tcp[:, :3, 3]
    before_px = camera.model.project(points_m)[0]
    angle_rad = offset_px / camera.model.K[0, 0]
    R = np.eye(3)
    for _ in range(4):
        R = cv2.Rodrigues(angle_rad * axis)[0]
        moves_px = np.linalg.norm(camera.model.project(points_m @ R)[0] - before_px, axis=-1)
        angle_rad *= offset_px / float(np.nanmean(moves_px))
    return np.asarray(R, dtype=np.float64)


def seen_turned(frames: NDArray[np.uint8], camera: MountedCamera, R: Floats) -> NDArray[np.uint8]:
    """Return the images (T, H, W, 3) that the camera takes after it was turned by R; what it newly sees is smeared."""
    places, _ = camera.model.project(camera.model.rays() @ R.T)
    u, v = np.nan_to_num(places, nan=-1.0).astype(np.float32).transpose(2, 0, 1)
    return np.stack([cv2.remap(frame, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for frame in frames])


def _write_moved(source: Path, target: Path, way: str, offset_px: float, rng: np.random.Generator) -> str:
    """Write an episode with one camera moved, and return its name."""
    episode = read_episode(source)
    profile = RobotProfile.named(episode.metadata.get('robot') or '')
    standing = [name for name, each in episode.cameras.items() if not parts_seen_from(profile, each.parent_link).carried]
    if not standing:
        raise DatasetError(f'{source} has no camera that stands still')
    name = str(rng.choice(sorted(standing)))
    camera = episode.cameras[name]
    T_camera_tcp = inverse(camera.T_base_camera(profile, episode.q_rad)) @ tcp_pose(profile, episode.q_rad)
    R = turned(camera, T_camera_tcp, offset_px, float(rng.uniform(-np.pi, np.pi)))
    write_episode(target, _with_moved(episode, name, way, R))
    return name


def _with_moved(episode: Episode, name: str, way: str, R: Floats) -> Episode:
    camera = episode.cameras[name]
    if way == 'images':
        return replace(episode, views={**episode.views, name: seen_turned(episode.views[name], camera, R)})
    T = np.eye(4)
    T[:3, :3] = R
    moved = replace(camera, T_parent_camera=camera.T_parent_camera @ T)
    return replace(episode, cameras={**episode.cameras, name: moved})
