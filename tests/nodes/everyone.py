# SPDX-License-Identifier: Apache-2.0
"""Every node of the table in one process, only to see what each publishes, hears, offers and calls."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import rclpy
from genima_bringup.graph import NodeEntry, stack
from genima_ros.core.diagnostics import report
from rclpy.node import Node

from genima.calibration.file import CameraCalibration, write_calibration
from genima.cameras.model import CameraModel, MountedCamera

CAMERA = CameraModel('front', 64, 48, np.array([[50.0, 0, 31.5], [0, 50, 23.5], [0, 0, 1]]))
Speech = dict[str, set[str]]
"""Names by way: publish, subscribe, reply, request."""


@contextmanager
def everyone(policy: Path, folder: Path, patch: pytest.MonkeyPatch) -> Iterator[dict[str, Speech]]:
    """Build each node once, and tell by node name what it does on the graph.

    Args:
        policy: A policy of the Panda.
        folder: For calibrations and recordings.
        patch: Puts something in place of an episode and a terminal.
    """
    patch.setattr('genima_ros.retrace_node._load', lambda path, profile: None)
    patch.setattr('genima_ros.teleop_node.Terminal', lambda path: Mock())
    entries = _entries(policy, folder)
    parameters = folder / 'parameters.json'
    given = {f'/**/{entry.name}': {'ros__parameters': entry.parameters} for entry in entries.values()}
    parameters.write_text(json.dumps(given))
    rclpy.init(args=['--ros-args', '--params-file', str(parameters), '-r', '/tf:=tf', '-r', '/tf_static:=tf_static'])
    nodes: list[Node] = []
    try:
        for entry in entries.values():
            module = import_module(entry.module)
            nodes.append(getattr(module, ''.join(part.capitalize() for part in entry.name.split('_')))())
            report(nodes[-1])
            _look_at_the_page(nodes[-1])
        yield {node.get_name(): _speech(node) for node in nodes}
    finally:
        for node in nodes:
            getattr(node, 'close', lambda: None)()
            node.destroy_node()
        rclpy.try_shutdown()


def _entries(policy: Path, folder: Path) -> dict[str, NodeEntry]:
    own = {'policy': str(policy), 'console': 'true', 'console_port': '0', 'deadman': 'true', 'check_cameras': 'true'}
    out = {'out': str(folder), 'failures_out': str(folder)}
    real = {'robot_ip': '10.0.0.2', 'launch_driver': 'false'}
    mounted = MountedCamera(CAMERA, 'panda_link0', np.eye(4))
    write_calibration(folder / 'front.yaml', CameraCalibration(mounted, '2026-05-01T12:00:00Z'))
    tables = [
        stack('franka', {**own, **out, 'failures': 'true', 'record': 'true', 'calibration': str(folder)}),
        stack('record', {**out, 'operator': 'scripted'}),
        stack('record', {**out, 'operator': 'keyboard'}),
        stack('record', {**out, 'operator': 'retrace', 'episode': str(folder / 'episode.h5')}),
        stack('record', {**out, 'operator': 'none', 'mock': 'true'}),
        stack('franka', {**real, 'policy': str(policy), 'robot': 'panda', 'check_cameras': 'false'}),
    ]
    entries = {entry.name: entry for table in reversed(tables) for entry in table.nodes}
    doctor = {'policy': str(policy), 'controller': 'panda_arm_controller'}
    alone = {'doctor_node': doctor, 'policy_node': {'policy': str(policy)}}
    return {**entries, **{name: NodeEntry(name, parameters) for name, parameters in alone.items()}}


def _look_at_the_page(node: Any) -> None:
    """Let the console subscribe as it does while somebody looks."""
    for part in vars(node).values():
        for listener in (part, *getattr(part, '__dict__', {}).values()):
            if hasattr(listener, 'want'):
                listener.want(True)


def _speech(node: Node) -> Speech:
    return {
        'publish': {each.topic_name for each in node.publishers},
        'subscribe': {each.topic_name for each in node.subscriptions},
        'reply': {each.service_name for each in node.services},
        'request': {each.service_name for each in node.clients},
    }
