# SPDX-License-Identifier: Apache-2.0
"""The projection self-check: is the arm in the picture where the joints and the live calibration say?

For a camera that stands still, what changed between two pictures is held against what the silhouettes of the two poses say
must have changed. For a camera on the arm, edges that stay while the arm moves are held against the outline of what
is fixed to the camera. The shift at which they agree best is the error. Where a picture says nothing across an edge, the
smallest shift that agrees as well counts.
"""

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np

from genima.camera_checks.agreement import LEAST_CHANGE, Posed, agreement, change_agreement, share
from genima.camera_checks.drift import SAME_OPENING, DriftPin
from genima.camera_checks.pictures import Single, SmallSight
from genima.camera_checks.silhouette import Silhouette

MEMORY = 6  # pictures
REACH = 0.08  # largest error that is measured, as a share of the picture's longer side
FORGET = 0.8
ENOUGH = 3  # pairs
LEAST_FIT = 0.25
AS_GOOD = 0.97
LEAST_TRAVEL_RAD = 0.08
STRONG_EDGE_GREY = 40.0


@dataclass(frozen=True, eq=False)
class _Memory:
    small: SmallSight
    posed: Posed


class ProjectionCheck:
    """Collects evidence on one camera.

    Attributes:
        error_px: how far the arm is from where it should be [px of the picture as it came]; infinite where it is not
            found at all, NaN while nothing is known.
        fit: how well prediction and picture agree at that shift, 0 to 1.
    """

    def __init__(self, silhouette: Silhouette) -> None:
        self._silhouette = silhouette
        self.forget()

    def forget(self) -> None:
        """Begin anew, for another calibration for example."""
        self._memory: deque[_Memory] = deque(maxlen=MEMORY)
        self._pin: tuple[DriftPin, _Memory] | None = None
        self._surface: Single | None = None
        self._weight, self._pairs = 0.0, 0
        self.error_px, self.fit = float('nan'), float('nan')

    def observe(self, live: SmallSight, pin: DriftPin | None = None) -> None:
        """Take a picture, and the reference of its camera where there is one."""
        parts = self._silhouette.parts_seen_from(live.camera.parent_link)
        links = parts.still | parts.sliding if parts.carried else parts.moving
        new = self._remembered(live, links)
        if parts.carried:
            self._weigh_edges(new)
        else:
            partners = [self._pinned(pin, links)] if pin is not None else []
            posed = new.posed.mask
            earlier = next((each for each in reversed(self._memory) if share(each.posed.mask, posed) >= LEAST_CHANGE), None)
            for partner in (*partners, earlier):
                if partner is not None and partner.small.grey.shape == live.grey.shape:
                    self._add(change_agreement(partner.posed, new.posed, _reach_px(live.grey)))
        self._memory.append(new)
        self._judge(live)

    def _pinned(self, pin: DriftPin, links: frozenset[str]) -> _Memory:
        if self._pin is None or self._pin[0] is not pin:
            self._pin = pin, self._remembered(pin.small, links)
        return self._pin[1]

    def _remembered(self, small: SmallSight, links: frozenset[str]) -> _Memory:
        sight = small.sight
        mask = self._silhouette.mask(small.camera, sight.q_rad, sight.gripper_open, links)
        return _Memory(small, Posed(small.grey, mask))

    def _weigh_edges(self, new: _Memory) -> None:
        """Compare edges that stayed while the arm moved with the outline of what is fixed to the camera."""
        memory = [*self._memory, new]
        q_rad = np.stack([each.small.sight.q_rad for each in memory])
        opening = [each.small.sight.gripper_open for each in memory]
        if len(memory) <= MEMORY // 2 or np.ptp(q_rad, axis=0).max() < LEAST_TRAVEL_RAD or np.ptp(opening) > SAME_OPENING:
            return
        strength = np.stack([_edges(each.small.grey) for each in memory]).min(axis=0)
        outline = cv2.morphologyEx(new.posed.mask, cv2.MORPH_GRADIENT, np.ones((3, 3), dtype=np.uint8))
        if (outline > 0).mean() >= LEAST_CHANGE / 4:
            everywhere = np.ones(outline.shape, dtype=np.float32)
            self._add(agreement(strength, (outline > 0).astype(np.float32), everywhere, _reach_px(outline)))

    def _add(self, surface: Single | None) -> None:
        """Add the agreement of what is seen with what is expected, for each shift, where there is one."""
        if surface is None:
            return
        before = self._surface
        if before is None or before.shape != surface.shape:
            before, self._weight, self._pairs = np.zeros(surface.shape, dtype=np.float32), 0.0, 0
        self._surface = np.asarray(FORGET * before + surface, dtype=np.float32)
        self._weight = FORGET * self._weight + 1.0
        self._pairs += 1

    def _judge(self, live: SmallSight) -> None:
        if self._surface is None or self._pairs < ENOUGH:
            return
        surface = self._surface / self._weight
        self.fit = float(surface.max())
        rows, columns = np.nonzero(surface >= AS_GOOD * self.fit)
        reach = surface.shape[0] // 2
        distance_px = float(np.hypot(rows - reach, columns - reach).min())
        self.error_px = distance_px * live.scale if self.fit >= LEAST_FIT else float('inf')


def _reach_px(image: np.ndarray) -> int:
    return max(round(REACH * max(image.shape)), 2)


def _edges(grey: np.ndarray) -> Single:
    values = grey.astype(np.float32)
    across, down = cv2.Sobel(values, cv2.CV_32F, 1, 0, scale=0.25), cv2.Sobel(values, cv2.CV_32F, 0, 1, scale=0.25)
    return np.asarray(np.minimum(np.hypot(across, down) / STRONG_EDGE_GREY, 1.0), dtype=np.float32)
