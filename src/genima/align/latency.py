# SPDX-License-Identifier: Apache-2.0
"""How late a camera's stamps are, from the motion of the arm alone: the delay with which the picture moves as it should.

Features are followed from frame to frame; forward kinematics and the calibration say how far each should have gone,
had its two frames been taken a delay before their stamps. The delay that fits best is the camera's latency, relative
to the stamps of the joints, which is what alignment needs.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from genima.align.joints import JointTrack
from genima.align.motion import Features, Watcher
from genima.borders.texts import read_json
from genima.cameras.model import MountedCamera
from genima.errors import DatasetError
from genima.robots.profile import RobotProfile

Floats = NDArray[np.float64]
Grey = NDArray[np.uint8]

MAX_SIDE_PX = 320  # larger pictures are made smaller: the motion is as clear, and the work less
COARSE_S, FINE_S, FINE_STEPS = 0.02, 0.005, 5
SEGMENT_S = 1.0
LEAST_SEGMENTS = 4
REPLICATES = 500
SCALE_PX = 0.2  # a feature that is off by so much counts half
LEAST_FEATURES = 200
LEAST_MOTION_PX = 0.2
LEAST_FIT = 0.6
MOST_UNCERTAIN_S = 0.01


@dataclass(frozen=True)
class Latency:
    """The latency of one camera.

    Attributes:
        offset_s: what to take off its stamps [s].
        uncertainty_s: standard deviation of the offset, by bootstrap over segments of one second [s].
        fit: correlation of expected and seen motion at this offset; 1 is perfect.
        motion_px: root mean square of how far features went between two frames.
        features: how many were followed.
        watched: 'arm', or 'background' if the arm carries the camera.
        doubt: why the figure cannot be relied on; empty if it can.
    """

    offset_s: float
    uncertainty_s: float
    fit: float
    motion_px: float
    features: int
    watched: str
    doubt: str


def read_offsets(path: Path | str) -> dict[str, float]:
    """Return camera to latency [s] from a file that `genima latency --json` wrote.

    Raises:
        DatasetError: if it cannot be read as one.
    """
    try:
        values = read_json(path)['offsets_s']
        return {str(camera): float(offset_s) for camera, offset_s in values.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f'{path} holds no latencies ({error!r}); make it with `genima latency --json {path}`') from error


def small_grey(pixels: NDArray[np.uint8]) -> Grey:
    """Return an RGB picture (H, W, 3) as a grey one that is large enough for `estimate`."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    scale = MAX_SIDE_PX / max(grey.shape)
    if scale < 1.0:
        size = round(grey.shape[1] * scale), round(grey.shape[0] * scale)
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return np.asarray(grey, dtype=np.uint8)


def estimate(
    camera: MountedCamera,
    profile: RobotProfile,
    joints: JointTrack,
    stamps_s: Floats,
    frames: Grey,
    search_s: tuple[float, float] = (-0.1, 0.25),
) -> Latency:
    """Estimate the latency of a camera from a recording in which the arm moves.

    Args:
        camera: its intrinsics and mounting.
        profile: the robot.
        joints: measured joints.
        stamps_s: (T,) stamps of the frames, ascending [s].
        frames: (T, H, W) grey pictures, as large as the calibration says or made smaller.
        search_s: smallest and largest latency that is tried [s].

    Raises:
        DatasetError: if there are too few frames with joints around them.
    """
    begin_s, end_s = joints.span_s(profile.arm_joints)
    margin_s = FINE_S * FINE_STEPS
    usable = (stamps_s - search_s[1] - margin_s >= begin_s) & (stamps_s - search_s[0] + margin_s <= end_s)
    stamps_s, frames = stamps_s[usable], frames[usable]
    if len(stamps_s) < 2 or stamps_s[-1] - stamps_s[0] < LEAST_SEGMENTS * SEGMENT_S:
        raise DatasetError(
            f'camera {camera.model.name!r}: {len(stamps_s)} frames with joints around them are too few to tell its'
            f' latency; record {LEAST_SEGMENTS * SEGMENT_S + search_s[1] - search_s[0] + 1:.0f} s of motion or more'
        )
    model = camera.model.resized(frames.shape[2], frames.shape[1])
    watcher = Watcher(replace(camera, model=model), profile, joints)
    features = watcher.follow(stamps_s, frames)
    delays_s, costs = _search(watcher, features, stamps_s, search_s)
    result = _result(watcher, features, stamps_s, float(_lowest(delays_s, costs.sum(axis=0))))
    result = replace(result, uncertainty_s=_uncertainty_s(delays_s, costs, stamps_s))
    return replace(result, doubt=_doubt(result, search_s))


def _result(watcher: Watcher, features: Features, stamps_s: Floats, offset_s: float) -> Latency:
    """Return how well an offset fits; uncertainty and doubt are still open."""
    expected_px = watcher.expected_px(features, stamps_s - offset_s)
    known = np.isfinite(expected_px).all(axis=1)
    expected_px, moved_px = expected_px[known], features.moved_px[known]
    norm = np.sqrt((expected_px**2).sum() * (moved_px**2).sum())
    return Latency(
        offset_s=offset_s,
        uncertainty_s=np.inf,
        fit=float((expected_px * moved_px).sum() / norm) if norm else 0.0,
        motion_px=float(np.sqrt((moved_px**2).sum(axis=1).mean())) if len(moved_px) else 0.0,
        features=len(moved_px),
        watched='background' if watcher.carried else 'arm',
        doubt='',
    )


def _search(watcher: Watcher, features: Features, stamps_s: Floats, search_s: tuple[float, float]) -> tuple[Floats, Floats]:
    """Return delays (D,) around the best one [s], and how badly each fits each pair of frames, (P, D)."""
    coarse_s = np.arange(search_s[0], search_s[1] + COARSE_S / 2, COARSE_S)
    total = [_cost(watcher, features, stamps_s, delay_s).sum() for delay_s in coarse_s]
    fine_s = coarse_s[int(np.argmin(total))] + FINE_S * np.arange(-FINE_STEPS, FINE_STEPS + 1)
    return fine_s, np.stack([_cost(watcher, features, stamps_s, delay_s) for delay_s in fine_s], axis=1)


def _cost(watcher: Watcher, features: Features, stamps_s: Floats, delay_s: float) -> Floats:
    """Return how badly a delay fits each pair of frames (P,): what is far off counts 1, whatever the reason.

    Geman and McClure 1987: some features are on things that nobody knows of, or were followed wrongly.
    """
    error_px = watcher.expected_px(features, stamps_s - delay_s) - features.moved_px
    squared = np.nan_to_num((error_px**2).sum(axis=1), nan=1e12)
    misfit = squared / (squared + SCALE_PX**2)
    return np.bincount(features.pair, misfit, minlength=len(stamps_s) - 1).astype(np.float64)


def _lowest(delays_s: Floats, costs: Floats) -> Floats:
    """Return where parabolas through the lowest points of curves (..., D) and their neighbours are lowest (...)."""
    at = np.clip(costs.argmin(axis=-1), 1, len(delays_s) - 2)
    before, here, after = (np.take_along_axis(costs, (at + k)[..., None], axis=-1)[..., 0] for k in (-1, 0, 1))
    bend = before - 2 * here + after
    shift = np.where(bend > 0, 0.5 * (before - after) / np.where(bend > 0, bend, 1.0), 0.0)
    return np.asarray(delays_s[at] + np.clip(shift, -1.0, 1.0) * (delays_s[1] - delays_s[0]), dtype=np.float64)


def _uncertainty_s(delays_s: Floats, costs: Floats, stamps_s: Floats) -> float:
    """Return the standard deviation of the best delay over segments drawn with replacement (Efron 1979) [s]."""
    segment = ((stamps_s[:-1] - stamps_s[0]) / SEGMENT_S).astype(int)
    sums = np.zeros((segment.max() + 1, len(delays_s)))
    np.add.at(sums, segment, costs)
    drawn = np.random.default_rng(0).integers(len(sums), size=(REPLICATES, len(sums)))
    return float(_lowest(delays_s, sums[drawn].sum(axis=1)).std())


def _doubt(result: Latency, search_s: tuple[float, float]) -> str:
    """Return why a result cannot be relied on; empty if it can."""
    if result.features < LEAST_FEATURES:
        return f'only {result.features} features of the {result.watched} were seen, {LEAST_FEATURES} are needed'
    if result.motion_px < LEAST_MOTION_PX:
        return f'the {result.watched} moves by {result.motion_px:.2f} pixels per frame only; move the arm faster'
    if result.fit < LEAST_FIT:
        return f'the {result.watched} does not move as expected (fit {result.fit:.2f}); is the calibration right?'
    if not search_s[0] < result.offset_s < search_s[1]:
        return f'the best latency lies at the end of what was searched, {search_s[0]:g} to {search_s[1]:g} s'
    if result.uncertainty_s > MOST_UNCERTAIN_S:
        return f'it is uncertain by {1e3 * result.uncertainty_s:.0f} ms; record more motion'
    return ''
