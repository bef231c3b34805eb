# SPDX-License-Identifier: Apache-2.0
"""Rig: one YAML file that maps our names to the topics of a lab; launch files, recorder, doctor and converter read it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genima.borders.texts import parse_yaml, read_text
from genima.errors import BorderError, ProfileError
from genima.files import config_dir
from genima.robots.schema import require_mapping, require_text

TRANSPORTS = ('raw', 'compressed')
MAX_CAMERAS = 6
MAX_BYTES = 2**20
_NAME = re.compile(r'[A-Za-z][A-Za-z0-9_]*')
_TOPIC = re.compile(r'/?[A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)*')


def image_topic(camera: str) -> str:
    """Return the topic of a camera's images where no rig says otherwise."""
    return f'cameras/{camera}/image_raw'


def info_topic(camera: str) -> str:
    """Return the topic of a camera's calibration where no rig says otherwise."""
    return f'cameras/{camera}/camera_info'


@dataclass(frozen=True)
class RigCamera:
    """One camera of a rig.

    Attributes:
        name: Of the camera in contract, bags and episodes.
        image: Topic of the uncompressed images, as `sensor_msgs/msg/Image`; relative topics stand in the namespace.
        info: Topic of `sensor_msgs/msg/CameraInfo`.
        transport: 'raw', or 'compressed' to read `<image>/compressed` as `sensor_msgs/msg/CompressedImage`.
    """

    name: str
    image: str
    info: str
    transport: str = 'raw'

    @property
    def images(self) -> str:
        """Topic that carries the images in the chosen transport."""
        return f'{self.image}/compressed' if self.transport == 'compressed' else self.image


@dataclass(frozen=True)
class Rig:
    """The topics of a lab.

    Attributes:
        cameras: One to six cameras, all of different names.
        robot: Name or file of the robot profile; empty: whatever the stack says.
        joint_states: Topic of the measured joints of the arm and its gripper.
        gripper: How the gripper is spoken to, by the keys of a profile's gripper driver; empty: as the profile says.
        source: File that this was read from; empty: made from names.
    """

    cameras: tuple[RigCamera, ...]
    robot: str = ''
    joint_states: str = 'joint_states'
    gripper: Mapping[str, Any] = field(default_factory=dict)
    source: str = ''

    @classmethod
    def of(cls, cameras: Sequence[str], transport: str = 'raw') -> 'Rig':
        """Return the rig whose cameras publish under our own names, all by one transport."""
        return cls(tuple(RigCamera(name, image_topic(name), info_topic(name), transport) for name in cameras))

    @classmethod
    def load(cls, rig: str | Path) -> 'Rig':
        """Read a rig: a YAML file, or the name of one in `config/rigs`.

        Raises:
            ProfileError: if there is none, or it cannot be understood; with file, key, what was found and what is allowed.
        """
        path = Path(rig).expanduser()
        if path.suffix not in ('.yaml', '.yml'):
            path = config_dir() / 'rigs' / f'{rig}.yaml'
        if not path.is_file():
            known = ', '.join(sorted(each.stem for each in (config_dir() / 'rigs').glob('*.yaml')))
            raise ProfileError(f'no rig {rig}: {path} is not there; config/rigs has {known}; `genima rig detect` writes one')
        try:
            return cls.from_dict(parse_yaml(read_text(path, MAX_BYTES)), str(path))
        except BorderError as error:
            raise ProfileError(f'{path} is no rig file: {error}') from error

    @classmethod
    def from_dict(cls, values: Any, source: str = 'rig') -> 'Rig':
        """Build from plain values; unknown keys, odd names and odd topics are refused."""
        data = require_mapping(values, source, ['cameras'], ['robot', 'joint_states', 'gripper'])
        cameras = data['cameras']
        if not isinstance(cameras, dict) or not 1 <= len(cameras) <= MAX_CAMERAS:
            got = len(cameras) if isinstance(cameras, dict) else type(cameras).__name__
            raise ProfileError(f'{source}: cameras: expected a mapping of 1 to {MAX_CAMERAS} cameras, got {got}')
        robot = require_text(data['robot'], f'{source}: robot') if data.get('robot') else ''
        joints = _topic(data.get('joint_states', 'joint_states'), f'{source}: joint_states')
        gripper = data.get('gripper') or {}
        if not isinstance(gripper, dict):
            raise ProfileError(f'{source}: gripper: expected a mapping, got {type(gripper).__name__}')
        read = tuple(_camera(name, each, f'{source}: cameras.{name}') for name, each in cameras.items())
        topics = [topic for camera in read for topic in (camera.images, camera.info)]
        twice = sorted({topic for topic in topics if topics.count(topic) > 1})
        if twice:
            raise ProfileError(f'{source}: cameras: {", ".join(twice)} twice; each camera has topics of its own')
        return cls(read, robot, joints, gripper, source)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the cameras, in the order of the file."""
        return tuple(camera.name for camera in self.cameras)

    def camera(self, name: str) -> RigCamera:
        """Return a camera by name.

        Raises:
            ProfileError: if there is none, with the names that there are.
        """
        for camera in self.cameras:
            if camera.name == name:
                return camera
        where = self.source or 'the rig'
        raise ProfileError(f'{where} has no camera {name!r}, only {", ".join(self.names)}; add it under cameras:')

    def remappings(self) -> dict[str, str]:
        """Return our topic names to those of the lab, for every node; topics that are equal are left out."""
        pairs = {'joint_states': self.joint_states}
        for camera in self.cameras:
            ours, image = image_topic(camera.name), camera.image
            pairs |= {ours: image, f'{ours}/compressed': f'{image}/compressed', info_topic(camera.name): camera.info}
        return {ours: theirs for ours, theirs in pairs.items() if ours != theirs}

    def to_dict(self) -> dict[str, Any]:
        """Return plain values as they stand in the file."""
        cameras = {each.name: {'image': each.image, 'info': each.info, 'transport': each.transport} for each in self.cameras}
        head = {'robot': self.robot} if self.robot else {}
        tail = {'gripper': dict(self.gripper)} if self.gripper else {}
        return {**head, 'joint_states': self.joint_states, 'cameras': cameras, **tail}


def _camera(name: Any, values: Any, where: str) -> RigCamera:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ProfileError(f'{where}: a camera is called by letters, digits and _, beginning with a letter; got {name!r}')
    if isinstance(values, str):
        values = {'image': values}
    data = require_mapping(values, where, ['image'], ['info', 'transport'])
    transport = data.get('transport', 'raw')
    if transport not in TRANSPORTS:
        raise ProfileError(f'{where}: transport: got {transport!r}, allowed: {", ".join(TRANSPORTS)}')
    image = _topic(data['image'], f'{where}: image').removesuffix('/compressed')
    beside = image.rpartition('/')
    info = _topic(data.get('info', f'{beside[0]}{beside[1]}camera_info'), f'{where}: info')
    return RigCamera(name, image, info, transport)


def _topic(value: Any, where: str) -> str:
    if not isinstance(value, str) or not _TOPIC.fullmatch(value):
        raise ProfileError(f'{where}: expected the name of a topic, /camera/color/image_raw for example, got {value!r}')
    return value
