# SPDX-License-Identifier: Apache-2.0
"""The drift pin: how far a camera has moved since its reference picture, by what stands still for it.

For a camera that stands still that is the world without the arm; for one that the arm carries, the hand that carries it,
and the fingers while they are opened as they were.
"""

from dataclasses import dataclass

import numpy as np

from genima.camera_checks.motion import Pattern, PictureMotion
from genima.camera_checks.pictures import SmallSight, made_small, window_px
from genima.camera_checks.reference import Reference
from genima.camera_checks.silhouette import Mask, Silhouette, parts_seen_from

CONTOUR_PX = 3
SAME_OPENING = 0.015
SAME_PX = 0.05


@dataclass(frozen=True, eq=False)
class Scene:
    """What of a picture can be compared.

    Attributes:
        region: (h, w) pixels of the reference.
        hidden: (h, w) pixels of the live picture that show something else.
        fingers: whether the fingers may be compared, for a camera on the hand.
    """

    region: Mask
    hidden: Mask
    fingers: bool


class DriftPin:
    """Measures drift against one reference."""

    def __init__(self, reference: Reference, silhouette: Silhouette) -> None:
        self.reference = reference
        self.small = made_small(reference.sight)
        self._silhouette = silhouette
        self.parts = parts_seen_from(silhouette.profile, reference.sight.camera.parent_link)
        self._around_px = window_px(self.small.grey.shape) // 2 + 2  # from so far the window of `even_light` sees the arm
        self._patterns: dict[bool, Pattern] = {}
        self._regions: dict[bool, Mask] = {}

    def scene(self, q_rad: np.ndarray, gripper_open: float) -> Scene:
        """Return what can be compared with a picture in which the arm is at `q_rad` (n,)."""
        pinned, parts = self.reference.sight, self.parts
        fingers = parts.carried and abs(gripper_open - pinned.gripper_open) < SAME_OPENING
        if fingers not in self._regions:
            self._regions[fingers] = self._region(fingers)
        away = parts.sliding if parts.carried else parts.moving | parts.sliding
        hidden = self._drawn(q_rad, gripper_open, frozenset() if fingers else away, self._around_px)
        return Scene(self._regions[fingers], hidden, fingers)

    def _region(self, fingers: bool) -> Mask:
        """Return which pixels of the reference show what stands still for the camera."""
        (q_rad, opening), parts = (self.reference.sight.q_rad, self.reference.sight.gripper_open), self.parts
        if not parts.carried:
            return 255 - self._drawn(q_rad, opening, parts.moving | parts.sliding, self._around_px)
        if fingers:
            return self._drawn(q_rad, opening, parts.still | parts.sliding, CONTOUR_PX)
        hand = self._drawn(q_rad, opening, parts.still, CONTOUR_PX)
        return hand & (255 - self._drawn(q_rad, opening, parts.sliding, self._around_px))

    def measure(self, live: SmallSight) -> PictureMotion | None:
        """Return how the picture has moved [px of the picture as it came]; None if too little can be seen."""
        scene = self.scene(live.sight.q_rad, live.sight.gripper_open)
        pattern = self._patterns.get(scene.fingers)
        if pattern is None:
            pattern = self._patterns[scene.fingers] = Pattern(self.small.grey, scene.region)
        motion = pattern.motion_to(live.grey, scene.hidden)
        if motion is None:
            return None
        scale = live.scale
        return PictureMotion(
            motion.shift_px * scale, motion.largest_px * scale, motion.turn_rad, motion.zoom, motion.likeness, motion.pixels
        )

    def _drawn(self, q_rad: np.ndarray, gripper_open: float, links: frozenset[str], grow_px: int) -> Mask:
        return self._silhouette.mask(self.small.camera, q_rad, gripper_open, links, grow_px)


def guidance(motion: PictureMotion, width_px: int) -> str:
    """Return in words how to bring a camera back whose picture has moved like this, the largest part first.

    Args:
        motion: of the picture against its reference.
        width_px: of the picture; turn and zoom count as what they move at its edge.
    """
    right_px, down_px = motion.shift_px
    edge_px, turn_deg = width_px / 2, np.rad2deg(motion.turn_rad)
    parts = [
        (abs(right_px), f'turn {"right" if right_px > 0 else "left"}, {abs(right_px):.1f} px'),
        (abs(down_px), f'tilt {"down" if down_px > 0 else "up"}, {abs(down_px):.1f} px'),
        (
            abs(motion.turn_rad) * edge_px,
            f'roll {"clockwise" if turn_deg > 0 else "counter-clockwise"}, {abs(turn_deg):.2f} degrees',
        ),
        (
            abs(motion.zoom - 1) * edge_px,
            f'move {"back" if motion.zoom > 1 else "closer"}, {100 * abs(motion.zoom - 1):.2f} % of the distance',
        ),
    ]
    least_px = max(0.25 * max(size for size, _ in parts), SAME_PX)
    return '; '.join(text for size, text in sorted(parts, reverse=True) if size >= least_px) or 'nothing to do'
