# SPDX-License-Identifier: Apache-2.0
"""How well a painter paints: centres of painted spheres against those of the true target views."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genima.contract.targets import sphere_colors, target_visibility
from genima.painter.door import ViewPainter
from genima.robots.profile import RobotProfile
from genima.spheres.detect import find
from genima.train.samples import Samples, load_samples

MIN_VISIBLE_PX = 8
IMAGES = 200


@dataclass
class Tally:
    """Errors and counts of spheres.

    Attributes:
        errors_px: One for each sphere found in both views.
        missed: Spheres that are visible in the true view and not found in the painted one.
        false: Spheres that were found where none should be.
        absent: Places where none should be.
    """

    errors_px: list[float] = field(default_factory=list)
    missed: int = 0
    false: int = 0
    absent: int = 0

    def figures(self) -> dict[str, float | int | None]:
        """Return percentiles and shares; None where nothing was measured."""
        n = len(self.errors_px) + self.missed
        return {
            'median_px': float(np.median(self.errors_px)) if self.errors_px else None,
            'p90_px': float(np.percentile(self.errors_px, 90)) if self.errors_px else None,
            'missed_share': self.missed / n if n else None,
            'false_share': self.false / self.absent if self.absent else None,
            'n': n,
        }


def measure_painter(
    painter: ViewPainter, profile: RobotProfile, dataset_dir: Path | str, limit: int | None = IMAGES
) -> dict[str, Any]:
    """Paint held-out views and compare spheres, in pixels of a view.

    Args:
        painter: What is measured.
        profile: The robot.
        dataset_dir: Episodes that the painter has not seen.
        limit: Number of moments, spread evenly over all episodes; all if None.

    Returns:
        `median_px`, `p90_px`, `missed_share`, `false_share` and `n` over all spheres of which at least 8 pixels are
        visible, the same `per_sphere` and `per_camera`, and `median_ms` per target image.
    """
    samples = load_samples(dataset_dir, painter.spec, profile)
    count = len(samples) if limit is None else min(limit, len(samples))
    tallies: dict[str, Tally] = defaultdict(Tally)
    times: list[float] = []
    for index in np.unique(np.linspace(0, len(samples) - 1, count).astype(int)):
        painted = painter.paint(samples.views[index], samples.instruction_of(int(index)))
        times.append(painter.last_timing_ms)
        compare(samples, int(index), painted, tallies)
    spec = painter.spec
    return {
        **tallies['all'].figures(),
        'images': len(times),
        'median_ms': float(np.median(times)),
        'per_sphere': {sphere.name: tallies[f'sphere {sphere.name}'].figures() for sphere in spec.spheres},
        'per_camera': {name: tallies[f'camera {name}'].figures() for name in spec.cameras},
    }


def compare(samples: Samples, index: int, painted: NDArray[np.uint8], tallies: Mapping[str, Tally]) -> None:
    """Count the spheres of one painted moment (V, S, S, 3) into tallies 'all', 'sphere <name>' and 'camera <name>'."""
    spec = samples.spec
    true = samples.target_views(index)
    labels = sphere_colors(spec)
    colors = [color for _, color in labels]
    wanted_gripper = f'gripper {"open" if samples.target_open[index] > 0.5 else "closed"}'
    seen = target_visibility(
        spec, samples.profile, samples.cameras_of(index), samples.q_rad[index], samples.target_q_rad[index]
    )
    for view, camera in enumerate(spec.cameras):
        names, visibility = seen[view]
        pixels = dict(zip(names, visibility.pixels, strict=True))
        expected, got = find(true[view], colors), find(painted[view], colors)
        for (label, _), a, b in zip(labels, expected, got, strict=True):
            name = label.split()[0]
            counted = [tallies['all'], tallies[f'sphere {name}'], tallies[f'camera {camera}']]
            shown = pixels.get(name, 0) if ' ' not in label or label == wanted_gripper else 0
            for tally in counted:
                _count(tally, int(shown), a and a.uv_px, b and b.uv_px, bool(b and b.pixels >= MIN_VISIBLE_PX))


def _count(tally: Tally, shown_px: int, true: Any, painted: Any, large: bool) -> None:
    if shown_px >= MIN_VISIBLE_PX and true is not None:
        if painted is None:
            tally.missed += 1
        else:
            tally.errors_px.append(float(np.linalg.norm(painted - true)))
    elif shown_px == 0:
        tally.absent += 1
        tally.false += large
