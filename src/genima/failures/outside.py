# SPDX-License-Identifier: Apache-2.0
"""Painted spheres that are not in the workspace: the arm cannot, or must not, go there."""

from collections.abc import Sequence

import numpy as np

from genima.failures.evidence import Evidence
from genima.failures.finding import Finding, longest_run
from genima.failures.moments import Moment

NAME = 'outside_workspace'
MARGIN_M = 0.03  # a painter that is off by three pixels is not outside
IN_A_ROW = 5


def outside_workspace(evidence: Evidence, moments: Sequence[Moment]) -> Finding | None:
    """Say which sphere was painted outside the workspace box, `IN_A_ROW` pictures in a row at least."""
    low, high = np.array(evidence.workspace.min_xyz_m), np.array(evidence.workspace.max_xyz_m)
    worst: Finding | None = None
    for sphere in evidence.spec.spheres:
        places = np.array([moment.places_m[sphere.name] for moment in moments if sphere.name in moment.places_m])
        if not len(places):
            continue
        beyond = np.concatenate((low - places, places - high), axis=1)  # (N, 6)
        run = longest_run((beyond.max(axis=1) > MARGIN_M).tolist())
        if run < IN_A_ROW:
            continue
        side = int(np.median(beyond, axis=0).argmax())
        row = int(beyond[:, side].argmax())
        beyond_mm = 1e3 * float(beyond[row, side])
        if worst is not None and beyond_mm <= float(worst.figures['beyond_mm']):
            continue
        axis, bound = 'xyz'[side % 3], (*low, *high)[side]
        text = (
            f'sphere {sphere.name} is painted outside the workspace {run} pictures in a row, at worst {beyond_mm:.0f} mm '
            f'{"below" if side < 3 else "above"} the allowed {axis} of {bound:.2f} m: check the calibration of the cameras'
        )
        worst = Finding(NAME, text, {'sphere': sphere.name, 'axis': axis, 'beyond_mm': beyond_mm, 'in_a_row': float(run)})
    return worst
