# SPDX-License-Identifier: Apache-2.0
"""A node of a program that visits a graph: it brings its own context where there is none, and takes it along."""

from typing import TypeVar

import rclpy
from genima_ros._run import join_graph
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter

Visitor = TypeVar('Visitor', bound='ClientNode')


class ClientNode:
    """Owns a node and the executor that spins it. Use it as a context manager."""

    def __init__(self, name: str, *, use_sim_time: bool) -> None:
        self._owns_context = not rclpy.ok()
        if self._owns_context:
            join_graph([])
        self._node = Node(name, parameter_overrides=[Parameter('use_sim_time', value=use_sim_time)])
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)

    def __enter__(self: Visitor) -> Visitor:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown()
        self._node.destroy_node()
        if self._owns_context:
            rclpy.try_shutdown()
