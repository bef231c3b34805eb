# SPDX-License-Identifier: Apache-2.0
"""Bags as other people's drivers and recorders write them: two seconds of a smooth motion with small images."""

from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
from mcap.writer import CompressionType, Writer

from genima.align.grid import to_nanoseconds
from genima.cameras.model import CameraModel
from genima.convert.mcap import conversion, messages
from genima.convert.mcap.messages import cdr, header
from genima.episodes.episode import Episode
from genima.episodes.store import read_episode
from genima.recording.rosbag2 import describe, metadata_text
from genima.robots.profile import RobotProfile

PANDA = RobotProfile.load('panda')
START_S, DURATION_S = 1_700_000_000.25, 2.0
WIDTH_PX, HEIGHT_PX = 16, 12
FINGERS = PANDA.gripper.joints
STATE = '/panda_arm_controller/controller_state'
INFO, IMAGE = 'sensor_msgs/msg/CameraInfo', 'sensor_msgs/msg/Image'
CAMERA = CameraModel(
    'front', WIDTH_PX, HEIGHT_PX, np.array([[20.0, 0, 7.5], [0, 20.0, 5.5], [0, 0, 1.0]]), np.zeros(5), 'plumb_bob'
)
T_BASE_CAMERA = np.array([[1.0, 0, 0, 0.4], [0, 1, 0, 0.1], [0, 0, 1, 0.7], [0, 0, 0, 1]])

Said = tuple[str, str, float, bytes]
"""Topic, type, time of reception [s], CDR."""


def q_rad(time_s: float) -> np.ndarray:
    return PANDA.home_rad + 0.2 * np.sin(2.0 * (time_s - START_S) + np.arange(7))


def opening(time_s: float) -> float:
    """Closes on something of half the stroke from 0.8 s on, and opens from 1.5 s on."""
    since_s = time_s - START_S
    return float(np.clip(1.0 - 5 * (since_s - 0.8), 0.5, 1.0) if since_s < 1.5 else np.clip(0.5 + 5 * (since_s - 1.5), 0, 1))


def times(rate_hz: float, delay_s: float = 0.0) -> list[float]:
    return [START_S + delay_s + k / rate_hz for k in range(int(DURATION_S * rate_hz))]


def pixels(number: int) -> np.ndarray:
    """A smooth image, so that YUV, Bayer and JPEG lose little of it; its brightness tells its number."""
    v, u = np.mgrid[:HEIGHT_PX, :WIDTH_PX]
    return np.stack([8 * u + number, 10 * v + 40, 100 + 3 * u + 2 * v], axis=-1).clip(0, 255).astype(np.uint8)


def joints(topic: str = '/joint_states', offset_rad: float = 0.0, shift_s: float = 0.0, stamped: bool = True) -> list[Said]:
    names = [*PANDA.arm_joints, *FINGERS]
    found = []
    for time_s in times(100.0, shift_s):
        fingers = [PANDA.gripper.position_m(opening(time_s))] * len(FINGERS)
        data = messages.joint_state(time_s if stamped else 0.0, names, np.array([*(q_rad(time_s) + offset_rad), *fingers]))
        found.append((topic, 'sensor_msgs/msg/JointState', time_s + 0.001, data))
    return found


def images(
    topic: str = '/cameras/front/image_raw',
    make: Callable[[int, float], tuple[str, bytes]] | None = None,
    shift_s: float = 0.0,
) -> list[Said]:
    """Say images; `make` returns type and CDR for the number and the stamp of one."""
    found = []
    for number, time_s in enumerate(times(30.0)):
        kind, data = (
            (IMAGE, messages.image(pixels(number), time_s + shift_s, 'front_frame'))
            if make is None
            else make(number, time_s)
        )
        found.append((topic, kind, time_s + 0.004, data))
    return found


def infos(topic: str = '/cameras/front/camera_info', model: CameraModel = CAMERA) -> list[Said]:
    return [(topic, INFO, time_s + 0.003, messages.camera_info(model, time_s, 'front_frame')) for time_s in times(30.0)]


def frames(edges: Iterable[tuple[str, str, np.ndarray]] = (('panda_link0', 'front_frame', T_BASE_CAMERA),)) -> list[Said]:
    transforms = [messages.transform(START_S, parent, child, T) for parent, child, T in edges]
    return [('/tf_static', 'tf2_msgs/msg/TFMessage', START_S, cdr('tf2_msgs/msg/TFMessage', transforms=transforms))]


def references(topic: str = STATE, offset_rad: float = 0.01) -> list[Said]:
    found = []
    for time_s in times(50.0):
        data = messages.controller_state(time_s, PANDA.arm_joints, q_rad(time_s) + offset_rad)
        found.append((topic, messages.CONTROLLER_STATE, time_s + 0.001, data))
    return found


def commands(topic: str = '/gripper/command') -> list[Said]:
    told = ((0.0, 1.0), (0.78, 0.0), (1.48, 1.0))
    return [
        (topic, 'std_msgs/msg/Float64', START_S + since_s, cdr('std_msgs/msg/Float64', data=value))
        for since_s, value in told
    ]


def plain() -> list[Said]:
    return joints() + images() + infos() + frames() + references() + commands()


def without(said: list[Said], *topics: str) -> list[Said]:
    return [each for each in said if each[0] not in topics]


def write_bag(
    folder: Path,
    said: Iterable[Said],
    extra: Callable[[Writer], None] | None = None,
    compression: CompressionType = CompressionType.ZSTD,
    pack: Callable[[bytes], bytes] = bytes,
) -> Path:
    """Write a bag as rosbag2 does, without anything of ours; return its folder."""
    folder.mkdir(parents=True)
    with (folder / f'{folder.name}_0.mcap').open('wb') as file:
        writer = Writer(file, compression=compression)
        writer.start(profile='ros2', library='somebody')
        schemas: dict[str, int] = {}
        channels: dict[tuple[str, str], int] = {}
        for topic, kind, time_s, data in sorted(said, key=lambda each: each[2]):
            if kind not in schemas:
                text = messages._store().generate_msgdef(kind, ros_version=2)[0]
                schemas[kind] = writer.register_schema(kind, 'ros2msg', text.encode())
            if (topic, kind) not in channels:
                channels[topic, kind] = writer.register_channel(topic, 'cdr', schemas[kind], {'offered_qos_profiles': ''})
            time_ns = to_nanoseconds(time_s)
            writer.add_message(channels[topic, kind], time_ns, pack(data), time_ns)
        if extra is not None:
            extra(writer)
        writer.finish()
    (folder / 'metadata.yaml').write_text(metadata_text(describe(f'{folder.name}_0.mcap', {}, {})))
    return folder


def convert(source: Path, out: Path, **options: object) -> Episode:
    conversion.load(source, out, lambda name: None, robot='panda', **options)  # type: ignore[arg-type]
    (path,) = out.glob('*.h5')
    return read_episode(path)


def check_whole(episode: Episode, steps: int = 19) -> None:
    """Require an episode whose joints, commands, images and camera are the right ones."""
    assert len(episode) >= steps
    np.testing.assert_allclose(episode.q_rad, [q_rad(time_s) for time_s in episode.timestamps_s], atol=1e-3)
    wanted = [q_rad(time_s + 0.1) + 0.01 for time_s in episode.timestamps_s]
    np.testing.assert_allclose(episode.q_command_rad, wanted, atol=1e-3)
    np.testing.assert_allclose(episode.cameras['front'].T_parent_camera, T_BASE_CAMERA, atol=1e-9)
    assert episode.cameras['front'].parent_link == 'panda_link0'


def check_images(episode: Episode, atol: float = 0.0) -> None:
    """Require the image of each step's capture time."""
    for step, captured_s in enumerate(episode.capture_s['front']):
        wanted = pixels(round((captured_s - START_S) * 30)).astype(float)
        np.testing.assert_allclose(episode.views['front'][step].astype(float), wanted, atol=atol)


def compressed(data: bytes, time_s: float) -> tuple[str, bytes]:
    kind = 'sensor_msgs/msg/CompressedImage'
    text = 'rgb8; jpeg compressed bgr8'
    return kind, cdr(kind, header=header(time_s, 'front_frame'), format=text, data=np.frombuffer(data, np.uint8))


def encoded(image: np.ndarray, end: str = '.png') -> bytes:
    return bytes(cv2.imencode(end, image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 98] if end == '.jpg' else [])[1].tobytes())


def raw_image(
    time_s: float, encoding: str, rows: np.ndarray, width: int, big: bool = False, **odd: int
) -> tuple[str, bytes]:
    """Say an image whose rows are (height, step) uint8."""
    fields: dict[str, object] = {'height': rows.shape[0], 'width': width, 'step': rows.shape[1], **odd}
    data = cdr(
        IMAGE, header=header(time_s, 'front_frame'), encoding=encoding, is_bigendian=int(big), data=rows.ravel(), **fields
    )
    return IMAGE, data


def twisted(transform: object, **numbers: float) -> object:
    """Change the quaternion or the translation of a transform."""
    for name, value in numbers.items():
        place = transform.transform.translation if name.startswith('t') else transform.transform.rotation  # type: ignore[attr-defined]
        setattr(place, name[-1], value)
    return transform
