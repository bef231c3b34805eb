# SPDX-License-Identifier: Apache-2.0
"""Native episodes as RLDS episodes, without loss.

A step says what was seen at one moment and what was commanded then. `reward` is 1 at the last step of an episode that was
judged a success and 0 elsewhere; the last step is terminal in that case only, otherwise the episode was cut off there.
Source: https://github.com/google-research/rlds#dataset-format.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from genima.borders.files import reason
from genima.borders.hdf5 import open_hdf5
from genima.borders.texts import parse_json
from genima.cameras.model import MountedCamera
from genima.convert.rlds.example import Field, Values
from genima.convert.rlds.features import STEPS, Feature
from genima.convert.rlds.values import exact, numbers, pictures, png, texts
from genima.episodes.episode import Episode
from genima.episodes.frames import open_views
from genima.episodes.store import SCHEMA_VERSION, read_episode
from genima.errors import DatasetError, GenimaError

_SEEN, _ABOUT = f'{STEPS}observation/', 'episode_metadata/'
_TIME, _CAPTURE, _IMAGE = f'{_SEEN}time', f'{_SEEN}capture_time_', f'{_SEEN}image_'
_JOINTS, _GRIPPER, _ACTION = f'{_SEEN}joint_positions', f'{_SEEN}gripper', f'{STEPS}action'
_PLAN_JOINTS, _PLAN_GRIPPER = f'{STEPS}plan_joint_positions', f'{STEPS}plan_gripper'


@dataclass(frozen=True)
class Layout:
    """What all episodes of a dataset have in common, because its features are written once.

    Attributes:
        joints: Number of arm joints.
        views: Camera, height and width in pixels; None for a size that differs between episodes.
        clocks: Cameras with capture times of their own.
        plan_steps: Length of the longest plan; shorter ones are filled with zeros, 0 if no episode has a plan.
    """

    joints: int
    views: tuple[tuple[str, int | None, int | None], ...]
    clocks: tuple[str, ...]
    plan_steps: int


def layout_of(path: Path) -> Layout:
    """Return the layout of one episode.

    Raises:
        DatasetError: if it cannot be read.
    """
    episode = read_episode(path, images=False)
    with open_views(path) as views:
        sizes = tuple((camera, *frames.shape[1:3]) for camera, frames in views.items())
    plan_steps = 0 if episode.plan_q_rad is None else episode.plan_q_rad.shape[1]
    return Layout(episode.q_rad.shape[1], sizes, tuple(sorted(episode.capture_s)), plan_steps)


def common_layout(paths: Iterable[Path]) -> Layout:
    """Return the layout that fits all episodes.

    Raises:
        DatasetError: if one cannot be read, or has other joints or cameras than the first.
    """
    common: Layout | None = None
    for path in paths:
        own = layout_of(path)
        common = own if common is None else _common(path, common, own)
    if common is None:
        raise DatasetError('there is no episode to convert')
    return common


def features_of(layout: Layout) -> dict[str, Feature]:
    """Return the features of a dataset, in SI units: rad, s, and 0 closed to 1 open for the gripper."""
    n, chunk = layout.joints, layout.plan_steps
    views = {f'{_IMAGE}{name}': Feature('image', 'uint8', (h, w, 3), 'png') for name, h, w in layout.views}
    clock = Feature('tensor', 'float64', (), 'bytes', 'seconds')
    plan = {
        _PLAN_JOINTS: Feature('tensor', 'float32', (chunk, n), description='what was intended from here on, rad'),
        _PLAN_GRIPPER: Feature('tensor', 'bool', (chunk,), description='episode_metadata/plan_steps of these are known'),
    }
    return {
        **views,
        f'{_SEEN}state': Feature('tensor', 'float32', (n + 1,), description='joint positions in rad, then the gripper'),
        _JOINTS: Feature('tensor', 'float32', (n,), description='rad'),
        _GRIPPER: Feature('tensor', 'float32', (1,), description='0 closed to 1 open'),
        _TIME: clock,
        **{f'{_CAPTURE}{name}': clock for name in layout.clocks},
        _ACTION: Feature('tensor', 'float32', (n + 1,), description='absolute joint targets in rad, then the gripper'),
        **(plan if chunk else {}),
        f'{STEPS}ignore': Feature('tensor', 'bool', description='not to be learned from'),
        **{f'{STEPS}{name}': Feature('tensor', 'bool') for name in ('is_first', 'is_last', 'is_terminal')},
        **{f'{STEPS}{name}': Feature('tensor', 'float32') for name in ('reward', 'discount')},
        f'{STEPS}language_instruction': Feature('text'),
        **{f'{_ABOUT}{name}': Feature('text') for name in ('file_path', 'content_sha256', 'metadata', 'camera_params')},
        f'{_ABOUT}plan_steps': Feature('tensor', 'int64', description='length of the plans, 0: none are known'),
    }


def encode(path: Path, layout: Layout) -> dict[str, Values]:
    """Return what a record holds for an episode file; its pictures are in memory as PNG only.

    Raises:
        DatasetError: if the episode cannot be read.
    """
    episode = read_episode(path, images=False)
    values = {**_step_values(episode), **_plan_values(episode, layout), **_about(path, episode)}
    values.update({f'{_CAPTURE}{name}': exact(times_s) for name, times_s in episode.capture_s.items()})
    with open_views(path) as views:
        values.update({f'{_IMAGE}{name}': list(png(frames)) for name, frames in views.items()})
    return values


def decode(features: Mapping[str, Feature], record: Mapping[str, Field]) -> tuple[Episode, str]:
    """Return the episode of a record, and the digest that its file had; '' if none is known.

    Raises:
        DatasetError: if the record lacks something or does not fit the features.
    """
    try:
        return _episode(features, record), texts(record[f'{_ABOUT}content_sha256'])[0]
    except GenimaError:
        raise
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise DatasetError(
            f'a record of the dataset lacks or damages {reason(error)}; is features.json of these files?'
        ) from error


def _common(path: Path, common: Layout, own: Layout) -> Layout:
    names, own_names = ([name for name, _, _ in each.views] for each in (common, own))
    if (common.joints, names, common.clocks) != (own.joints, own_names, own.clocks):
        raise DatasetError(
            f'{path} has {own.joints} joints and cameras {own_names}, the episodes before it have {common.joints} and '
            f'{names}; an RLDS dataset has one layout: convert them from folders of their own'
        )
    views = tuple(
        (name, height if height == own_height else None, width if width == own_width else None)
        for (name, height, width), (_, own_height, own_width) in zip(common.views, own.views, strict=True)
    )
    return replace(common, views=views, plan_steps=max(common.plan_steps, own.plan_steps))


def _step_values(episode: Episode) -> dict[str, Values]:
    steps = len(episode)
    step, last = np.arange(steps), np.arange(steps) == steps - 1
    state = np.column_stack([episode.q_rad, episode.gripper_open])
    reached = last & (episode.metadata.get('success') is True)
    return {
        f'{_SEEN}state': state,
        _JOINTS: episode.q_rad,
        _GRIPPER: episode.gripper_open,
        _TIME: exact(episode.timestamps_s),
        _ACTION: np.column_stack([episode.q_command_rad, episode.gripper_command_open]),
        f'{STEPS}ignore': episode.ignore,
        f'{STEPS}is_first': step == 0,
        f'{STEPS}is_last': last,
        f'{STEPS}is_terminal': reached,
        f'{STEPS}reward': reached.astype(np.float32),
        f'{STEPS}discount': np.ones(steps, dtype=np.float32),
        f'{STEPS}language_instruction': [str(episode.metadata.get('instruction') or '').encode()] * steps,
    }


def _plan_values(episode: Episode, layout: Layout) -> dict[str, Values]:
    if not layout.plan_steps:
        return {}
    q_rad = np.zeros((len(episode), layout.plan_steps, layout.joints))
    gripper = np.zeros((len(episode), layout.plan_steps), dtype=bool)
    if episode.plan_q_rad is not None and episode.plan_gripper_open is not None:
        q_rad[:, : episode.plan_q_rad.shape[1]] = episode.plan_q_rad
        gripper[:, : episode.plan_q_rad.shape[1]] = episode.plan_gripper_open > 0.5
    return {_PLAN_JOINTS: q_rad, _PLAN_GRIPPER: gripper}


def _about(path: Path, episode: Episode) -> dict[str, Values]:
    cameras = {name: camera.to_dict() for name, camera in episode.cameras.items()}
    plan_steps = 0 if episode.plan_q_rad is None else episode.plan_q_rad.shape[1]
    return {
        f'{_ABOUT}file_path': [path.name.encode()],
        f'{_ABOUT}content_sha256': [_digest(path).encode()],
        f'{_ABOUT}metadata': [json.dumps(episode.metadata).encode()],
        f'{_ABOUT}camera_params': [json.dumps(cameras).encode()],
        f'{_ABOUT}plan_steps': np.array([plan_steps]),
    }


def _digest(path: Path) -> str:
    """Return the digest that a file written anew would have; '' for an older schema, whose digest is another."""
    with open_hdf5(path) as file:
        current = file.attrs['schema_version'] == SCHEMA_VERSION
        return str(file.attrs.get('content_sha256', '')) if current else ''


def _episode(features: Mapping[str, Feature], record: Mapping[str, Field]) -> Episode:
    def get(name: str) -> np.ndarray:
        values = numbers(name, features[name], record[name])
        return values.astype(np.float64) if values.dtype == np.float32 else values

    action = get(_ACTION)
    known = int(get(f'{_ABOUT}plan_steps')[0])
    views = [name for name in features if name.startswith(_IMAGE)]
    cameras = parse_json(texts(record[f'{_ABOUT}camera_params'])[0])
    return Episode(
        timestamps_s=get(_TIME),
        views={name.removeprefix(_IMAGE): pictures(name, features[name], record[name]) for name in views},
        q_rad=get(_JOINTS),
        gripper_open=get(_GRIPPER)[:, 0],
        q_command_rad=action[:, :-1],
        gripper_command_open=action[:, -1],
        cameras={name: MountedCamera.from_dict(values) for name, values in cameras.items()},
        metadata=parse_json(texts(record[f'{_ABOUT}metadata'])[0]),
        plan_q_rad=get(_PLAN_JOINTS)[:, :known] if known else None,
        plan_gripper_open=get(_PLAN_GRIPPER)[:, :known].astype(np.float64) if known else None,
        capture_s={name.removeprefix(_CAPTURE): get(name) for name in features if name.startswith(_CAPTURE)},
        ignore=get(f'{STEPS}ignore'),
    )
