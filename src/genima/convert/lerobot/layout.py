# SPDX-License-Identifier: Apache-2.0
"""What a LeRobot v3.0 dataset consists of: its files, its features, and what we add to them.

Source: huggingface/lerobot 0.4.4, `datasets/utils.py` and `datasets/lerobot_dataset.py`.
"""

import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

CODEBASE_VERSION = 'v3.0'
CHUNK_FILES = 1000
DATA_FILE_MB, VIDEO_FILE_MB = 100, 200
VIDEO_FILE_S = 1000.0
"""Longest video file: beyond 1024 s a float32, in which LeRobot compares times, is coarser than its tolerance of 1e-4 s."""

INFO, STATS, TASKS, OURS = 'meta/info.json', 'meta/stats.json', 'meta/tasks.parquet', 'meta/genima.json'
FILE_PATTERN = 'chunk-{chunk_index:03d}/file-{file_index:03d}'
EPISODES_PATH = f'meta/episodes/{FILE_PATTERN}.parquet'
DATA_PATH = f'data/{FILE_PATTERN}.parquet'
VIDEO_PATH = f'videos/{{video_key}}/{FILE_PATTERN}.mp4'

STATE, ACTION, IMAGES = 'observation.state', 'action', 'observation.images.'
GRIPPER = 'gripper'
# none of our own columns starts with `observation` or `action`: policies of LeRobot would take it for an input or output
TIME, CAPTURE, IGNORE = 'genima.time_s', 'genima.capture_s.', 'genima.ignore'
PLAN_Q, PLAN_GRIPPER = 'genima.plan_q_rad', 'genima.plan_gripper_open'
EPISODE_NAME, METADATA, CAMERAS = 'genima/episode', 'genima/metadata', 'genima/cameras'
SUCCESS, FAILURE = 'genima/success', 'genima/failure'

CHECKED = {'write_page_checksum': True}
"""How tables are written: with what tells when a bit has changed; who does not look for it is not disturbed."""
IMAGE_TYPE = pa.struct([('bytes', pa.binary()), ('path', pa.string())])


@dataclass(frozen=True)
class Shape:
    """What all episodes of one LeRobot dataset have in common.

    Attributes:
        robot: Name of the robot profile, empty where unknown.
        fps: Steps per second.
        joint_names: Of the arm, n of them.
        views: (camera, height_px, width_px) each.
        clocks: Cameras with capture times.
        plan_steps: C, the longest plan; 0 without plans. Shorter plans are padded with NaN.
    """

    robot: str
    fps: int
    joint_names: tuple[str, ...]
    views: tuple[tuple[str, int, int], ...]
    clocks: tuple[str, ...]
    plan_steps: int


def number_features(shape: Shape) -> dict[str, dict[str, Any]]:
    """Return the features that are numbers, in the order of their columns, as `info.json` lists them."""
    names = [*shape.joint_names, GRIPPER]
    vectors = {key: _feature('float32', len(names), names) for key in (STATE, ACTION)}
    clocks = {TIME: _feature('float64'), **{CAPTURE + camera: _feature('float64') for camera in shape.clocks}}
    plans = {
        PLAN_Q: _feature('float32', shape.plan_steps * len(shape.joint_names)),
        PLAN_GRIPPER: _feature('bool', shape.plan_steps),
    }
    indices = {key: _feature('int64') for key in ('frame_index', 'episode_index', 'index', 'task_index')}
    return {
        **vectors,
        **clocks,
        IGNORE: _feature('bool'),
        **(plans if shape.plan_steps else {}),
        'timestamp': _feature('float32'),
        **indices,
    }


def image_features(shape: Shape, video: dict[str, Any] | None) -> dict[str, dict[str, Any]]:
    """Return the features of the views: PNG files in the table, or videos of the kind that `video` describes."""
    axes = ['height', 'width', 'channels']
    features = {}
    for camera, height, width in shape.views:
        feature: dict[str, Any] = {
            'dtype': 'image' if video is None else 'video',
            'shape': [height, width, 3],
            'names': axes,
        }
        if video is not None:
            feature['info'] = {'video.height': height, 'video.width': width, **video}
        features[IMAGES + camera] = feature
    return features


def table_schema(features: dict[str, dict[str, Any]]) -> pa.Schema:
    """Return the columns of the data files; readers of plain Hugging Face `datasets` learn from it what is a picture."""
    stored = {key: feature for key, feature in features.items() if feature['dtype'] != 'video'}
    schema = pa.schema([(key, arrow_type(feature)) for key, feature in stored.items()])
    hugging = {key: _hugging_feature(feature) for key, feature in stored.items()}
    return schema.with_metadata({'huggingface': json.dumps({'info': {'features': hugging}})})


def arrow_type(feature: dict[str, Any]) -> pa.DataType:
    """Return the type of a feature's column: a scalar for shape (1,), a list of fixed size otherwise."""
    if feature['dtype'] == 'image':
        return IMAGE_TYPE
    value = pa.type_for_alias(feature['dtype'])
    (size,) = feature['shape']
    return value if size == 1 else pa.list_(value, size)


def _feature(dtype: str, size: int = 1, names: list[str] | None = None) -> dict[str, Any]:
    return {'dtype': dtype, 'shape': [size], 'names': names}


def _hugging_feature(feature: dict[str, Any]) -> dict[str, Any]:
    if feature['dtype'] == 'image':
        return {'_type': 'Image'}
    value = {'dtype': feature['dtype'], '_type': 'Value'}
    (size,) = feature['shape']
    return value if size == 1 else {'feature': value, 'length': size, '_type': 'Sequence'}
