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
SMALLEST_PX = 48
REACH, FAR = 0.11, 0.45  # largest drift that is looked for, at first and where nothing was found; of the longer side
PAIRS_FAR = 30  # of images, at most: large shifts take long
LEAST_FIT = 0.3
AS_GOOD = 0.97
NOT_FOUND = 'the arm is not found where joints and calibration say, nor anywhere near'
MOST_UNSURE = 0.04  # of the longer side: how far apart shifts may be that agree as well as the best


@dataclass(frozen=True)
class Drift:
    """Of one camera.

    Attributes:
        right_px: How far right of where it should be the arm is seen, [px of the recorded image]; `down_px` likewise.
        fit: How well prediction and images agree at that shift, 0 to 1.
        pairs: Of images that were compared.
        at_border: Whether it may be larger: no larger one was looked for, or found.
    """

    right_px: float
    down_px: float
    fit: float
    pairs: int
    at_border: bool = False

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
    if min(frames.shape[1:3]) < SMALLEST_PX:
        return f'its images are smaller than {SMALLEST_PX} px'
    if camera.parent_link not in {link.name for link in profile.links}:
        return f'it is mounted on {camera.parent_link}, which the profile does not have'
    if silhouette.parts_seen_from(camera.parent_link).carried:
        return 'the arm carries it: the arm does not move in its images'
    posed = _all_posed(episode, name, frames, camera, silhouette)
    scale = frames.shape[2] / posed[0].grey.shape[1]
    near, far = _search(posed, REACH, scale), None
    if isinstance(near, str) or near.at_border:
        far = _search(posed, FAR, scale)
    return far if isinstance(far, Drift) else near


def _all_posed(
    episode: Episode,
    name: str,
    frames: h5py.Dataset | NDArray[np.uint8],
    camera: MountedCamera,
    silhouette: Silhouette,
) -> list[Posed]:
    """Return some images of an episode, made small, and the silhouettes in them."""
    steps = np.unique(np.linspace(0, len(episode) - 1, min(SAMPLES, len(episode))).astype(int))
    greys = [small_grey(frames[int(step)]) for step in steps]
    height, width = greys[0].shape
    small = replace(camera, model=camera.model.resized(width, height))
    return [_posed(grey, episode, name, int(step), small, silhouette) for grey, step in zip(greys, steps, strict=True)]


def _search(posed: list[Posed], reach: float, scale: float) -> Drift | str:
    """Return the drift of a camera if it is at most a share `reach` of the longer side, or why it cannot be said."""
    lags = sorted({max(1, round(lag * len(posed))) for lag in LAGS})
    pairs = [(posed[first], posed[first + lag]) for lag in lags for first in range(len(posed) - lag)]
    longer_px, far = max(posed[0].grey.shape), reach > REACH
    if far:
        pairs = pairs[:: max(1, -(-len(pairs) // PAIRS_FAR))]
    reach_px = max(round(reach * longer_px), 2)
    agreements = (change_agreement(first, second, reach_px, padded=far) for first, second in pairs)
    surfaces = [each for each in agreements if each is not None]
    if len(surfaces) < FEWEST_PAIRS:
        return 'the arm hardly moves in its images'
    return _best(np.mean(surfaces, axis=0), len(surfaces), scale, MOST_UNSURE * longer_px)


def _posed(grey: Grey, episode: Episode, name: str, step: int, camera: MountedCamera, silhouette: Silhouette) -> Posed:
    """Return an image with the silhouette of the arm as it stood when the image was taken, not at the step."""
    taken_s = episode.capture_s[name][step]
    q_rad = np.array([np.interp(taken_s, episode.timestamps_s, joint) for joint in episode.q_rad.T])
    opening = float(np.interp(taken_s, episode.timestamps_s, episode.gripper_open))
    links = silhouette.parts_seen_from(camera.parent_link).moving
    return Posed(grey, silhouette.mask(camera, q_rad, opening, links))


def _best(surface: Single, pairs: int, scale: float, most_unsure_px: float) -> Drift | str:
    """Return the shift of the best agreement, to a part of a pixel."""
    row, column = (int(index) for index in np.unravel_index(int(surface.argmax()), surface.shape))
    fit, reach = float(surface[row, column]), surface.shape[0] // 2
    if fit < LEAST_FIT:
        return NOT_FOUND
    good = np.argwhere(surface >= AS_GOOD * fit)
    if np.linalg.norm(np.ptp(good, axis=0)) > most_unsure_px:
        away_px = np.linalg.norm(good - reach, axis=1)
        if away_px.min() <= most_unsure_px:
            return 'the arm moves too little in its images to say where it is'
        row, column = (int(index) for index in good[int(away_px.argmin())])  # it has drifted at least so far
    right = column + _vertex(surface[row], column) - reach
    down = row + _vertex(surface[:, column], row) - reach
    at_border = max(abs(row - reach), abs(column - reach)) == reach
    return Drift(scale * right, scale * down, fit, pairs, at_border)


def _vertex(values: Single, at: int) -> float:
    """Return where, relative to `at`, the parabola through a largest value and its neighbours is highest."""
    if not 0 < at < len(values) - 1:
        return 0.0
    before, here, after = (float(value) for value in values[at - 1 : at + 2])
    bend = before - 2 * here + after
    return 0.5 * (before - after) / bend if bend < 0 else 0.0
