# SPDX-License-Identifier: Apache-2.0
"""What the features of somebody else's RLDS dataset mean: which are joints, gripper and views, and in which units.

RLDS says how an episode is stored, not what its numbers are: in Open X-Embodiment `observation/state` holds joints here and
the pose of a gripper there, and 1 means open or closed. What a dataset does not say is asked for in a small file, YAML or
JSON. For DROID (https://droid-dataset.github.io/droid/the-droid-dataset):

    robot: panda                  # a robot profile
    rate_hz: 15                   # or time_s: observation/<key>, in seconds
    gripper: {key: 'observation/gripper_position', open: 0, closed: 1}
    # what follows is found by name, or may be left out
    joints: observation/joint_position            # rad; columns of a longer vector: 'observation/state[0:7]'
    joint_command: action_dict/joint_position     # absolute targets; otherwise: the joints one step later
    gripper_command: {key: action_dict/gripper_position, open: 0, closed: 1}
    views: {wrist: observation/wrist_image_left}  # otherwise: every RGB picture of the observation
    instruction: language_instruction
    camera_params: {}             # calibration by camera, as in `metadata/camera_params` of an episode
    metadata: {task: pick}        # further metadata of every episode
"""

import re
from collections.abc import Mapping as Map
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from genima.borders.texts import read_yaml
from genima.cameras.model import MountedCamera
from genima.convert.rlds.example import Field
from genima.convert.rlds.features import STEPS, Feature
from genima.convert.rlds.values import numbers
from genima.episodes.episode import MAX_RATE_HZ
from genima.errors import BorderError, CalibrationError, DatasetError
from genima.robots.profile import RobotProfile

JOINT_KEYS = ('joint_positions', 'joint_position', 'joint_pos', 'joint_states', 'joint_state', 'joints', 'qpos')
INSTRUCTION_KEYS = ('language_instruction', 'natural_language_instruction', 'instruction', 'language_text')
_KEYS = {
    'robot', 'rate_hz', 'time_s', 'joints', 'gripper', 'joint_command', 'gripper_command', 'views', 'instruction',
    'camera_params', 'metadata',
}  # fmt: skip
_REFERENCE = re.compile(r'([^\[\]]+)(?:\[(\d+)(?::(\d+))?\])?')


@dataclass(frozen=True)
class Columns:
    """Some columns of a feature of the steps; all of them if `last` is None."""

    name: str
    first: int = 0
    last: int | None = None

    def take(self, features: Map[str, Feature], record: Map[str, Field]) -> np.ndarray:
        """Return the columns (T, k) of a record as float64."""
        values = numbers(self.name, features[self.name], record[self.name])
        return values.reshape(len(values), -1)[:, self.first : self.last].astype(np.float64)


@dataclass(frozen=True)
class Opening:
    """Where the opening of the gripper stands, and which numbers mean open and closed."""

    columns: Columns
    open: float
    closed: float

    def take(self, features: Map[str, Feature], record: Map[str, Field]) -> np.ndarray:
        """Return openings (T,), 0 closed to 1 open, of the first column."""
        values = self.columns.take(features, record)[:, 0]
        return np.clip((values - self.closed) / (self.open - self.closed), 0.0, 1.0)


@dataclass(frozen=True)
class Mapping:
    """What the features of a dataset mean; see the head of this file."""

    robot: str
    joint_names: tuple[str, ...]
    joints: Columns
    gripper: Opening
    views: dict[str, str]
    rate_hz: float | None = None
    time_s: Columns | None = None
    joint_command: Columns | None = None
    gripper_command: Opening | None = None
    instruction: str | None = None
    cameras: dict[str, MountedCamera] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)


def read_mapping(path: Path | None, features: Map[str, Feature]) -> Mapping:
    """Return what the features mean, by a mapping file and, where it is silent, by their names.

    Args:
        path: The file; None for none, which suffices only to learn from the error what has to be said.
        features: Of the dataset.

    Raises:
        DatasetError: if something is missing, unknown or does not fit; the message lists the keys that exist.
    """
    try:
        given = {} if path is None else read_yaml(path)
        unknown = set(given) - _KEYS
    except (BorderError, TypeError) as error:
        raise DatasetError(f'{path} is no mapping ({error}); its keys are {", ".join(sorted(_KEYS))}') from error
    if not isinstance(given, dict) or unknown:
        raise DatasetError(f'{path} is no mapping or has unknown keys {sorted(unknown)}; known: {", ".join(sorted(_KEYS))}')
    return _Reader(given, features).mapping()


class _Reader:
    """Reads one mapping."""

    def __init__(self, given: dict[str, Any], features: Map[str, Feature]) -> None:
        self._given, self._features = given, features

    def mapping(self) -> Mapping:
        missing = [key for key in ('robot', 'gripper') if not self._given.get(key)]
        if not self._given.get('rate_hz') and not self._given.get('time_s'):
            missing.append('rate_hz (or time_s)')
        if missing:
            raise DatasetError(
                f'the dataset does not say what {", ".join(missing)} is: give a mapping file with it '
                f'(gripper: {{key: ..., open: ..., closed: ...}}); {self._existing()}'
            )
        robot = RobotProfile.load(str(self._given['robot']))
        joints = self._joints(robot)
        command = self._given.get('joint_command')
        return Mapping(
            robot=robot.name,
            joint_names=robot.arm_joints,
            joints=joints,
            gripper=self._opening('gripper'),
            views=self._views(),
            rate_hz=self._rate_hz(),
            time_s=self._columns('time_s', self._given['time_s'], 1) if self._given.get('time_s') else None,
            joint_command=self._columns('joint_command', command, robot.n_joints) if command else None,
            gripper_command=self._opening('gripper_command') if self._given.get('gripper_command') else None,
            instruction=self._instruction(),
            cameras=self._cameras(),
            metadata=self._given.get('metadata') or {},
        )

    def _joints(self, robot: RobotProfile) -> Columns:
        if self._given.get('joints'):
            return self._columns('joints', self._given['joints'], robot.n_joints)
        for key in JOINT_KEYS:
            feature = self._features.get(f'{STEPS}observation/{key}')
            if feature is not None and feature.kind == 'tensor' and feature.shape == (robot.n_joints,):
                return Columns(f'{STEPS}observation/{key}')
        raise DatasetError(
            f'no joint positions were found: none of {", ".join(JOINT_KEYS)} stands in the observation with '
            f'{robot.n_joints} columns, as robot {robot.name} has joints. If another key holds them, say so in the mapping '
            f"file (joints: 'observation/state[0:{robot.n_joints}]'); a dataset with poses of the gripper only cannot be "
            f'converted. {self._existing()}'
        )

    def _columns(self, what: str, reference: object, count: int) -> Columns:
        match = _REFERENCE.fullmatch(str(reference))
        name = f'{STEPS}{match[1].strip()}' if match else ''
        feature = self._features.get(name)
        if match is None or feature is None or feature.kind != 'tensor' or None in feature.shape:
            raise DatasetError(f'{what}: {reference!r} is no key of numbers of the steps. {self._existing()}')
        size = int(np.prod([length or 1 for length in feature.shape]))
        first = int(match[2] or 0)
        last = int(match[3]) if match[3] else first + 1 if match[2] else size
        if not first < last <= size or last - first != count:
            raise DatasetError(f'{what}: {reference!r} gives {last - first} of {size} columns, {count} are needed')
        return Columns(name, first, last)

    def _opening(self, what: str) -> Opening:
        given = self._given[what]
        try:
            key, is_open, is_closed = given['key'], float(given['open']), float(given['closed'])
        except (TypeError, KeyError, ValueError) as error:
            raise DatasetError(
                f'{what} needs key, open and closed, such as {{key: observation/gripper, open: 1, closed: 0}}, got {given!r}'
            ) from error
        if is_open == is_closed:
            raise DatasetError(f'{what}: open and closed are both {is_open:g}; they must differ')
        return Opening(self._columns(what, key, 1), is_open, is_closed)

    def _views(self) -> dict[str, str]:
        given = self._given.get('views')
        if given is None:
            prefix = f'{STEPS}observation/'
            found = [name for name, feature in self._features.items() if name.startswith(prefix) and _is_rgb(feature)]
            return {name.removeprefix(prefix).removeprefix('image_').replace('/', '_'): name for name in found}
        views = {str(camera): f'{STEPS}{key}' for camera, key in dict(given).items()}
        for camera, name in views.items():
            if name not in self._features or not _is_rgb(self._features[name]):
                raise DatasetError(f'views: {camera}: {name.removeprefix(STEPS)!r} is no RGB picture. {self._existing()}')
        return views

    def _rate_hz(self) -> float | None:
        given = self._given.get('rate_hz')
        if given is not None and not (isinstance(given, (int, float)) and 0 < given <= MAX_RATE_HZ):
            raise DatasetError(f'rate_hz is {given!r}; it must be a number above 0, at most {MAX_RATE_HZ:g}')
        return given

    def _instruction(self) -> str | None:
        given = self._given.get('instruction')
        if given and f'{STEPS}{given}' not in self._features:
            raise DatasetError(f'instruction: there is no key {given!r}. {self._existing()}')
        if given:
            return f'{STEPS}{given}'
        texts = [name for name, feature in self._features.items() if feature.kind == 'text' or feature.dtype == 'string']
        return next((name for key in INSTRUCTION_KEYS for name in texts if name.split('/')[-1] == key), None)

    def _cameras(self) -> dict[str, MountedCamera]:
        given = self._given.get('camera_params') or {}
        try:
            return {str(name): MountedCamera.from_dict(values) for name, values in given.items()}
        except (AttributeError, TypeError, KeyError, CalibrationError) as error:
            raise DatasetError(f'camera_params of the mapping file cannot be used: {error}') from error

    def _existing(self) -> str:
        listed = [f'{name.removeprefix(STEPS)} ({self._features[name]})' for name in sorted(self._features)]
        return f'The keys of the dataset: {", ".join(listed)}'


def _is_rgb(feature: Feature) -> bool:
    return feature.dtype == 'uint8' and len(feature.shape) == 3 and feature.shape[2] in (3, None)
