# SPDX-License-Identifier: Apache-2.0
"""Episodes of somebody else's RLDS dataset, such as those of Open X-Embodiment, as native ones."""

from collections.abc import Mapping as Map
from typing import Any

import numpy as np

from genima.convert.joint_limits import check_joints
from genima.convert.rlds.dataset import Dataset
from genima.convert.rlds.example import Field
from genima.convert.rlds.mapping import Mapping
from genima.convert.rlds.values import pictures, texts
from genima.episodes.episode import Episode
from genima.errors import DatasetError
from genima.robots.profile import RobotProfile


def to_episode(dataset: Dataset, mapping: Mapping, record: Map[str, Field], split: str, index: int) -> Episode:
    """Return an episode.

    Where the dataset has no command, it is what was observed one step later. Without times of its own the stamps are made
    from the rate, and `metadata['stamps']` says so.

    Args:
        dataset: Where it comes from.
        mapping: What the features mean.
        record: What is stored.
        split: Of which split it is.
        index: Its number in the dataset.

    Raises:
        DatasetError: if something is missing, does not fit, or is no joint position in rad of the robot.
    """
    features = dataset.features
    try:
        q_rad = mapping.joints.take(features, record)
        gripper_open = mapping.gripper.take(features, record)
        command, grip = mapping.joint_command, mapping.gripper_command
        metadata = _metadata(dataset, mapping, record, f'split {split}, episode {index}')
        episode = Episode(
            timestamps_s=_times_s(dataset, mapping, record, len(q_rad)),
            views={camera: pictures(name, features[name], record[name]) for camera, name in mapping.views.items()},
            q_rad=q_rad,
            gripper_open=gripper_open,
            q_command_rad=command.take(features, record) if command else _one_step_later(q_rad),
            gripper_command_open=grip.take(features, record) if grip else _one_step_later(gripper_open),
            cameras={camera: mapping.cameras[camera] for camera in mapping.views if camera in mapping.cameras},
            metadata=metadata,
        )
    except KeyError as error:
        raise DatasetError(f'episode {index} of {dataset.folder} lacks {error}; is features.json of these files?') from error
    check_joints(RobotProfile.load(mapping.robot), episode.q_rad, f'episode {index}', mapping.joints.name)
    if mapping.rate_hz is None:
        episode.metadata['rate_hz'] = round(float(1 / np.median(np.diff(episode.timestamps_s))), 3)
    return episode


def _one_step_later(values: np.ndarray) -> np.ndarray:
    return np.concatenate([values[1:], values[-1:]])


def _times_s(dataset: Dataset, mapping: Mapping, record: Map[str, Field], steps: int) -> np.ndarray:
    if mapping.time_s is not None:
        return mapping.time_s.take(dataset.features, record)[:, 0]
    assert mapping.rate_hz is not None  # a mapping has the one or the other
    return np.arange(steps) / mapping.rate_hz


def _metadata(dataset: Dataset, mapping: Mapping, record: Map[str, Field], where: str) -> dict[str, Any]:
    said = texts(record[mapping.instruction]) if mapping.instruction is not None else []
    return {
        'robot': mapping.robot,
        'task': dataset.name,
        'instruction': next((text for text in said if text), ''),
        'joint_names': list(mapping.joint_names),
        'rate_hz': mapping.rate_hz,
        'success': None,
        'source': f'RLDS {dataset.name} {dataset.version}, {where}',
        'licence': dataset.licence,
        'stamps': 'of the dataset' if mapping.time_s else 'made from the number of the step and rate_hz',
        'commands': 'of the dataset' if mapping.joint_command else 'joints observed one step later',
        **mapping.metadata,
    }
