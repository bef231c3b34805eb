# SPDX-License-Identifier: Apache-2.0
"""Is a picture of the camera that it says, and the right way up? It is held against every camera's reference."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from genima.camera_checks.drift import DriftPin
from genima.camera_checks.pictures import Grey, Single, even_light

SIDE_PX = 64  # of the pictures that are compared
LEAST_SHARE = 0.04  # less of a picture says nothing
CLEARLY = 0.15
LEAST_LIKENESS = 0.6


@dataclass(frozen=True)
class Likeness:
    """How much a picture is like a camera's reference.

    Attributes:
        camera: of the reference.
        turned_deg: how far the picture is turned clockwise against it: 0, 90, 180 or 270.
        value: correlation; 1 is perfect.
    """

    camera: str
    turned_deg: int
    value: float


def likenesses(grey: Grey, pins: Mapping[str, DriftPin], q_rad: np.ndarray, gripper_open: float) -> list[Likeness]:
    """Return how much a small grey picture is like each reference, each way up, the most alike first.

    The arm is left out where each camera would see it.
    """
    found = []
    live = _thumb(grey)
    for name, pin in pins.items():
        scene = pin.scene(q_rad, gripper_open)
        if scene is None:
            continue
        reference = _thumb(scene.view.grey)
        size = reference.shape[1], reference.shape[0]
        usable = cv2.resize(scene.view.region & (255 - scene.hidden), size, interpolation=cv2.INTER_AREA) > 127
        if usable.mean() < LEAST_SHARE:
            continue
        for quarter in range(4):
            upright = np.rot90(live, quarter)  # counter-clockwise: takes a clockwise turn back
            if upright.shape == reference.shape:
                value = _correlation(even_light(upright)[usable], even_light(reference)[usable])
                found.append(Likeness(name, 90 * quarter, value))
    return sorted(found, key=lambda each: -each.value)


def mistaken(camera: str, found: list[Likeness]) -> str | None:
    """Return what a picture of `camera` seems to be instead, in words; None if it seems to be what it says."""
    own = max((each.value for each in found if each.camera == camera and each.turned_deg == 0), default=-1.0)
    best = found[0] if found else None
    if best is None or best.value < max(own + CLEARLY, LEAST_LIKENESS):
        return None
    numbers = f'likeness {best.value:.2f}, its own {max(own, 0.0):.2f}'
    if best.camera == camera:
        return f'the picture is turned by {best.turned_deg} degrees clockwise ({numbers}): mount or rotate it as it was'
    turned = f', turned by {best.turned_deg} degrees' if best.turned_deg else ''
    return f'the picture looks like that of camera {best.camera}{turned} ({numbers}): are the cables or topics swapped?'


def _thumb(grey: Grey) -> Single:
    scale = SIDE_PX / max(grey.shape)
    size = max(round(grey.shape[1] * scale), 1), max(round(grey.shape[0] * scale), 1)
    return np.asarray(cv2.resize(grey.astype(np.float32), size, interpolation=cv2.INTER_AREA), dtype=np.float32)


def _correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    norm = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / norm if norm > 0 else 0.0
