# SPDX-License-Identifier: Apache-2.0
"""The spheres of a contract found in a painted view, and which of its two colours a gripper sphere has."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genima.contract.spec import PolicySpec
from genima.spheres.detect import find

MIN_PIXELS = 8


@dataclass(frozen=True, eq=False)
class Sighting:
    """One sphere in one view.

    Attributes:
        uv_px: (2,) centroid of its pixels.
        pixels: How many show it.
        is_open: What the colour of a gripper sphere says; None for the others.
    """

    uv_px: NDArray[np.float64]
    pixels: float
    is_open: bool | None = None


def find_spheres(spec: PolicySpec, view: NDArray[np.uint8]) -> dict[str, Sighting | None]:
    """Return what a view (S, S, 3) shows of each sphere; of a gripper sphere's two colours the one that shows more of it."""
    wanted = [(sphere, opening) for sphere in spec.spheres for opening in ((0.0, 1.0) if sphere.is_gripper else (1.0,))]
    best: dict[str, Sighting | None] = {sphere.name: None for sphere in spec.spheres}
    colors = [sphere.color(opening) for sphere, opening in wanted]
    for (sphere, opening), found in zip(wanted, find(view, colors, MIN_PIXELS), strict=True):
        known = best[sphere.name]
        if found is not None and (known is None or found.pixels > known.pixels):
            best[sphere.name] = Sighting(found.uv_px, found.pixels, opening > 0.5 if sphere.is_gripper else None)
    return best
