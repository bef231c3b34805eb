# SPDX-License-Identifier: Apache-2.0
"""One episode in memory."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from genima.cameras.model import MountedCamera
from genima.errors import DatasetError

FAILURES = ('collision', 'timeout', 'grasp_failure', 'calibration_error', 'other')
"""Why a demonstration failed, as `metadata['failure']` names it."""
MAX_RATE_HZ = 1e5


@dataclass
class Episode:
    """One demonstration, T steps at a fixed rate.

    Attributes:
        timestamps_s: (T,) times of the steps.
        views: Camera name to (T, H, W, 3) uint8.
        q_rad: (T, n) observed joint positions.
        gripper_open: (T,) observed opening, 0 closed to 1 open.
        q_command_rad: (T, n) absolute joint target for the next step.
        gripper_command_open: (T,) commanded opening.
        cameras: Camera name to intrinsics and mounting.
        metadata: Robot, task, instruction, joint_names, rate_hz, success, and whatever else is known
            (docs/dataset.md lists the keys).
        plan_q_rad: (T, C, n) the demonstrator's intended next C joint targets, or None where only what happened is known.
            A recorded future that a push or a stray command disturbed is not what was intended; this is.
        plan_gripper_open: (T, C) likewise for the gripper.
        capture_s: Camera name to (T,) when each view was taken; `timestamps_s` where nothing else is known.
        ignore: (T,) steps that are not to be learned from: a push, a mistake, an idle stretch.
    """

    timestamps_s: np.ndarray
    views: dict[str, np.ndarray]
    q_rad: np.ndarray
    gripper_open: np.ndarray
    q_command_rad: np.ndarray
    gripper_command_open: np.ndarray
    cameras: dict[str, MountedCamera]
    metadata: dict[str, Any] = field(default_factory=dict)
    plan_q_rad: np.ndarray | None = None
    plan_gripper_open: np.ndarray | None = None
    capture_s: dict[str, np.ndarray] = field(default_factory=dict)
    ignore: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))

    def __post_init__(self) -> None:
        if not len(self.ignore):
            self.ignore = np.zeros(len(self), dtype=bool)
        for name in self.cameras:
            self.capture_s.setdefault(name, self.timestamps_s)

    def __len__(self) -> int:
        """Return the number of steps T."""
        return len(self.timestamps_s)

    def intended(self, steps: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the next `steps` targets of every step: joints (T, steps, n) and gripper (T, steps).

        What the demonstrator planned where that is known; what was commanded afterwards elsewhere, held at the end.

        Raises:
            DatasetError: if the known plan is shorter.
        """
        if self.plan_q_rad is not None and self.plan_gripper_open is not None:
            if self.plan_q_rad.shape[1] < steps:
                raise DatasetError(f'the plans have {self.plan_q_rad.shape[1]} steps, {steps} are needed')
            return self.plan_q_rad[:, :steps], self.plan_gripper_open[:, :steps]
        ahead = np.minimum(np.arange(len(self))[:, None] + np.arange(steps), len(self) - 1)
        return self.q_command_rad[ahead], self.gripper_command_open[ahead]

    def check(self) -> None:
        """Raise DatasetError where arrays do not fit each other, are not finite, or time does not increase."""
        for name, array in self._rows():
            if len(array) != len(self):
                raise DatasetError(f'{name} has {len(array)} steps, timestamps have {len(self)}: record the episode again')
            if not np.isfinite(array).all():
                raise DatasetError(f'{name} holds values that are not finite: record the episode again')
        if len(self) > 1 and not (np.diff(self.timestamps_s) > 0).all():
            raise DatasetError('time stamps do not increase from step to step: record the episode again')
        if (self.plan_q_rad is None) != (self.plan_gripper_open is None):
            raise DatasetError('an episode has the plans of both, joints and gripper, or of none')
        for name, images in self.views.items():
            if images.dtype != np.uint8 or images.ndim != 4 or len(images) != len(self):
                got = f'{images.dtype} {images.shape}'
                raise DatasetError(f'views of {name} must be uint8 ({len(self)}, H, W, 3), got {got}')

    def _rows(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yield every array of numbers that has one row per step, by name."""
        yield 'timestamps_s', self.timestamps_s
        for name in ('q_rad', 'gripper_open', 'q_command_rad', 'gripper_command_open', 'ignore'):
            yield name, getattr(self, name)
        for camera, times in self.capture_s.items():
            yield f'capture_s of {camera}', times
        if self.plan_q_rad is not None and self.plan_gripper_open is not None:
            yield 'plan_q_rad', self.plan_q_rad
            yield 'plan_gripper_open', self.plan_gripper_open
