# SPDX-License-Identifier: Apache-2.0
"""The lens of a prepared view: a fisheye's view angle is kept where the contract says so."""

import math
from dataclasses import dataclass

from genima.errors import ContractError

WIDEST_DEG = {'pinhole': 160.0, 'equidistant': 300.0}
"""Models of a view to the largest view angle that they can show."""


@dataclass(frozen=True)
class ViewLens:
    """Model of a view, and how much it shows.

    Attributes:
        model: 'pinhole', or 'equidistant': the distance from the centre grows with the angle, as in a fisheye.
        view_angle_deg: From edge to edge of the square view.

    Raises:
        ContractError: if there is no such model, or it cannot show so much.
    """

    model: str
    view_angle_deg: float

    def __post_init__(self) -> None:
        if self.model not in WIDEST_DEG:
            raise ContractError(f'view_lens: model {self.model!r}; allowed: {", ".join(WIDEST_DEG)}')
        angle, widest = self.view_angle_deg, WIDEST_DEG[self.model]
        if isinstance(angle, bool) or not isinstance(angle, (int, float)) or not 1.0 <= angle <= widest:
            raise ContractError(f'view_lens: view_angle_deg {angle!r}; {self.model} shows 1 to {widest:g} degrees')

    def focal_px(self, size_px: int) -> float:
        """Return the focal length with which a view of `size_px` shows the angle."""
        half_rad = math.radians(self.view_angle_deg) / 2
        return size_px / 2 / (half_rad if self.model == 'equidistant' else math.tan(half_rad))
