# SPDX-License-Identifier: Apache-2.0
"""The subset of rclpy's API that `rosless.ensure()` makes importable as `rclpy` on machines without ROS 2.

It is never imported under another name: the modules here are `rclpy`, `rclpy.node` and so on.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from . import signals
from .context import Context
from .exceptions import NotInitializedException, RCLError
from .executors import Executor, SingleThreadedExecutor
from .node import Node
from .parameter import Parameter
from .signals import SignalHandlerOptions
from .task import Future
from .utilities import get_default_context, get_rmw_implementation_identifier, ok, remove_ros_args

if __name__ != 'rclpy':
    raise ImportError('import this as `rclpy`, after `import rosless; rosless.ensure()`')

_global_executor: Executor | None = None


def __getattr__(name: str) -> Any:
    if name.startswith('__'):
        raise AttributeError(name)
    raise AttributeError(f'rosless has no rclpy.{name}; this needs a real ROS 2 installation')


class InitContextManager:
    """What `init` returns; as a context manager it shuts down at the end."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def __enter__(self) -> 'InitContextManager':
        return self

    def __exit__(self, *_: object) -> None:
        try_shutdown(context=self.context)


def init(
    *,
    args: list[str] | None = None,
    context: Context | None = None,
    domain_id: int | None = None,
    signal_handler_options: SignalHandlerOptions | None = None,
) -> InitContextManager:
    """Join the ROS network.

    Args:
        args: the command line; `sys.argv` if None.
        context: what to start; the default context if None.
        domain_id: the DDS domain; `ROS_DOMAIN_ID` if None.
        signal_handler_options: which signals end it; if None, SIGINT and SIGTERM for the default context only.

    Raises:
        RuntimeError: if it was started already, the command line is wrong, or the network cannot be joined.
    """
    default = context is None or context is get_default_context()
    context = context or get_default_context()
    context.init(args, domain_id=domain_id)
    if signal_handler_options is None:
        signal_handler_options = SignalHandlerOptions.ALL if default else SignalHandlerOptions.NO
    if signal_handler_options:
        signals.watch(context)
        signals.install_signal_handlers(signal_handler_options)
    return InitContextManager(context)


def _stop(context: Context | None, uninstall_handlers: bool | None) -> None:
    default = context is None or context is get_default_context()
    signals.unwatch(context or get_default_context())
    if uninstall_handlers or (uninstall_handlers is None and default):
        signals.uninstall_signal_handlers()


def shutdown(*, context: Context | None = None, uninstall_handlers: bool | None = None) -> None:
    """Leave the ROS network.

    Raises:
        RuntimeError: if that has happened already; Ctrl-C does it, too. Prefer `try_shutdown`.
    """
    _stop(context, uninstall_handlers)
    (context or get_default_context()).shutdown()


def try_shutdown(*, context: Context | None = None, uninstall_handlers: bool | None = None) -> None:
    """Leave the ROS network, if that has not happened yet."""
    _stop(context, uninstall_handlers)
    (context or get_default_context()).try_shutdown()


def create_node(node_name: str, **options: Any) -> Node:
    """Create a node; the options are those of `Node`."""
    return Node(node_name, **options)


def _drop_global_executor() -> None:
    global _global_executor
    executor, _global_executor = _global_executor, None
    if executor is not None:
        executor.shutdown()


def get_global_executor() -> Executor:
    """Return the executor of the functions below."""
    global _global_executor
    if _global_executor is None:
        _global_executor = SingleThreadedExecutor()
        get_default_context().on_shutdown(_drop_global_executor)
    return _global_executor


@contextmanager
def _spinning(node: Node, executor: Executor | None) -> Iterator[Executor]:
    used = executor or get_global_executor()
    added = used.add_node(node)
    try:
        yield used
    finally:
        if added:
            used.remove_node(node)


def spin(node: Node, executor: Executor | None = None) -> None:
    """Run the callbacks of a node until the context is shut down.

    Raises:
        ExternalShutdownException: if the context ended while waiting, by SIGTERM for instance.
    """
    with _spinning(node, executor) as used:
        while used.context.ok():
            used.spin_once()


def spin_once(node: Node, *, executor: Executor | None = None, timeout_sec: float | None = None) -> None:
    """Wait for one callback of a node and run it; at most `timeout_sec` seconds (None or negative: for ever)."""
    with _spinning(node, executor) as used:
        used.spin_once(timeout_sec)


def spin_until_future_complete(
    node: Node, future: Future, executor: Executor | None = None, timeout_sec: float | None = None
) -> None:
    """Run the callbacks of a node until a future is done, or for `timeout_sec` seconds."""
    with _spinning(node, executor) as used:
        used.spin_until_future_complete(future, timeout_sec)


__all__ = [
    'Context', 'Executor', 'Future', 'InitContextManager', 'Node', 'NotInitializedException', 'Parameter', 'RCLError',
    'SignalHandlerOptions', 'create_node', 'get_default_context', 'get_global_executor',
    'get_rmw_implementation_identifier', 'init', 'ok', 'remove_ros_args', 'shutdown', 'signals', 'spin', 'spin_once',
    'spin_until_future_complete', 'try_shutdown',
]  # fmt: skip
