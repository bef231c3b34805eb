# SPDX-License-Identifier: Apache-2.0
"""A node: the thing that has publishers, subscriptions, timers, services, clients and parameters."""

from types import FrameType
from typing import Any

from rcl_interfaces.msg import Log, ParameterEvent

from rosless.graph import NodeEndpoints, NodeName

from . import logging
from .arguments import RosArguments, parse_ros_arguments
from .clock import ROSClock
from .context import Context
from .names import validate_namespace, validate_node_name
from .node_factory import NodeFactory
from .parameter import Parameter
from .parameter_service import ParameterService
from .qos import qos_profile_parameter_events, qos_profile_rosout_default
from .time import Time
from .time_source import TimeSource
from .utilities import get_default_context

_REAL_ONLY = {
    'create_guard_condition', 'add_waitable', 'remove_waitable', 'set_descriptor', 'wait_for_node', 'handle', 'guards',
    'waitables', 'get_node_names_and_namespaces_with_enclaves', 'destroy_guard_condition',
}  # fmt: skip


class Node(NodeFactory):
    """A named participant of the ROS graph. The arguments are those of rclpy's `Node`.

    What is private here begins with `_rl_`: ordinary nodes have attributes like `_close` and `_timers` of their own.
    """

    def __init__(
        self,
        node_name: str,
        *,
        context: Context | None = None,
        cli_args: list[str] | None = None,
        namespace: str | None = None,
        use_global_arguments: bool = True,
        enable_rosout: bool = True,
        start_parameter_services: bool = True,
        parameter_overrides: list[Parameter] | None = None,
        allow_undeclared_parameters: bool = False,
        automatically_declare_parameters_from_overrides: bool = False,
        enable_logger_service: bool = False,
    ) -> None:
        self._rl_context = context or get_default_context()
        self._rl_context.require_running()
        if enable_logger_service:
            raise NotImplementedError('rosless has no logger services; use --ros-args --log-level')
        self._rl_arguments = self._rl_context.arguments if use_global_arguments else RosArguments()
        own = parse_ros_arguments(['--ros-args', *cli_args] if cli_args else [])
        self._rl_arguments = RosArguments(
            [*own.remaps, *self._rl_arguments.remaps],
            [*self._rl_arguments.overrides, *own.overrides],
            rosout=self._rl_arguments.rosout,
        )
        self._rl_endpoints = NodeEndpoints(self._rl_own_name(node_name, namespace or ''))
        self._rl_clock = ROSClock()
        self._rl_logger = logging.get_logger(self.get_fully_qualified_name().strip('/').replace('/', '.'))
        self._rl_context.graph.add_node(self._rl_endpoints)
        overrides = self._rl_arguments.parameters(self.get_name(), self.get_namespace())
        overrides |= {parameter.name: parameter.value for parameter in parameter_overrides or ()}
        super().__init__(overrides, allow_undeclared_parameters)
        self._rl_start(enable_rosout and self._rl_arguments.rosout, start_parameter_services)
        if automatically_declare_parameters_from_overrides:
            new = [(name, value) for name, value in overrides.items() if not self.has_parameter(name)]
            self.declare_parameters('', new, ignore_override=True)

    def _rl_own_name(self, name: str, namespace: str) -> NodeName:
        special = self._rl_arguments.special_name
        name_after = special('__node', name) or special('__name', name) or name
        namespace = special('__ns', name) or namespace
        namespace = namespace if namespace.startswith('/') else f'/{namespace}'
        validate_node_name(name_after)
        validate_namespace(namespace)
        return NodeName(name_after, namespace)

    def _rl_start(self, rosout: bool, parameter_services: bool) -> None:
        self._rl_rosout = self.create_publisher(Log, '/rosout', qos_profile_rosout_default) if rosout else None
        if rosout:
            logging.add_sink(self._rl_logger.name, self._rl_log_to_rosout)
        self._rl_parameter_events = self.create_publisher(ParameterEvent, '/parameter_events', qos_profile_parameter_events)
        self._rl_time_source = TimeSource(self, self._rl_clock)
        if parameter_services:
            self._rl_parameter_service = ParameterService(self)

    def __getattr__(self, name: str) -> Any:
        if name in _REAL_ONLY:
            raise AttributeError(f'rosless has no Node.{name}; this needs a real ROS 2 installation')
        raise AttributeError(f'{type(self).__name__!r} object has no attribute {name!r}')

    # what belongs to the node

    @property
    def context(self) -> Context:
        """The context that the node lives in."""
        return self._rl_context

    def get_logger(self) -> logging.RcutilsLogger:
        """Return the node's logger."""
        return self._rl_logger

    def _rl_publish_parameter_event(self, event: Any) -> None:
        event.stamp = self._rl_clock.now().to_msg()
        self._rl_parameter_events.publish(event)

    def _rl_log_to_rosout(self, now_s: float, severity: int, name: str, text: str, caller: FrameType) -> None:
        if self._rl_rosout is not None and self._rl_context.ok():
            stamp = Time(seconds=now_s).to_msg()
            code = caller.f_code
            self._rl_rosout.publish(
                Log(
                    stamp=stamp, level=int(severity), name=name, msg=text, file=code.co_filename,
                    function=code.co_name, line=caller.f_lineno,
                )
            )  # fmt: skip

    def destroy_node(self) -> None:
        """Destroy everything that belongs to the node, and take it off the graph. A second call does nothing."""
        executor = self.executor
        if executor is not None:
            executor.remove_node(self)
        logging.remove_sink(self._rl_logger.name, self._rl_log_to_rosout)
        self._rl_rosout = None
        self._rl_time_source.stop()
        self._rl_destroy_all()
        if self._rl_context.ok():
            self._rl_context.graph.remove_node(self._rl_endpoints)

    def __enter__(self) -> 'Node':
        return self

    def __exit__(self, *_: object) -> None:
        self.destroy_node()
