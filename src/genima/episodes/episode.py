# SPDX-License-Identifier: Apache-2.0
"""One episode in memory."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from genima.cameras.model import MountedCamera
from genima.errors import DatasetError


@dataclass
class Episode:
    """One demonstration, T steps at a fixed rate.

    Attributes:
        timestamps_s: (T,) capture times.
        views: Camera name to (T, H, W, 3) uint8.
        q_rad: (T, n) observed joint positions.
        gripper_open: (T,) observed opening, 0 closed to 1 open.
        q_command_rad: (T, n) absolute joint target for the next step.
        gripper_command_open: (T,) commanded opening.
        plan_q_rad: (T, C, n) the demonstrator's intended next C joint targets. A recorded future that a push or a stray
            command disturbed is not what was intended; this is, so it labels every step.
        plan_gripper_open: (T, C) likewise for the gripper.
        cameras: Camera name to intrinsics and mounting.
        metadata: Robot, task, instruction, rate_hz, success, seed, and whatever else is known.
    """

    timestamps_s: np.ndarray
    views: dict[str, np.ndarray]
    q_rad: np.ndarray
    gripper_open: np.ndarray
    q_command_rad: np.ndarray
    gripper_command_open: np.ndarray
    plan_q_rad: np.ndarray
    plan_gripper_open: np.ndarray
    cameras: dict[str, MountedCamera]
    metadata: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of steps T."""
        return len(self.timestamps_s)

    def check(self) -> None:
        """Raise DatasetError where arrays do not fit each other, are not finite, or time does not increase."""
        steps = len(self)
        arrays = {
            'q_rad': self.q_rad,
            'gripper_open': self.gripper_open,
            'q_command_rad': self.q_command_rad,
            'gripper_command_open': self.gripper_command_open,
            'plan_q_rad': self.plan_q_rad,
            'plan_gripper_open': self.plan_gripper_open,
        }
        for name, array in arrays.items():
            if len(array) != steps:
                raise DatasetError(f'{name} has {len(array)} steps, timestamps have {steps}: record the episode again')
            if not np.isfinite(array).all():
                raise DatasetError(f'{name} holds values that are not finite: record the episode again')
        if steps > 1 and not (np.diff(self.timestamps_s) > 0).all():
            raise DatasetError('time stamps do not increase from step to step: record the episode again')
        for name, images in self.views.items():
            if images.dtype != np.uint8 or images.ndim != 4 or len(images) != steps:
                raise DatasetError(f'views of {name} must be uint8 ({steps}, H, W, 3), got {images.dtype} {images.shape}')
