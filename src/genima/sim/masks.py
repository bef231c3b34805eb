# SPDX-License-Identifier: Apache-2.0
"""Which pixels of a simulated camera show which thing."""

from genima.sim import headless  # isort: skip  # chooses the OpenGL before mujoco is imported

import mujoco
import numpy as np
from numpy.typing import NDArray

BEHIND = 'behind everything'


class Masks:
    """MuJoCo's segmentation rendering, beside the renderer that makes the pictures."""

    def __init__(self, model: mujoco.MjModel, width_px: int, height_px: int) -> None:
        """Make a renderer of this size.

        Raises:
            GenimaError: if no OpenGL library is installed.
        """
        headless.require_gl()
        self._model = model
        self._renderer = mujoco.Renderer(model, height_px, width_px)
        self._renderer.enable_segmentation_rendering()

    def render(self, data: mujoco.MjData, camera: str) -> dict[str, NDArray[np.bool_]]:
        """Return for every named geom whether a pixel shows it (H, W), and for BEHIND whether it shows none at all.

        Antialiased edges count to the nearer thing.
        """
        self._renderer.update_scene(data, camera=camera)
        ids, kinds = np.moveaxis(self._renderer.render(), -1, 0)
        shown = np.where(kinds == mujoco.mjtObj.mjOBJ_GEOM, ids, -1)
        names = [self._model.geom(index).name for index in range(self._model.ngeom)]
        return {BEHIND: shown < 0} | {name: shown == index for index, name in enumerate(names) if name}

    def close(self) -> None:
        """Free the renderer."""
        self._renderer.close()
