# SPDX-License-Identifier: Apache-2.0
"""Figures as SVG text, for pages that are one file."""

import io

import matplotlib
from matplotlib.figure import Figure

matplotlib.rcParams['svg.hashsalt'] = 'genima'  # the same data gives the same file


def svg_text(figure: Figure) -> str:
    """Return a figure as an `<svg>` element with all pictures inside."""
    text = io.StringIO()
    figure.savefig(text, format='svg', metadata={'Date': None})
    svg = text.getvalue()
    return svg[svg.index('<svg') :]
