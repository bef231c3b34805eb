# SPDX-License-Identifier: Apache-2.0
"""What has to be true of a rig before a run: each check is one line with the numbers, and what to do where it fails."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy

from genima.errors import GenimaError
from genima.robots.profile import RobotProfile
from genima_ros.conversions.frames import FrameTree
from genima_ros.conversions.images import image_array
from genima_ros.conversions.messages import camera_model

MAX_AGE_S = 0.15
MAX_SKEW_S = 0.05
LEAST_BUFFER_BYTES = 2_000_000
FROZEN_IMAGES = 3
LEAST_GPU_BYTES = 2 * 2**30


@dataclass(frozen=True)
class Check:
    """One line of the doctor's report: what was looked at, whether it is well, the finding, and the remedy."""

    name: str
    ok: bool
    finding: str
    remedy: str = ''


@dataclass
class Stream:
    """What came on one topic.

    Attributes:
        topic: Its name.
        publishers: How many there are.
        stamps_s: Stamps of the messages in order of arrival, ROS time.
        ages_s: How old each message was when it arrived.
        newest: The last message.
        unchanged: How many of the last messages had the same content under new stamps.
    """

    topic: str
    publishers: int = 0
    stamps_s: list[float] = field(default_factory=list)
    ages_s: list[float] = field(default_factory=list)
    newest: Any = None
    unchanged: int = 0

    @property
    def rate_hz(self) -> float:
        """Messages per second of ROS time."""
        span_s = max(self.stamps_s) - min(self.stamps_s) if len(self.stamps_s) > 1 else 0.0
        return (len(self.stamps_s) - 1) / span_s if span_s > 0 else 0.0


def check_stream(stream: Stream, least_hz: float) -> list[Check]:
    """Check that messages come, often enough, in order, and not from another time."""
    if not stream.stamps_s:
        if not stream.publishers:
            return [Check(stream.topic, False, 'nobody publishes it', 'start its driver, or remap the topic')]
        remedy = 'compare domain ids, network interfaces and firewalls of the machines'
        return [Check(stream.topic, False, f'{stream.publishers} publishers, but nothing arrives', remedy)]
    backward = int((np.diff(stream.stamps_s) <= 0).sum())
    age_s = float(np.median(stream.ages_s))
    checks = [
        Check(
            f'{stream.topic} rate',
            stream.rate_hz >= least_hz,
            f'{stream.rate_hz:.1f} Hz, at least {least_hz:.1f} needed',
            'raise the rate of its driver; look for a slow network or processor',
        ),
        Check(
            f'{stream.topic} stamps',
            backward == 0,
            f'{backward} of {len(stream.stamps_s)} stamps do not increase',
            'let one driver publish it, with capture times',
        ),
        Check(
            f'{stream.topic} age',
            -MAX_SKEW_S <= age_s <= MAX_AGE_S,
            f'{1e3 * age_s:.0f} ms old on arrival, allowed {-1e3 * MAX_SKEW_S:.0f} to {1e3 * MAX_AGE_S:.0f}',
            'synchronise the clocks of the machines (chrony), or look for buffering in the driver',
        ),
    ]
    if stream.publishers > 1:
        checks.append(Check(stream.topic, False, f'{stream.publishers} publishers at once', 'stop all but one of them'))
    return checks


def check_endpoints(topic: str, kind: str, publishers: Sequence[Any], subscriptions: Sequence[Any]) -> list[Check]:
    """Check that all who speak or listen on a topic agree on its type and get each other's messages.

    Args:
        topic: Its name.
        kind: Type that it should have, as in 'sensor_msgs/msg/Image'.
        publishers: rclpy's TopicEndpointInfo of each; `subscriptions` likewise.
    """
    wrong = sorted({f'{each.topic_type} of {each.node_name}' for each in publishers if each.topic_type != kind})
    checks = []
    if wrong:
        finding = f'{", ".join(wrong)}; {kind} is needed'
        checks.append(Check(f'{topic} type', False, finding, 'remap the topic of that type that the policy needs'))
    deaf = [
        f'{listener.node_name} does not hear {speaker.node_name}'
        for speaker in publishers
        for listener in subscriptions
        if not _compatible(speaker.qos_profile, listener.qos_profile)
    ]
    if deaf:
        remedy = 'let the publisher be reliable, or the subscriber best effort (ros2 topic info --verbose shows both)'
        checks.append(Check(f'{topic} QoS', False, ', '.join(deaf), remedy))
    return checks


def _compatible(offered: Any, asked: Any) -> bool:
    """Return whether a publisher's QoS serves a subscription (DDS: request versus offered)."""
    best_effort, volatile = ReliabilityPolicy.BEST_EFFORT, DurabilityPolicy.VOLATILE
    unreliable = offered.reliability == best_effort and asked.reliability == ReliabilityPolicy.RELIABLE
    forgetful = offered.durability == volatile and asked.durability == DurabilityPolicy.TRANSIENT_LOCAL
    return not (unreliable or forgetful)


def check_joints(stream: Stream, profile: RobotProfile, positions: dict[str, float]) -> list[Check]:
    """Check that every joint of the robot is told, finite and inside its limits; `positions` merges all messages."""
    if not positions:
        return []
    missing = [name for name in (*profile.arm_joints, *profile.gripper.joints[:1]) if name not in positions]
    heard = ', '.join(sorted(positions))
    checks = [
        Check(
            f'{stream.topic} names',
            not missing,
            f'missing: {", ".join(missing)}; heard: {heard}' if missing else f'all joints of {profile.name} are there',
            'choose the right robot profile, or start the driver of the missing part (the gripper has its own)',
        )
    ]
    limits = profile.limits
    outside = [
        f'{name} at {positions[name]:.3f} rad'
        for name, low, high in zip(profile.arm_joints, limits.position_min_rad, limits.position_max_rad, strict=True)
        if name in positions and not low <= positions[name] <= high
    ]
    finding = ', '.join(outside) or 'all inside'
    checks.append(Check(f'{stream.topic} limits', not outside, finding, 'move the arm back with its own tools'))
    return checks


def check_camera(
    name: str, image: Stream, info: Stream, frames: FrameTree, base_link: str, simulated: bool = False
) -> list[Check]:
    """Check that a camera sends changing colour images with a calibration that fits them, and that tf places it.

    Pictures of a simulation have no noise: they may be equal while nothing moves.
    """
    if image.newest is None:
        return []
    checks = [_attempt(f'camera {name} image', lambda: f'{image_array(image.newest, image.topic).shape}')]
    frozen = image.unchanged >= FROZEN_IMAGES and not simulated
    finding = f'{image.unchanged} equal images in a row under new stamps' if frozen else 'pictures change'
    checks.append(Check(f'camera {name} alive', not frozen, finding, 'restart the camera driver'))
    if info.newest is None:
        finding = f'nothing on {info.topic}'
        checks.append(Check(f'camera {name} calibration', False, finding, 'calibrate the camera and publish camera_info'))
    else:
        checks.append(_attempt(f'camera {name} calibration', lambda: _calibration(name, image, info)))
    frame = image.newest.header.frame_id
    checks.append(_attempt(f'camera {name} tf', lambda: _placed(frames, base_link, frame)))
    return checks


def check_skew(cameras: Sequence[Stream]) -> list[Check]:
    """Check that the newest images of all cameras were taken together; one of a camera may be ahead by one image."""
    known = [camera.stamps_s for camera in cameras if camera.stamps_s]
    if len(known) < 2:
        return []
    newest_s = min(stamps_s[-1] for stamps_s in known)
    together_s = [min(stamps_s[-2:], key=lambda stamp_s: abs(stamp_s - newest_s)) for stamps_s in known]
    skew_s = max(together_s) - min(together_s)
    finding = f'{1e3 * skew_s:.0f} ms between the newest images, allowed {1e3 * MAX_SKEW_S:.0f}'
    return [Check('cameras together', skew_s <= MAX_SKEW_S, finding, 'trigger the cameras together or raise their rate')]


def check_command_topic(topic: str, publishers: int, subscribers: int) -> list[Check]:
    """Check that a controller listens and that at most the guard speaks to it."""
    return [
        Check(
            f'{topic} controller',
            subscribers > 0,
            f'{subscribers} subscribers',
            'activate the joint_trajectory_controller: ros2 control switch_controllers --activate NAME',
        ),
        Check(
            f'{topic} speakers',
            publishers <= 1,
            f'{publishers} publishers, at most the guard may be one',
            'stop what else commands the arm (MoveIt, teleoperation)',
        ),
    ]


def check_gpu(memory: tuple[int, int] | None) -> list[Check]:
    """Check that the GPU has room for the painter; `memory` is (free, total) in bytes, None where none is used."""
    if memory is None:
        return []
    free, total = (size / 2**30 for size in memory)
    finding = f'{free:.1f} of {total:.1f} GiB free, at least {LEAST_GPU_BYTES / 2**30:.0f} wanted'
    return [Check('GPU memory', memory[0] >= LEAST_GPU_BYTES, finding, 'end what else runs on the GPU: nvidia-smi')]


def check_machine(buffer_file: Path = Path('/proc/sys/net/core/rmem_max')) -> list[Check]:
    """Check that the kernel's socket buffers hold an image."""
    if not buffer_file.is_file():
        return []
    size = int(buffer_file.read_text())
    remedy = f'sudo sysctl -w net.core.rmem_max={2**31 - 1}  (fragments of large images are lost otherwise)'
    finding = f'{size} bytes, at least {LEAST_BUFFER_BYTES} for images over the network'
    return [Check('socket buffers', size >= LEAST_BUFFER_BYTES, finding, remedy)]


def _attempt(name: str, look: Any) -> Check:
    try:
        return Check(name, True, look())
    except GenimaError as error:
        return Check(name, False, str(error), 'the finding says what is wrong')


def _calibration(name: str, image: Stream, info: Stream) -> str:
    model = camera_model(info.newest, name, info.topic)
    size, streamed = (model.width_px, model.height_px), image_array(image.newest, image.topic).shape[1::-1]
    if size != streamed:
        raise GenimaError(f'camera_info is for {size[0]}x{size[1]}, images are {streamed[0]}x{streamed[1]}')
    return f'{model.model}, {size[0]}x{size[1]}, focal length {model.K[0, 0]:.1f} px'


def _placed(frames: FrameTree, base_link: str, frame: str) -> str:
    if not frame:
        raise GenimaError('images carry no frame_id')
    x, y, z = frames.lookup(base_link, frame)[:3, 3]
    return f'{frame} at ({x:.2f}, {y:.2f}, {z:.2f}) m in {base_link}'
