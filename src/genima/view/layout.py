# SPDX-License-Identifier: Apache-2.0
"""How the viewer arranges a scene: robot and cameras on the left, joints and guard on the right."""

from collections.abc import Sequence

import rerun as rr
import rerun.blueprint as rrb

from genima.view.screen import TIMELINE

TARGET = 'target_image'


def arrangement(joints: Sequence[str], cameras: Sequence[str], target: bool) -> rrb.Blueprint:
    """Return the layout.

    Args:
        joints: of the arm, in order.
        cameras: whose pictures are shown.
        target: whether there is a target image.
    """
    views = [rrb.Spatial2DView(origin=f'cameras/{name}', name=name) for name in cameras]
    views += [rrb.Spatial2DView(origin=TARGET, name='target image')] if target else []
    plots = [rrb.TimeSeriesView(origin=f'joints/{name}', name=name) for name in joints]
    guard = rrb.Vertical(
        rrb.StateTimelineView(origin='guard/state', name='guard'),
        rrb.TextDocumentView(origin='guard/reasons', name='why the arm does not move'),
        row_shares=[1, 2],
    )
    left = rrb.Vertical(rrb.Spatial3DView(origin='/', name='robot'), rrb.Grid(*views), row_shares=[3, 2])
    right = rrb.Vertical(rrb.Grid(*plots, grid_columns=2), guard, row_shares=[3, 1])
    panels = [rrb.SelectionPanel(state='collapsed'), rrb.BlueprintPanel(state='collapsed')]
    return rrb.Blueprint(rrb.Horizontal(left, right, column_shares=[3, 2]), rrb.TimePanel(timeline=TIMELINE), *panels)


def series(name: str, color_rgb: tuple[int, int, int], width: float) -> rr.SeriesLines:
    """Return how a line of a plot looks."""
    return rr.SeriesLines(names=name, colors=[color_rgb], widths=[width])
