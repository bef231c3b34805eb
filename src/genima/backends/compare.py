# SPDX-License-Identifier: Apache-2.0
"""How far what a back end says is from what torch says."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from genima.contract.spec import PolicySpec
from genima.contract.targets import sphere_colors
from genima.spheres.detect import find


def difference(expected: Sequence[Tensor], got: Sequence[Tensor]) -> float:
    """Return the largest difference of any output, as a fraction of the range of its values; infinite for NaN."""
    worst = 0.0
    for one, other in zip(expected, got, strict=True):
        if one.shape != other.shape:
            return float('inf')
        share = float((one - other).abs().max() / (one.max() - one.min()).clamp(min=1e-12))
        worst = max(worst, share if np.isfinite(share) else float('inf'))
    return worst


def psnr_db(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Return the peak signal-to-noise ratio of two images; at most 99 where hardly a pixel differs."""
    mean_square = float(np.mean((one.astype(np.float64) - other) ** 2))
    return min(99.0, 10 * np.log10(255**2 / mean_square)) if mean_square else 99.0


def center_shifts_px(spec: PolicySpec, one: NDArray[np.uint8], other: NDArray[np.uint8]) -> list[float]:
    """Return how far apart the centres are of each sphere that is found in both of two sets of views (V, S, S, 3)."""
    colors = [color for _, color in sphere_colors(spec)]
    pairs = [pair for a, b in zip(one, other, strict=True) for pair in zip(find(a, colors), find(b, colors), strict=True)]
    return [float(np.linalg.norm(a.uv_px - b.uv_px)) for a, b in pairs if a is not None and b is not None]
