# SPDX-License-Identifier: Apache-2.0
"""One native episode as a recording that comes back bit by bit.

Everything lies on the steps of the episode: joints, pictures at their capture times, the command as the reference of the
robot's controller one step on, the intention as one chunk per step. What a message has no room for (times finer than
nanoseconds, rotations as matrices) travels in the provenance.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from genima.align.grid import period_s, to_nanoseconds, to_seconds
from genima.convert.mcap import messages
from genima.convert.mcap.choice import EXACT
from genima.episodes.episode import Episode
from genima.episodes.frames import open_views
from genima.episodes.store import read_episode
from genima.errors import DatasetError, GenimaError
from genima.recording.writer import BagWriter
from genima.robots.profile import RobotProfile

JOINTS, GRIPPER, CHUNK = '/joint_states', '/gripper/command', '/action_chunk'
EVENTS, STATIC = '/episode_events', '/tf_static'
DEFAULT_CONTROLLER = 'arm_controller'


def export_episode(out: Path, path: Path) -> tuple[str, str]:
    """Write one episode as a recording into a folder; it appears there when it is complete.

    Returns:
        Its name, and why it failed; empty if it did not.
    """
    name = path.stem
    hidden = out / f'.{name}.partial'
    try:
        if (out / name).exists():
            raise DatasetError(f'{out / name} exists and was not finished; repair or remove it')
        shutil.rmtree(hidden, ignore_errors=True)
        with open_views(path) as views:
            _Export(read_episode(path, images=False)).write(hidden / name, views)
        (hidden / name).rename(out / name)
    except GenimaError as error:
        return name, f'{path}: {error}'
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
    return name, ''


class _Export:
    """An episode and what its messages need to know."""

    def __init__(self, episode: Episode) -> None:
        metadata = episode.metadata
        if not metadata.get('robot'):
            raise DatasetError('its metadata does not name the robot; joints and gripper have no names without it')
        self._episode, self._profile = episode, RobotProfile.named(metadata['robot'])
        self._arm = list(self._profile.arm_joints)
        if episode.q_rad.shape[1] != len(self._arm):
            raise DatasetError(f'it has {episode.q_rad.shape[1]} joints, robot {self._profile.name} has {len(self._arm)}')
        steps_s = np.diff(episode.timestamps_s)
        self._rate_hz = float(metadata.get('rate_hz') or (1.0 / np.median(steps_s) if len(steps_s) else 1.0))
        self._period_s = period_s(self._rate_hz)
        controllers = self._profile.controllers.values()
        self._reference = f'/{next(iter(controllers), DEFAULT_CONTROLLER)}/controller_state'

    def write(self, folder: Path, views: Mapping[str, Any]) -> None:
        """Write the bag; `views` are (T, H, W, 3) by camera."""
        metadata = self._episode.metadata
        success, failure = metadata.get('success'), metadata.get('failure')
        outcome = 'unfinished' if success is None else 'success' if success else 'failure'
        with BagWriter(folder, {**metadata, EXACT: self._exact()}) as writer:
            self._announce(writer, views)
            self._start(writer)
            for step in range(len(self._episode)):
                self._write_step(writer, step, views)
            self._mark(writer)
            writer.finish(outcome, (failure or 'other') if outcome == 'failure' else None, str(metadata.get('note') or ''))

    def _exact(self) -> dict[str, Any]:
        """Return what ROS messages have no room for."""
        episode = self._episode
        return {
            'rate_hz': self._rate_hz,
            'plan_steps': 0 if episode.plan_q_rad is None else episode.plan_q_rad.shape[1],
            'timestamps_s': episode.timestamps_s.tolist(),
            'capture_s': {name: times_s.tolist() for name, times_s in episode.capture_s.items()},
            'cameras': {name: camera.to_dict() for name, camera in episode.cameras.items()},
        }

    def _announce(self, writer: BagWriter, views: Mapping[str, Any]) -> None:
        kinds = {
            JOINTS: 'sensor_msgs/msg/JointState',
            self._reference: messages.CONTROLLER_STATE,
            GRIPPER: 'std_msgs/msg/Float64',
            EVENTS: 'std_msgs/msg/String',
            STATIC: 'tf2_msgs/msg/TFMessage',
            **{_info_topic(name): 'sensor_msgs/msg/CameraInfo' for name in views},
            **{_image_topic(name): 'sensor_msgs/msg/Image' for name in views},
        }
        if self._episode.plan_q_rad is not None:
            kinds[CHUNK] = messages.ACTION_CHUNK
        for name, kind in kinds.items():
            writer.add_topic(messages.topic(name, kind, latched=name == STATIC))

    def _start(self, writer: BagWriter) -> None:
        begin_s = float(self._episode.timestamps_s[0])
        transforms = [
            messages.transform(begin_s, camera.parent_link, _frame(name), camera.T_parent_camera)
            for name, camera in self._episode.cameras.items()
        ]
        message = messages.cdr('tf2_msgs/msg/TFMessage', transforms=transforms)
        writer.write(STATIC, to_nanoseconds(begin_s), message)

    def _write_step(self, writer: BagWriter, step: int, views: Mapping[str, Any]) -> None:
        episode, time_s = self._episode, float(self._episode.timestamps_s[step])
        now_ns = to_nanoseconds(time_s)
        for name, images in views.items():
            captured_s = float(episode.capture_s[name][step])
            info = messages.camera_info(episode.cameras[name].model, captured_s, _frame(name))
            writer.write(_info_topic(name), now_ns, info)
            writer.write(_image_topic(name), now_ns, messages.image(images[step], captured_s, _frame(name)))
        writer.write(JOINTS, now_ns, self._joint_state(step, time_s))
        q_command_rad = episode.q_command_rad[step]
        writer.write(self._reference, now_ns, messages.controller_state(self._next_s(time_s), self._arm, q_command_rad))
        command = float(episode.gripper_command_open[step])
        writer.write(GRIPPER, now_ns, messages.cdr('std_msgs/msg/Float64', data=command))
        if episode.plan_q_rad is not None and episode.plan_gripper_open is not None:
            chunk = self._chunk(time_s, episode.plan_q_rad[step], episode.plan_gripper_open[step])
            writer.write(CHUNK, now_ns, chunk)

    def _joint_state(self, step: int, time_s: float) -> bytes:
        gripper = self._profile.gripper
        fingers = [gripper.position_m(float(self._episode.gripper_open[step]))] * len(gripper.joints)
        positions = np.array([*self._episode.q_rad[step], *fingers])
        return messages.joint_state(time_s, [*self._arm, *gripper.joints], positions)

    def _next_s(self, time_s: float) -> float:
        return to_seconds(to_nanoseconds(time_s) + to_nanoseconds(self._period_s))

    def _chunk(self, time_s: float, q_rad: np.ndarray, openings: np.ndarray) -> bytes:
        gripper = self._profile.gripper
        finger = gripper.joints[:1]
        points = [
            messages.point(np.append(q, [gripper.position_m(float(opening))] * len(finger)), (i + 1) * self._period_s)
            for i, (q, opening) in enumerate(zip(q_rad, openings, strict=True))
        ]
        names = [*self._arm, *finger]
        header = messages.header(time_s, self._profile.base_link)
        contract = str(self._episode.metadata.get('contract') or '')
        return messages.cdr(messages.ACTION_CHUNK, header=header, contract=contract, joint_names=names, points=points)

    def _mark(self, writer: BagWriter) -> None:
        """Write where steps are to be ignored."""
        edges = np.flatnonzero(np.diff(self._episode.ignore.astype(int), prepend=0, append=0))
        times_s = np.append(self._episode.timestamps_s, self._next_s(float(self._episode.timestamps_s[-1])))
        for edge, kind in zip(edges, np.tile(['ignore_begin', 'ignore_end'], len(edges) // 2), strict=True):
            text = json.dumps({'kind': str(kind), 'note': 'as marked in the episode'})
            writer.write(EVENTS, to_nanoseconds(times_s[edge]), messages.cdr('std_msgs/msg/String', data=text))


def _image_topic(camera: str) -> str:
    return f'/cameras/{camera}/image_raw'


def _info_topic(camera: str) -> str:
    return f'/cameras/{camera}/camera_info'


def _frame(camera: str) -> str:
    return f'{camera}_optical_frame'
