# SPDX-License-Identifier: Apache-2.0
"""How far the arm in the recorded images is from where joints and calibration say, for cameras that stand still.

What changed between two images is held against what the silhouettes of the two poses say must have changed, over many
pairs of an episode; the shift at which they agree best is the drift. It needs no markers, and knows only images, joints,
calibration and the shapes of the robot profile. The live check of a camera (`genima.camera_checks.projection`) compares
in the same way.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import h5py
import numpy as np
from numpy.typing import NDArray

from genima.align.latency import small_grey
from genima.camera_checks.agreement import Posed, change_agreement
from genima.camera_checks.pictures import Grey, Single
from genima.camera_checks.silhouette import Silhouette
from genima.cameras.model import MountedCamera
from genima.episodes.episode import Episode
from genima.robots.profile import RobotProfile

SAMPLES = 40  # images
LAGS = (1 / 4, 1 / 2, 3 / 4)  # of the episode, between the two images of a pair
FEWEST_PAIRS = 8
REACH = 0.11  # largest drift that is measured, as a share of the longer side
LEAST_FIT = 0.3
AS_GOOD = 0.97
MOST_UNSURE = 0.04  # of the longer side: how far apart shifts may be that agree as well as the best


@dataclass(frozen=True)
class Drift:
    """Of one camera.

    Attributes:
        right_px: How far right of where it should be the arm is seen, [px of the recorded image]; `down_px` likewise.
        fit: How well prediction and images agree at that shift, 0 to 1.
        pairs: Of images that were compared.
    """

    right_px: float
    down_px: float
    fit: float
    pairs: int

    @property
    def distance_px(self) -> float:
        """Length of the shift."""
        return float(np.hypot(self.right_px, self.down_px))


def projection_drift(
    episode: Episode, views: Mapping[str, h5py.Dataset | NDArray[np.uint8]], profile: RobotProfile
) -> dict[str, Drift | str]:
    """Measure the drift of every camera.

    Args:
        episode: Joints, gripper, capture times and cameras; its views are not looked at.
        views: Camera name to images (T, H, W, 3) uint8.
        profile: Robot with the shapes of its links.

    Returns:
        Camera name to its drift, or to the reason why it cannot be measured.
    """
    silhouette = Silhouette(profile)
    return {name: _camera_drift(episode, name, frames, silhouette) for name, frames in views.items()}


def _camera_drift(
    episode: Episode, name: str, frames: h5py.Dataset | NDArray[np.uint8], silhouette: Silhouette
) -> Drift | str:
    camera, profile = episode.cameras.get(name), silhouette.profile
    if camera is None:
        return 'it has no calibration'
    if tuple(frames.shape[1:3]) != (camera.model.height_px, camera.model.width_px):
        return 'its calibration is for another image size'
    if camera.parent_link not in {link.name for link in profile.links}:
        return f'it is mounted on {camera.parent_link}, which the profile does not have'
    if silhouette.parts_seen_from(camera.parent_link).carried:
        return 'the arm carries it: the arm does not move in its images'
    surfaces, shown_per_small = _surfaces(episode, name, frames, camera, silhouette)
    if len(surfaces) < FEWEST_PAIRS:
        return 'the arm hardly moves in its images'
    return _best(np.mean(surfaces, axis=0), len(surfaces), shown_per_small, max(frames.shape[1:3]))


def _surfaces(
    episode: Episode,
    name: str,
    frames: h5py.Dataset | NDArray[np.uint8],
    camera: MountedCamera,
    silhouette: Silhouette,
) -> tuple[list[Single], float]:
    """Return the agreement of each pair of images for each shift, and the recorded pixels per compared one."""
    steps = np.unique(np.linspace(0, len(episode) - 1, min(SAMPLES, len(episode))).astype(int))
    greys = [small_grey(frames[int(step)]) for step in steps]
    height, width = greys[0].shape
    small = replace(camera, model=camera.model.resized(width, height))
    posed = [_posed(grey, episode, name, int(step), small, silhouette) for grey, step in zip(greys, steps, strict=True)]
    lags = sorted({max(1, round(lag * len(posed))) for lag in LAGS})
    pairs = [(first, first + lag) for lag in lags for first in range(len(posed) - lag)]
    reach_px = max(round(REACH * max(height, width)), 2)
    agreements = (change_agreement(posed[first], posed[second], reach_px) for first, second in pairs)
    return [each for each in agreements if each is not None], frames.shape[2] / width


def _posed(grey: Grey, episode: Episode, name: str, step: int, camera: MountedCamera, silhouette: Silhouette) -> Posed:
    """Return an image with the silhouette of the arm as it stood when the image was taken, not at the step."""
    taken_s = episode.capture_s[name][step]
    q_rad = np.array([np.interp(taken_s, episode.timestamps_s, joint) for joint in episode.q_rad.T])
    opening = float(np.interp(taken_s, episode.timestamps_s, episode.gripper_open))
    links = silhouette.parts_seen_from(camera.parent_link).moving
    return Posed(grey, silhouette.mask(camera, q_rad, opening, links))


def _best(surface: Single, pairs: int, scale: float, longer_px: int) -> Drift | str:
    """Return the shift of the best agreement, to a part of a pixel."""
    row, column = (int(index) for index in np.unravel_index(int(surface.argmax()), surface.shape))
    fit, reach = float(surface[row, column]), surface.shape[0] // 2
    if fit < LEAST_FIT:
        return 'the arm is not found near where joints and calibration say'
    good = np.argwhere(surface >= AS_GOOD * fit)
    if np.linalg.norm(np.ptp(good, axis=0)) * scale > MOST_UNSURE * longer_px:
        return 'the arm moves too little in its images to say where it is'
    right = column + _vertex(surface[row], column) - reach
    down = row + _vertex(surface[:, column], row) - reach
    return Drift(scale * right, scale * down, fit, pairs)


def _vertex(values: Single, at: int) -> float:
    """Return where, relative to `at`, the parabola through a largest value and its neighbours is highest."""
    if not 0 < at < len(values) - 1:
        return 0.0
    before, here, after = (float(value) for value in values[at - 1 : at + 2])
    bend = before - 2 * here + after
    return 0.5 * (before - after) / bend if bend < 0 else 0.0
