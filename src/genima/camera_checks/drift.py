# SPDX-License-Identifier: Apache-2.0
"""The drift pin: how far a camera has moved since its reference picture, by what stands still for it.

For a camera that stands still that is the world without the arm; for one that the arm carries, the hand that carries it
and the fingers. How they look after they have moved, with what they may hold now, is learned from a picture shortly after
one that was right, and forgotten when they move on; until then nothing is compared.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from genima.camera_checks.motion import Pattern, PictureMotion
from genima.camera_checks.pictures import Grey, SmallSight, made_small, window_px
from genima.camera_checks.reference import Reference
from genima.camera_checks.silhouette import Mask, Silhouette

CONTOUR_PX = 3
SAME_OPENING, AT_REST = 0.015, 0.005
LEARN_WITHIN_S = 4.0  # after a picture that was right
LEAST_LIKENESS = 0.4
SAME_PX = 0.05


@dataclass(frozen=True, eq=False)
class View:
    """A picture that others are compared with.

    Attributes:
        opening: of the gripper.
        grey: (h, w) the picture.
        region: (h, w) which of its pixels may be compared.
    """

    opening: float
    grey: Grey
    region: Mask

    @cached_property
    def pattern(self) -> Pattern:
        """Its pixels that tell motion well."""
        return Pattern(self.grey, self.region)


@dataclass(frozen=True, eq=False)
class Scene:
    """What a live picture is compared with.

    Attributes:
        view: the picture from before.
        hidden: (h, w) pixels of the live picture that show something else.
    """

    view: View
    hidden: Mask


class DriftPin:
    """Measures drift against one reference."""

    def __init__(self, reference: Reference, silhouette: Silhouette) -> None:
        self.reference = reference
        self.small = made_small(reference.sight)
        self._silhouette = silhouette
        self.parts = silhouette.parts_seen_from(reference.sight.camera.parent_link)
        self._around_px = window_px(self.small.grey.shape) // 2 + 2  # from so far the window of `even_light` sees the arm
        self._at_reference = self._view(self.small)
        self._of_grasp: View | None = None
        self._right_s, self._opening = reference.sight.stamp_s, reference.sight.gripper_open

    def scene(self, q_rad: np.ndarray, gripper_open: float) -> Scene | None:
        """Return what a picture is compared with in which the arm is at `q_rad` (n,); None if that is not known."""
        if not self.parts.carried:
            away = self.parts.moving | self.parts.sliding
            return Scene(self._at_reference, self._drawn(q_rad, gripper_open, away, self._around_px))
        for view in (self._at_reference, self._of_grasp):
            if view is not None and abs(view.opening - gripper_open) < SAME_OPENING:
                return Scene(view, np.zeros_like(view.region))
        return None

    def measure(self, live: SmallSight, allowed_px: float) -> PictureMotion | None:
        """Return how the picture has moved; None if too little can be compared.

        Args:
            live: the picture.
            allowed_px: what is still right [px of the picture as it came, as is the result].
        """
        scene = self.scene(live.sight.q_rad, live.sight.gripper_open)
        motion = scene.view.pattern.motion_to(live.grey, scene.hidden) if scene else None
        if motion is not None:
            motion = motion.scaled(live.scale)
            if motion.largest_px <= allowed_px and motion.likeness >= LEAST_LIKENESS:
                self._right_s = live.sight.stamp_s
        if scene is None or scene.view is self._at_reference:
            self._of_grasp = None
        if scene is None:
            self._learn(live)
        self._opening = live.sight.gripper_open
        return motion

    def _learn(self, live: SmallSight) -> None:
        """Take a picture as how the fingers look now, if the camera was right just before and the fingers rest."""
        age_s, opening = live.sight.stamp_s - self._right_s, live.sight.gripper_open
        if 0 <= age_s <= LEARN_WITHIN_S and abs(opening - self._opening) < AT_REST:
            self._of_grasp = self._view(live)

    def _view(self, small: SmallSight) -> View:
        """Return a picture with all that stands still for the camera in it."""
        (q_rad, opening), parts = (small.sight.q_rad, small.sight.gripper_open), self.parts
        if parts.carried:
            region = self._drawn(q_rad, opening, parts.still | parts.sliding, CONTOUR_PX)
        else:
            region = 255 - self._drawn(q_rad, opening, parts.moving | parts.sliding, self._around_px)
        return View(opening, small.grey, region)

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
