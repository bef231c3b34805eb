# SPDX-License-Identifier: Apache-2.0
"""LeRobot datasets that others recorded: whose joints are in the vectors, and which cameras saw it.

LeRobot keeps neither calibration nor units. What a dataset does not say must be told; nothing is guessed silently.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genima.borders.texts import read_yaml
from genima.cameras.model import MountedCamera
from genima.convert.lerobot import layout
from genima.convert.lerobot.read import Dataset
from genima.errors import BorderError, CalibrationError, DatasetError, ProfileError
from genima.robots.profile import RobotProfile

_SLACK_RAD = 0.2
_SLACK_OPEN = 0.02


@dataclass(frozen=True)
class Told:
    """What the user said about a dataset; see `lerobot.load`."""

    robot: str | None = None
    camera_params: Path | None = None
    gripper_range: tuple[float, float] | None = None


def understand(dataset: Dataset, told: Told, record: dict[str, Any], columns: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return joints, gripper, cameras and metadata of an episode, as arguments for `Episode`.

    Raises:
        DatasetError: if the dataset does not say something that the user did not say either, or has other units.
    """
    profile = _profile(dataset, told)
    q_rad, gripper_open = _split(dataset, told, layout.STATE, columns, profile)
    q_command_rad, gripper_command_open = _split(dataset, told, layout.ACTION, columns, profile)
    return {
        'q_rad': q_rad,
        'gripper_open': gripper_open,
        'q_command_rad': q_command_rad,
        'gripper_command_open': gripper_command_open,
        'cameras': _cameras(dataset, told),
        'metadata': _metadata(dataset, profile, record, columns),
    }


def _profile(dataset: Dataset, told: Told) -> RobotProfile:
    name = told.robot or dataset.robot
    try:
        return RobotProfile.load(name) if told.robot else RobotProfile.named(name)
    except ProfileError as error:
        if told.robot:
            raise
        raise DatasetError(
            f'{dataset.folder} is of robot {dataset.robot!r}, of which there is no profile; name one with --robot, such as '
            '--robot panda'
        ) from error


def _split(
    dataset: Dataset, told: Told, key: str, columns: dict[str, np.ndarray], profile: RobotProfile
) -> tuple[np.ndarray, np.ndarray]:
    """Return joint positions (T, n) and the gripper's opening (T,) from a vector."""
    if key not in columns or columns[key].ndim != 2:
        raise DatasetError(f'{dataset.folder} has no vector {key!r}; there are {", ".join(dataset.features)}')
    values = columns[key].astype(np.float64)
    joints, gripper = _places(dataset, told, key, values.shape[1], profile)
    q_rad = values[:, joints]
    low, high = profile.limits.position_min_rad - _SLACK_RAD, profile.limits.position_max_rad + _SLACK_RAD
    outside = ((q_rad < low) | (q_rad > high)).any(axis=0)
    if outside.any():
        worst = int(np.flatnonzero(outside)[0])
        raise DatasetError(
            f'{dataset.folder}: {profile.arm_joints[worst]} in {key} goes from {q_rad[:, worst].min():.3g} to '
            f'{q_rad[:, worst].max():.3g}, robot {profile.name} allows {low[worst] + _SLACK_RAD:.3g} to '
            f'{high[worst] - _SLACK_RAD:.3g} rad; the dataset must hold absolute joint positions of this robot in radians'
        )
    return q_rad, _opening(dataset, told, key, values[:, gripper])


def _places(dataset: Dataset, told: Told, key: str, size: int, profile: RobotProfile) -> tuple[list[int], int]:
    """Return where in a vector the joints are, in the order of the profile, and where the gripper is."""
    names = [name.removesuffix('.pos') for name in _names(dataset.features[key])]
    if set(profile.arm_joints) <= set(names):
        rest = [index for index, name in enumerate(names) if 'gripper' in name.lower()]
        if len(rest) != 1:
            raise DatasetError(f'{dataset.folder}: exactly one number in {key} must be called gripper; it has {names}')
        return [names.index(joint) for joint in profile.arm_joints], rest[0]
    if told.robot and size == profile.n_joints + 1:
        return list(range(profile.n_joints)), profile.n_joints
    raise DatasetError(
        f'{dataset.folder}: {key} has {size} numbers named {names or "nothing"}; robot {profile.name} has the joints '
        f'{", ".join(profile.arm_joints)}. If its {profile.n_joints} joints and then the gripper are meant, say so with '
        f'--robot {profile.name}'
    )


def _names(feature: dict[str, Any]) -> list[str]:
    """Return what the numbers of a vector are called: a list, or a list in a dictionary as older datasets have it."""
    names = feature.get('names') or []
    if isinstance(names, dict):
        names = next((each for each in names.values() if isinstance(each, list)), [])
    return [str(name) for name in names]


def _opening(dataset: Dataset, told: Told, key: str, values: np.ndarray) -> np.ndarray:
    closed, opened = told.gripper_range or (0.0, 1.0)
    opening = (values - closed) / (opened - closed)
    if opening.min() < -_SLACK_OPEN or opening.max() > 1 + _SLACK_OPEN:
        raise DatasetError(
            f'{dataset.folder}: the gripper in {key} goes from {values.min():.3g} to {values.max():.3g}; say what it is '
            f'when closed and when open with --gripper-range CLOSED OPEN, now {closed:g} {opened:g}'
        )
    return np.clip(opening, 0.0, 1.0)


def _cameras(dataset: Dataset, told: Told) -> dict[str, MountedCamera]:
    if told.camera_params is None:
        raise DatasetError(
            f'{dataset.folder} has no calibration of its cameras {", ".join(dataset.views)}; give it with '
            '--camera-params FILE, as JSON or YAML: camera name to model, parent_link and T_parent_camera'
        )
    try:
        described = read_yaml(told.camera_params)
        cameras = {str(name): MountedCamera.from_dict(values) for name, values in described.items()}
    except (AttributeError, TypeError, KeyError, CalibrationError, BorderError) as error:
        raise DatasetError(f'{told.camera_params} is no calibration ({error})') from error
    missing = sorted(set(dataset.views) - set(cameras))
    if missing:
        raise DatasetError(f'{told.camera_params} has no calibration of {", ".join(missing)}; add it')
    return {name: cameras[name] for name in dataset.views}


def _metadata(
    dataset: Dataset, profile: RobotProfile, record: dict[str, Any], columns: dict[str, np.ndarray]
) -> dict[str, Any]:
    index = int(columns['task_index'][0])
    if not 0 <= index < len(dataset.tasks):
        raise DatasetError(f'{dataset.folder} has {len(dataset.tasks)} tasks, none with number {index}; download it again')
    task = dataset.tasks[index]
    carried = {layout.STATE, layout.ACTION, *dataset.views.values(), 'timestamp', 'frame_index', 'episode_index', 'index'}
    left = sorted(key for key in dataset.features if key not in {*carried, 'task_index'} and not key.startswith('genima.'))
    return {
        'robot': profile.name,
        'task': task,
        'instruction': task,
        'joint_names': list(profile.arm_joints),
        'rate_hz': dataset.fps,
        'success': None,
        'source': f'LeRobot dataset {dataset.folder.name}, episode {record["episode_index"]}, times counted in frames',
        'not_carried': left,
    }
