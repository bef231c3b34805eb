# SPDX-License-Identifier: Apache-2.0
"""A node of a program that visits a graph: it brings its own context where there is none, and takes it along."""

import os
from typing import TypeVar

import rclpy
from genima_ros.core.run import join_graph
from genima_ros.core.sturdy import SturdyNode
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter

import rosless
from genima_bringup.network import OF_USER

Visitor = TypeVar('Visitor', bound='ClientNode')


class ClientNode:
    """Owns a node and the executor that spins it. Use it as a context manager."""

    def __init__(self, name: str, *, use_sim_time: bool) -> None:
        self._owns_context = not rclpy.ok()
        if self._owns_context:
            if rosless.active() and not any(os.environ.get(name) for name in OF_USER):
                # the network, and the simulated stacks of this computer
                os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'SYSTEM_DEFAULT'
            join_graph([])
        self._node = SturdyNode(name, parameter_overrides=[Parameter('use_sim_time', value=use_sim_time)])
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)

    def __enter__(self: Visitor) -> Visitor:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown()
        self._node.destroy_node()
        if self._owns_context:
            rclpy.try_shutdown()
