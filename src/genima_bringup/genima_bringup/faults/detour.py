# SPDX-License-Identifier: Apache-2.0
"""Leads one stream of a stack through the relay."""

from dataclasses import dataclass, replace
from typing import Any

from control_msgs.msg import JointTrajectoryControllerState
from genima_ros.core import qos
from rclpy.qos import QoSProfile
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Float64
from trajectory_msgs.msg import JointTrajectory

from genima.rig.rig import image_topic
from genima_bringup.graph import NodeEntry, Stack
from genima_msgs.msg import ActionChunk, TargetImage

FRONT = image_topic('front')
RELAY, PACKAGE = 'relay_node', 'genima_bringup.faults'


@dataclass(frozen=True)
class Link:
    """A stream that can pass the relay.

    Attributes:
        kind: Class of its messages.
        source: Topic that the relay reads.
        sink: Topic that it writes.
        qos: Of the reader and the writer.
    """

    kind: Any
    source: str
    sink: str
    qos: QoSProfile


def links(controller: str) -> dict[str, Link]:
    """Return the streams by the names that the cases use."""
    streams = {
        'joint_states': (JointState, 'joint_states', qos.RELIABLE),
        'target_image': (TargetImage, 'target_image', qos.COMMAND),
        'action_chunk': (ActionChunk, 'action_chunk', qos.RELIABLE),
        'front camera': (Image, FRONT, qos.RELIABLE),
        'joint_trajectory': (JointTrajectory, f'{controller}/joint_trajectory', qos.RELIABLE),
        'controller_state': (JointTrajectoryControllerState, f'{controller}/controller_state', qos.RELIABLE),
        'clock of the guard': (Clock, '/clock', qos.CLOCK),
        'gripper/command': (Float64, 'gripper/command', qos.LATCHED),
    }
    return {name: Link(kind, topic, _aside(topic), profile) for name, (kind, topic, profile) in streams.items()}


def rerouted(stack: Stack, controller: str, link: str) -> Stack:
    """Return the stack with a relay and one stream led through it; as it is where `link` is empty."""
    if not link:
        return stack
    topic = links(controller)[link].source
    detour = {
        'diffusion_node': (FRONT,),
        'act_node': ('joint_states', 'target_image'),
        'target_check_node': ('target_image',),
        'guard_node': ('joint_states', 'target_image', 'action_chunk', f'{controller}/controller_state', '/clock'),
        'sim_node': ('action_chunk', f'{controller}/joint_trajectory'),
        'fci_node': (f'{controller}/joint_trajectory',),
    }
    nodes = [NodeEntry(RELAY, {'link': link, 'controller': controller}, package=PACKAGE)]
    for entry in stack.nodes:
        remappings = {topic: _aside(topic)} if topic in detour.get(entry.name, ()) else {}
        nodes.append(replace(entry, remappings={**entry.remappings, **remappings}))
    return replace(stack, nodes=tuple(nodes))


def _aside(topic: str) -> str:
    return f'relayed/{topic.removeprefix("/")}'
