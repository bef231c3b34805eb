# SPDX-License-Identifier: Apache-2.0
"""Spheres that jump from picture to picture, where an arm could not."""

from collections.abc import Sequence

import numpy as np

from genima.failures.evidence import Evidence
from genima.failures.finding import Finding
from genima.failures.moments import Moment

NAME = 'jitter'
LIMIT_MM = 18.0  # the shipped painter, which is off by 0.7 pixels (6 mm) in the median, stays below 10
LEAST = 8  # triples of pictures
MAX_GAP = 2.5  # pictures that lack neighbours are not compared, in median periods
# of an error that is independent from picture to picture, its distance from the mean of both neighbours has this share
TRIPLE = np.sqrt(1.5)


def jitter(evidence: Evidence, moments: Sequence[Moment]) -> Finding | None:
    """Say which sphere jumps most in which view, if its median distance from its neighbours' middle is large."""
    worst: tuple[float, float, int, str, str] | None = None
    for camera in evidence.spec.cameras:
        for sphere in evidence.spec.spheres:
            jumps_mm, jumps_px = _jumps(moments, camera, sphere.name)
            if len(jumps_mm) < LEAST:
                continue
            found = float(np.median(jumps_mm)), float(np.median(jumps_px)), len(jumps_mm), camera, sphere.name
            worst = max(worst or found, found)
    if worst is None or worst[0] <= LIMIT_MM:
        return None
    jump_mm, jump_px, count, camera, name = worst
    text = (
        f'sphere {name} jitters in view {camera}: {jump_mm:.0f} mm ({jump_px:.1f} px) from picture to picture in the median '
        f'of {count}, allowed {LIMIT_MM:.0f} mm: look at light and exposure, and at the error of the painter'
    )
    return Finding(NAME, text, {'sphere': name, 'camera': camera, 'jump_mm': jump_mm, 'jump_px': jump_px})


def _jumps(moments: Sequence[Moment], camera: str, sphere: str) -> tuple[list[float], list[float]]:
    """Return how far a sphere is from where its neighbours in time have it, in mm at its depth and in pixels."""
    track = [
        (moment.stamp_s, moment.views[camera].seen[sphere].uv_px, moment.views[camera].mm_per_px(where))
        for moment in moments
        for where in [moment.places_m.get(sphere, moment.then_m.get(sphere))]
        if sphere in moment.views[camera].seen and where is not None
    ]
    if len(track) < 3:
        return [], []
    longest_s = MAX_GAP * float(np.median(np.diff([moment.stamp_s for moment in moments])))
    jumps_mm, jumps_px = [], []
    for (t0, uv0, _), (t1, uv1, mm), (t2, uv2, _) in zip(track, track[1:], track[2:], strict=False):
        if t2 - t0 > 2 * longest_s or t2 <= t0:
            continue
        share = (t1 - t0) / (t2 - t0)
        jump_px = float(np.linalg.norm(uv1 - ((1 - share) * uv0 + share * uv2)) / TRIPLE)
        jumps_px.append(jump_px)
        jumps_mm.append(jump_px * mm)
    return jumps_mm, jumps_px
