# SPDX-License-Identifier: Apache-2.0
"""How well what is seen agrees with what is expected, for every small shift of the image."""

from dataclasses import dataclass

import cv2
import numpy as np

from genima.camera_checks.pictures import Grey, Single
from genima.camera_checks.silhouette import Mask

LEAST_CHANGE = 0.004  # share of the image that must have changed
CHANGE_GREY = 14.0  # grey levels: less is noise, or light
LEAST_OUTSIDE = 0.1  # share of the image that must show no arm: the light is compared there
INSIDE_PX = 2


@dataclass(frozen=True, eq=False)
class Posed:
    """An image (H, W) in grey, and the silhouette (H, W) of the arm as joints and calibration have it at that time."""

    grey: Grey
    mask: Mask


def share(first: Mask, second: Mask) -> float:
    """Return the share of the pixels in which two silhouettes differ."""
    return float(np.mean((first ^ second) > 0))


def change_agreement(first: Posed, second: Posed, reach_px: int, padded: bool = False) -> Single | None:
    """Compare what changed between two images with where the arm was in only one of them.

    Args:
        first: An image of a camera that stands still, and `second` another of the same size.
        reach_px: Largest shift that is tried.
        padded: As of `agreement`.

    Returns:
        As `agreement`; None where the arm moved too little, or fills the image.
    """
    outside = (first.mask | second.mask) == 0
    if share(first.mask, second.mask) < LEAST_CHANGE or outside.mean() < LEAST_OUTSIDE:
        return None
    before, after = first.grey.astype(np.float32), second.grey.astype(np.float32)
    gain = float(np.median(after[outside] / np.maximum(before[outside], 1.0)))
    change = np.clip(np.abs(after - gain * before) / CHANGE_GREY - 1.0, 0.0, 1.0)
    expected = ((first.mask ^ second.mask) > 0).astype(np.float32)
    inside = cv2.erode(first.mask & second.mask, np.ones((2 * INSIDE_PX + 1,) * 2, dtype=np.uint8))
    return agreement(change.astype(np.float32), expected, (inside == 0).astype(np.float32), reach_px, padded)


def agreement(seen: Single, expected: Single, counts: Single, reach_px: int, padded: bool = False) -> Single | None:
    """Return the correlation, 0 to 1, of two images (H, W) for each shift of what is seen; None where one is empty.

    Args:
        seen: What the image shows.
        expected: What it should show.
        counts: Weight of each pixel of `expected`.
        reach_px: Largest shift that is tried.
        padded: Take nothing to be seen beyond the border, and compare all that is expected; else only what lies so far
            inside that it is in the image at every shift, which is more exact, but leaves little at large shifts.

    Returns:
        (2 reach + 1, 2 reach + 1): rows are shifts down, columns shifts to the right, from -reach to +reach.
    """
    inner = (slice(None),) * 2 if padded else (slice(reach_px, -reach_px),) * 2
    if not expected[inner].any() or not seen.any():
        return None
    template, mask = np.ascontiguousarray(expected[inner]), np.ascontiguousarray(counts[inner])
    if padded:
        seen = np.pad(seen, reach_px)
    surface = cv2.matchTemplate(seen, template, cv2.TM_CCORR_NORMED, mask=mask)
    return np.asarray(np.nan_to_num(surface, posinf=0.0, neginf=0.0), dtype=np.float32)
