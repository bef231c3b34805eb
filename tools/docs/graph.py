# SPDX-License-Identifier: Apache-2.0
"""What each node declares, hears, publishes, offers and calls: noted while the node is built.

The nodes and what they need to be built come from the test of the security policy (tests/nodes/everyone.py). A node that
cannot be built without a robot or a recording is noted up to where it gives up. Nobody hears these nodes: none is spun, and
all are on this computer's loopback, in a domain of their own.
"""

import genima_ros  # isort: skip  # noqa: F401  its gate decides which rclpy this is

import inspect
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import rclpy
from genima_bringup.network import OF_USER
from genima_ros.core.sturdy import SturdyNode
from rclpy.action import ActionClient
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from genima.errors import GenimaError

ROOT = Path(__file__).resolve().parents[2]
DOMAIN = '101'
GIVE_UP = ('replay_node', 'fci_node')
"""These need a recording and a robot."""
OF_EVERY_NODE = re.compile(
    r'/rosout|/parameter_events|/diagnostics|~/\w+_parameters(_atomically)?|~/get_parameter_types|.*/_action/\w+'
)
"""Endpoints that rclpy, or each of our nodes, has."""
PLACEHOLDERS = {
    r'^cameras/\w+/': 'cameras/<name>/',
    r'^overlay/\w+$': 'overlay/<name>',
    r'^panda_arm_controller/': '<controller>/',
    r'^panda_gripper/': '<gripper>/',
}


@dataclass(frozen=True)
class Declared:
    """A parameter: its name, default, description, range, and whether it may be changed while the node runs."""

    name: str
    default: Any
    text: str
    between: str
    live: bool


@dataclass
class NodeNotes:
    """What one node was seen to do; endpoints are (way, name, type, QoS)."""

    name: str
    text: str = ''
    parameters: dict[str, Declared] = field(default_factory=dict)
    endpoints: set[tuple[str, str, str, str]] = field(default_factory=set)


def notes(policy: Path, folder: Path) -> list[NodeNotes]:
    """Build every node once and return what was noted, by name; this process's network is then that of `DOMAIN`.

    Args:
        policy: A policy of the Panda.
        folder: For the files that nodes want.
    """
    for name in OF_USER:
        os.environ.pop(name, None)
    os.environ.update(ROS_AUTOMATIC_DISCOVERY_RANGE='LOCALHOST', ROS_DOMAIN_ID=DOMAIN)
    sys.path.insert(0, str(ROOT / 'tests' / 'nodes'))
    everyone = import_module('everyone').everyone
    with pytest.MonkeyPatch.context() as patch, _noting() as noted:
        with everyone(policy, folder, patch):
            pass
        rclpy.init()
        for name in GIVE_UP:
            with suppress(GenimaError, SystemExit):
                _class(name)().destroy_node()
        rclpy.try_shutdown()
    for name, node in noted.items():
        node.text = inspect.getdoc(_class(name)) or ''
    return [noted[name] for name in sorted(noted)]


def _class(name: str) -> type[SturdyNode]:
    """Return the class of a node by the name of its module."""
    found: type[SturdyNode] = getattr(import_module(f'genima_ros.{name}'), ''.join(map(str.capitalize, name.split('_'))))
    return found


@contextmanager
def _noting() -> Iterator[dict[str, NodeNotes]]:
    """Note what nodes declare and create, until the end of the block."""
    noted: dict[str, NodeNotes] = {}

    def of(node: Node) -> NodeNotes:
        return noted.setdefault(node.get_name(), NodeNotes(node.get_name()))

    def endpoint(way: str, node: Node, kind: type, name: str, qos: Any = None) -> None:
        if not OF_EVERY_NODE.fullmatch(name):
            of(node).endpoints.add((way, _general(name), _type(kind), _qos(qos)))

    def declare(node: Node, name: str, value: Any = None, descriptor: Any = None, *_: Any) -> None:
        if descriptor is not None and descriptor.description:
            ranges = [*descriptor.floating_point_range, *descriptor.integer_range]
            between = f'{ranges[0].from_value:g} to {ranges[0].to_value:g}' if ranges else ''
            of(node).parameters[name] = Declared(name, value, descriptor.description, between, not descriptor.read_only)

    def publish(node: Node, kind: type, name: str, qos: Any, **_: Any) -> None:
        endpoint('publishes', node, kind, name, qos)

    def subscribe(node: Node, kind: type, name: str, callback: Any, qos: Any, **_: Any) -> None:
        endpoint('subscribes to', node, kind, name, qos)

    def serve(node: Node, kind: type, name: str, *_: Any, **__: Any) -> None:
        endpoint('offers', node, kind, name)

    def call(node: Node, kind: type, name: str, **_: Any) -> None:
        endpoint('calls', node, kind, name)

    def act(client: Any, node: Node, kind: type, name: str, **_: Any) -> None:
        endpoint('sends goals to', node, kind, name)

    watched = {
        (Node, 'declare_parameter'): declare,
        (Node, 'create_publisher'): publish,
        (Node, 'create_subscription'): subscribe,
        (Node, 'create_service'): serve,
        (Node, 'create_client'): call,
        (ActionClient, '__init__'): act,
    }
    with pytest.MonkeyPatch.context() as patch:
        for (owner, method), note in watched.items():
            patch.setattr(owner, method, _after(note, getattr(owner, method)))
        yield noted


def _after(note: Any, method: Any) -> Any:
    def both(*arguments: Any, **named: Any) -> Any:
        note(*arguments, **named)
        return method(*arguments, **named)

    return both


def _general(name: str) -> str:
    for pattern, general in PLACEHOLDERS.items():
        name = re.sub(pattern, general, name)
    return name


def _type(kind: type) -> str:
    package, folder, *_ = kind.__module__.split('.')
    return f'{package}/{folder}/{kind.__name__}'


def _qos(qos: QoSProfile | int | None) -> str:
    if not isinstance(qos, QoSProfile):
        return f'reliable, {qos}' if qos else ''
    kept = 'best effort' if qos.reliability == ReliabilityPolicy.BEST_EFFORT else 'reliable'
    latched = ', latched' if qos.durability == DurabilityPolicy.TRANSIENT_LOCAL else ''
    return f'{kept}, {qos.depth}{latched}'
