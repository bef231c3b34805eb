# SPDX-License-Identifier: Apache-2.0
"""Do the pictures of an episode show something, does it change, and does it fit the calibration?"""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import cv2
import h5py
import numpy as np

from genima.cameras.model import MountedCamera
from genima.guard.target_watch import FROZEN_RAD, FROZEN_S
from genima.quality.findings import Finding

THUMBNAIL_PX = 16
_BLACK = 16
_BLANK = 1.0


@dataclass(frozen=True, eq=False)
class Look:
    """What one camera showed: (T,) whether all is black, all is of one colour; (T,) a hash; the mean picture, small."""

    black: np.ndarray
    blank: np.ndarray
    fingerprints: np.ndarray
    mean: np.ndarray


class Looker:
    """Looks at the frames of one camera one by one."""

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self._black: list[bool] = []
        self._blank: list[bool] = []
        self._fingerprints: list[int] = []
        self._total = np.zeros((THUMBNAIL_PX, THUMBNAIL_PX, 3))

    def add(self, frame: np.ndarray) -> None:
        """Take a frame (H, W, 3) uint8."""
        frame = np.ascontiguousarray(frame)
        small = cv2.resize(frame, (THUMBNAIL_PX, THUMBNAIL_PX), interpolation=cv2.INTER_AREA)
        black = bool(frame.max() < _BLACK)
        self._black.append(black)
        self._blank.append(not black and bool(np.ptp(small.reshape(-1, 3).astype(float), axis=0).max() < _BLANK))
        self._fingerprints.append(zlib.crc32(frame.data))
        self._total += small

    def look(self) -> Look:
        """Return what was seen."""
        count = max(len(self._black), 1)
        return Look(np.array(self._black), np.array(self._blank), np.array(self._fingerprints), self._total / count)


def look(frames: h5py.Dataset | np.ndarray) -> Look:
    """Go through the frames (T, H, W, 3) uint8 of a camera."""
    looker = Looker()
    for step in range(len(frames)):
        looker.add(frames[step])
    return looker.look()


def check_look(seen: Look, camera: str, times_s: np.ndarray, q_rad: np.ndarray, where: str) -> Iterator[Finding]:
    """Yield whether a camera was black, blank or frozen; `times_s` (T,) and `q_rad` (T, n) are those of its steps."""
    steps = len(times_s)
    for code, marks, what in (('image-black', seen.black, 'black'), ('image-blank', seen.blank, 'of one colour')):
        if marks.any():
            yield Finding(code, where, f'{marks.sum()} of {steps} pictures of {camera} are {what}')
    stuck = [
        (first, last)
        for first, last in _runs(seen.fingerprints)
        if not seen.black[first] and not seen.blank[first]
        and times_s[last] - times_s[first] > FROZEN_S and np.ptp(q_rad[first : last + 1], axis=0).max() > FROZEN_RAD
    ]  # fmt: skip
    if stuck:
        first, last = max(stuck, key=lambda run: times_s[run[1]] - times_s[run[0]])
        travel_rad = float(np.ptp(q_rad[first : last + 1], axis=0).max())
        text = (
            f'{camera} repeats one picture in {len(stuck)} stretches, the longest of {times_s[last] - times_s[first]:.2f} s '
            f'from step {first}, while the arm moved {travel_rad:.2f} rad'
        )
        yield Finding('image-frozen', where, text)


def check_calibration(
    shapes: Mapping[str, tuple[int, ...]], cameras: Mapping[str, MountedCamera], where: str
) -> Iterator[Finding]:
    """Yield cameras without pictures, pictures without calibration, and sizes that differ; `shapes` are (T, H, W, 3)."""
    for name in sorted(set(cameras) - set(shapes)):
        yield Finding('camera-missing', where, f'there is a calibration of {name} and no picture')
    for name in sorted(set(shapes) - set(cameras)):
        yield Finding('calibration-missing', where, f'there are pictures of {name} and no calibration')
    if not shapes:
        yield Finding('camera-missing', where, 'there are no pictures at all')
    for name in sorted(set(shapes) & set(cameras)):
        height, width = shapes[name][1:3]
        model = cameras[name].model
        if (model.width_px, model.height_px) != (width, height):
            text = f'{name} sends {width}x{height}, its calibration is for {model.width_px}x{model.height_px}'
            yield Finding('image-size', where, text)


def _runs(values: np.ndarray) -> list[tuple[int, int]]:
    """Return the first and the last index of each run of equal values."""
    edges = np.flatnonzero(np.diff(values))
    firsts, lasts = np.concatenate([[0], edges + 1]), np.concatenate([edges, [len(values) - 1]])
    return [(int(first), int(last)) for first, last in zip(firsts, lasts, strict=True)] if len(values) else []
