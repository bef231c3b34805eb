# SPDX-License-Identifier: Apache-2.0
"""The one way from camera images to the views of a policy: trainers, nodes and failure reports all call it."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from genima.cameras.model import CameraModel
from genima.cameras.views import prepare
from genima.contract.spec import PolicySpec
from genima.errors import ContractError

Image = NDArray[np.uint8]


class Preprocessor:
    """Makes views as the contract says: camera order, lens, size and resampling.

    Attributes:
        spec: The contract.
    """

    def __init__(self, spec: PolicySpec) -> None:
        """Take a contract."""
        self.spec = spec

    def model(self, name: str, camera: CameraModel) -> CameraModel:
        """Return the camera that would have made the view of camera `name`, whose own intrinsics are `camera`."""
        return camera.view(self.spec.view_size_px, self.spec.view_lens.get(name))

    def view(self, name: str, image: Image, camera: CameraModel) -> Image:
        """Return the view of one camera, (S, S, 3) uint8.

        Args:
            name: Of the camera, as in the contract.
            image: (H, W, 3) uint8 RGB as the camera gave it.
            camera: Its intrinsics, with lens distortion.

        Raises:
            CalibrationError: if the image does not have the size of the calibration.
        """
        return prepare(image, camera, self.spec.view_size_px, self.spec.resize, self.spec.view_lens.get(name))[0]

    def views(self, frames: Mapping[str, tuple[Image, CameraModel]]) -> Image:
        """Return the views of all cameras, (V, S, S, 3) uint8 in the contract's order.

        Args:
            frames: Camera name to its image and its intrinsics; more cameras than the contract's may be there.

        Raises:
            ContractError: if a camera of the contract is missing.
            CalibrationError: if an image does not have the size of its calibration.
        """
        missing = [name for name in self.spec.cameras if name not in frames]
        if missing:
            raise ContractError(f'no image of {", ".join(missing)}; the policy sees {", ".join(self.spec.cameras)}')
        return np.stack([self.view(name, *frames[name]) for name in self.spec.cameras])
