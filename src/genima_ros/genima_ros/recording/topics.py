# SPDX-License-Identifier: Apache-2.0
"""What the recorder listens to, and how these messages are defined."""

import re
from dataclasses import dataclass
from typing import Any

from control_msgs.msg import JointTrajectoryControllerState
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, JointState
from std_msgs.msg import Float64, String
from tf2_msgs.msg import TFMessage
from trajectory_msgs.msg import JointTrajectory

from genima.recording.rosbag2 import Topic, qos_text
from genima.rig.rig import Rig
from genima_msgs.msg import ActionChunk, CameraCheck, EpisodeStatus, GuardStatus, TargetCheck, TargetImage
from genima_ros.guard.inputs import message_type

EVENTS = 'episode_events'
_SEPARATOR = '=' * 80
_BASIC = {'boolean': 'bool', 'octet': 'byte', 'float': 'float32', 'double': 'float64'}


@dataclass(frozen=True)
class Stream:
    """A topic that is recorded.

    Attributes:
        name: Relative name.
        kind: Class of its messages.
        depth: Of the queue of the subscription.
        required: Without it no episode begins.
        periodic: A pause is a gap that is warned of.
        stamped: Its messages begin with a header, or a time: when they were taken, or said.
        sensor: Its publisher may be a driver, and not reliable.
        holds: The newest so many messages hold until others come; every episode begins with them.
        latched: Late subscribers are told the newest messages.
        alone: One program publishes it; a second one is another robot or simulation on the same network.
    """

    name: str
    kind: Any
    depth: int = 50
    required: bool = False
    periodic: bool = False
    stamped: bool = False
    sensor: bool = False
    holds: int = 0
    latched: bool = False
    alone: bool = False


def recorded_streams(rig: Rig, controller: str, simulated: bool) -> list[Stream]:
    """Return everything that an episode is made of, in the order in which it is shown.

    Args:
        rig: Topics of cameras and joints.
        controller: Name of the joint_trajectory_controller.
        simulated: Whether there is a /clock.
    """
    sensor = {'required': True, 'periodic': True, 'stamped': True, 'sensor': True}
    kinds = {'raw': Image, 'compressed': CompressedImage}
    streams = [Stream(camera.images, kinds[camera.transport], alone=True, **sensor) for camera in rig.cameras]
    streams += [Stream(camera.info, CameraInfo, alone=True, **sensor) for camera in rig.cameras]
    streams += [
        Stream(rig.joint_states, JointState, 500, **sensor),
        Stream(f'{controller}/controller_state', JointTrajectoryControllerState, 200, alone=True, **sensor),
        Stream(f'{controller}/joint_trajectory', JointTrajectory),
        Stream('action_chunk', ActionChunk),
        Stream('gripper/command', Float64, holds=1),
        Stream('guard/status', GuardStatus, latched=True),
        Stream('camera_check', CameraCheck),
        Stream('tf', TFMessage, 200, sensor=True),
        Stream('tf_static', TFMessage, 100, holds=100, latched=True),
        Stream('robot_description', String, 1, holds=1, latched=True),
    ]
    if simulated:
        streams.append(Stream('/clock', Clock, 500, stamped=True, sensor=True, alone=True))
        streams.append(Stream('episode', EpisodeStatus, latched=True))
    return streams


def failure_streams(rig: Rig, controller: str, simulated: bool) -> list[Stream]:
    """Return everything that tells why a policy failed: an episode, what was painted, and the check of it."""
    painted = [Stream('target_image', TargetImage, 10, stamped=True), Stream('target_check', TargetCheck, stamped=True)]
    return recorded_streams(rig, controller, simulated) + painted


def reader_qos(stream: Stream, reliable_sensors: bool) -> QoSProfile:
    """Return what a subscription asks for: a reliable one gets nothing from a publisher that is not."""
    reliable = reliable_sensors and stream.kind is not Clock if stream.sensor else True
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=stream.depth,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if stream.latched else DurabilityPolicy.VOLATILE,
    )


def bag_topic(node: Node, name: str, kind: Any) -> Topic:
    """Return what a bag has to know of a topic, given by its full name: type, definition, and what publishers offer."""
    offers = [info.qos_profile for info in node.get_publishers_info_by_topic(name)]
    reliable = all(offer.reliability == ReliabilityPolicy.RELIABLE for offer in offers)
    latched = all(offer.durability == DurabilityPolicy.TRANSIENT_LOCAL for offer in offers)
    qos = qos_text(10, reliable=reliable, latched=latched) if offers else ''
    return Topic(name, type_name(kind), definition(kind), qos)


def type_name(kind: Any) -> str:
    """Return the full name of a message class, for example 'sensor_msgs/msg/Image'."""
    return f'{kind.__module__.split(".")[0]}/msg/{kind.__name__}'


def definition(kind: Any) -> str:
    """Return the definition of a message class and of all that it is made of, as MCAP's `ros2msg` has it.

    It is made from the class, which says the same with and without ROS 2; its files may be anywhere, or nowhere.
    """
    texts: dict[str, str] = {}
    _define(kind, texts)
    first, *others = texts.items()
    return first[1] + ''.join(f'{_SEPARATOR}\nMSG: {name}\n{text}' for name, text in others)


def _define(kind: Any, texts: dict[str, str]) -> None:
    name = type_name(kind).replace('/msg/', '/')
    if name in texts:
        return
    fields = kind.get_fields_and_field_types()
    texts[name] = ''.join(f'{_field_type(idl)} {field}\n' for field, idl in fields.items())
    for idl in fields.values():
        nested = re.search(r'(\w+)/(\w+)', idl)
        if nested:
            _define(message_type(f'{nested[1]}/msg/{nested[2]}'), texts)


def _field_type(idl: str) -> str:
    """Return a type of a .msg file for one of IDL: 'sequence<double, 3>' is 'float64[<=3]'."""
    sequence = re.fullmatch(r'sequence<(.+?)(?:, (\d+))?>', idl)
    if sequence:
        return f'{_field_type(sequence[1])}[{"<=" + sequence[2] if sequence[2] else ""}]'
    array = re.fullmatch(r'(.+)\[(\d+)\]', idl)
    if array:
        return f'{_field_type(array[1])}[{array[2]}]'
    bounded = re.fullmatch(r'string<(\d+)>', idl)
    return f'string<={bounded[1]}' if bounded else _BASIC.get(idl, idl)


def event_stream() -> Stream:
    """Return the topic of the recorder's own marks."""
    return Stream(EVENTS, String)
