# SPDX-License-Identifier: Apache-2.0
"""A folder of pictures of a board, with the joint positions at which they were taken.

Pictures are PNG or JPEG files. `samples.yaml` names them with the joints, for a hand-eye calibration:
a list of `{image: 000.png, joints: {panda_joint1: 0.1, ...}}` [rad].
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from genima.borders.files import inside, read_bytes
from genima.borders.texts import read_yaml
from genima.calibration.boards import Board
from genima.calibration.detect import MIN_CORNERS, Sighting, find_board
from genima.calibration.problem import View
from genima.cameras.image_file import decode_rgb
from genima.errors import CalibrationError
from genima.files import atomic_path, write_atomic
from genima.robots.kinematics import link_poses
from genima.robots.profile import RobotProfile
from genima.robots.transforms import inverse

LIST = 'samples.yaml'
PICTURES = ('.png', '.jpg', '.jpeg')
NOT_SEEN = f'fewer than {MIN_CORNERS} corners of the board are seen'


@dataclass(frozen=True, eq=False)
class Sample:
    """A picture and, where they are known, the joint positions by name [rad]."""

    path: Path
    joints_rad: Mapping[str, float]


class SampleFolder:
    """Reads and adds to a folder of samples.

    Args:
        folder: It is made when the first sample is added.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def samples(self) -> list[Sample]:
        """Return all samples in order: those that the list names, or all pictures of the folder where there is no list.

        Raises:
            CalibrationError: if there is nothing, or the list is damaged.
        """
        if (self.folder / LIST).is_file():
            return self._listed()
        pictures = sorted(path for path in self.folder.glob('*') if path.suffix.lower() in PICTURES)
        if not pictures:
            raise CalibrationError(f'{self.folder}: no pictures; expected {", ".join(PICTURES)} files')
        return [Sample(path, {}) for path in pictures]

    def add(self, picture: NDArray[np.uint8], joints_rad: Mapping[str, float]) -> Sample:
        """Write one more picture, RGB (height, width, 3), and its joints."""
        known = self._listed() if (self.folder / LIST).is_file() else []
        number = len(known)
        while (self.folder / f'{number:03d}.png').exists():  # pictures that no list names are kept
            number += 1
        sample = Sample(self.folder / f'{number:03d}.png', {name: float(q) for name, q in joints_rad.items()})
        with atomic_path(sample.path) as temporary:
            cv2.imwrite(str(temporary), picture[..., ::-1])
        entries = [{'image': one.path.name, 'joints': dict(one.joints_rad)} for one in [*known, sample]]
        write_atomic(self.folder / LIST, yaml.safe_dump(entries, sort_keys=False, default_flow_style=None, width=120))
        return sample

    def _listed(self) -> list[Sample]:
        path = self.folder / LIST
        try:
            entries = read_yaml(path)
            return [
                Sample(inside(self.folder, str(entry['image'])), {name: float(q) for name, q in entry['joints'].items()})
                for entry in entries
            ]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CalibrationError(
                f'{path}: {error!r}; expected a list of {{image: 000.png, joints: {{name: radians}}}}'
            ) from error


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Return a picture as RGB (height, width, 3), uint8.

    Raises:
        CalibrationError: if it is missing or damaged.
    """
    pixels = decode_rgb(read_bytes(path)) if path.is_file() else None
    if pixels is None:
        raise CalibrationError(f'{path}: missing, or not a picture')
    return pixels


def size_of(picture: NDArray[np.uint8], path: Path, expected: tuple[int, int] | None) -> tuple[int, int]:
    """Return width and height of a picture.

    Raises:
        CalibrationError: if they are not the expected ones.
    """
    size_px = picture.shape[1], picture.shape[0]
    if expected is not None and size_px != expected:
        raise CalibrationError(
            f'{path}: {size_px[0]}x{size_px[1]} px, expected {expected[0]}x{expected[1]}; all pictures come from one camera '
            'in one mode, that of its intrinsics'
        )
    return size_px


def arm_pose(profile: RobotProfile, joints_rad: Mapping[str, float], parent: str, other: str) -> NDArray[np.float64]:
    """Return T_parent_other (4, 4) of two links for joint positions by name.

    Raises:
        CalibrationError: if a joint of the arm is missing.
        ProfileError: if the robot has no such link.
    """
    missing = [name for name in profile.arm_joints if name not in joints_rad]
    if missing:
        raise CalibrationError(
            f'no position of {", ".join(missing)}; known: {", ".join(joints_rad) or "none"}; is {profile.name} the robot?'
        )
    profile.link(parent), profile.link(other)
    poses = link_poses(profile, np.array([joints_rad[name] for name in profile.arm_joints]))
    return inverse(np.asarray(poses[parent])) @ np.asarray(poses[other])


def view_of(sample: Sample, sighting: Sighting, profile: RobotProfile, parent: str, other: str) -> View:
    """Return a sample as the bundle adjustment takes it.

    Raises:
        CalibrationError: if the sample has no joint positions.
    """
    try:
        return View(sample.path.name, sighting, arm_pose(profile, sample.joints_rad, parent, other))
    except CalibrationError as error:
        raise CalibrationError(f'{sample.path}: {error}') from error


def find_in(sample: Sample, board: Board, size_px: tuple[int, int] | None) -> tuple[Sighting | None, tuple[int, int]]:
    """Return what a sample's picture shows of a board, and the size of the picture."""
    picture = read_picture(sample.path)
    size_px = size_of(picture, sample.path, size_px)
    return find_board(board, picture), size_px
