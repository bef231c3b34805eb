# SPDX-License-Identifier: Apache-2.0
"""What all nodes of one `rclpy.init()` share: the DDS participant, the command line, and whether it still runs."""

import atexit
import os
import sys
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rosless.dds.config import domain_id as read_domain_id
from rosless.dds.participant import Participant
from rosless.graph import Graph

from .arguments import RosArguments, parse_ros_arguments
from .exceptions import ExternalShutdownException, NotInitializedException
from .logging import get_logging_severity_from_string, set_logger_level

if TYPE_CHECKING:
    from .executors import Executor


class Context:
    """The state between `init` and `shutdown`."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._ok = False
        self._participant: Participant | None = None
        self._graph: Graph | None = None
        self._shutdown_callbacks: list[Callable[[], None]] = []
        self._executors: weakref.WeakSet[Executor] = weakref.WeakSet()
        self.arguments = RosArguments()
        self._domain_id = 0

    def init(self, args: list[str] | None = None, *, initialize_logging: bool = True, domain_id: int | None = None) -> None:
        """Read the command line and join the DDS domain.

        Raises:
            RuntimeError: if this context is running already, the command line is wrong or the domain cannot be joined.
        """
        with self._lock:
            if self._ok:
                raise RuntimeError('Context.init() must only be called once')
            _refuse_security()
            self.arguments = parse_ros_arguments(sys.argv if args is None else args)
            for name, level in self.arguments.log_levels if initialize_logging else ():
                set_logger_level(name, get_logging_severity_from_string(level))
            self._domain_id = read_domain_id(domain_id)
            self._participant = Participant(self._domain_id)
            self._graph = Graph(self._participant)
            self._ok = True
            atexit.register(self.try_shutdown)

    @property
    def participant(self) -> Participant:
        """The DDS participant.

        Raises:
            NotInitializedException, ExternalShutdownException: before `init`, and after the end.
        """
        self.require_running()
        assert self._participant is not None
        return self._participant

    @property
    def graph(self) -> Graph:
        """The nodes and endpoints on the network.

        Raises:
            NotInitializedException, ExternalShutdownException: before `init`, and after the end.
        """
        self.require_running()
        assert self._graph is not None
        return self._graph

    def require_running(self) -> None:
        """Do nothing while the context runs.

        Raises:
            NotInitializedException, ExternalShutdownException: before `init`, and after the end.
        """
        if not self._ok:
            if self._participant is not None:
                raise ExternalShutdownException('a signal has ended the context')
            raise NotInitializedException('the context is not running')

    def ok(self) -> bool:
        """Return whether the context runs: after `init`, before `shutdown` and before Ctrl-C."""
        return self._ok

    def get_domain_id(self) -> int:
        """Return the DDS domain.

        Raises:
            NotInitializedException: before `init` and after `shutdown`.
        """
        return self.participant.domain

    def on_shutdown(self, callback: Callable[[], None]) -> None:
        """Have `callback` called once at the end of `shutdown`."""
        if not callable(callback):
            raise TypeError('callback should be a callable, got {}', type(callback))
        with self._lock:
            self._shutdown_callbacks.append(callback)

    def shutdown(self) -> None:
        """Leave the domain and end all spinning.

        Raises:
            RuntimeError: if the context does not run, also because Ctrl-C ended it. `try_shutdown` never raises.
        """
        with self._lock:
            ran = self._ok
            self.try_shutdown()
        if not ran:
            raise RuntimeError('the context was not initialised or was shut down already (Ctrl-C does that, too)')

    def try_shutdown(self) -> None:
        """Leave the domain and end all spinning, if that has not happened yet."""
        self.interrupt()
        with self._lock:
            participant, self._participant, self._graph = self._participant, None, None
            callbacks, self._shutdown_callbacks = self._shutdown_callbacks, []
        for callback in callbacks:
            callback()
        if participant is not None:
            participant.close()
        atexit.unregister(self.try_shutdown)

    def interrupt(self) -> None:
        """Make `ok` false and wake those who spin; this is all that a signal handler may do. It takes no lock."""
        self._ok = False
        for executor in list(self._executors):
            executor.wake()

    def track(self, executor: Any) -> None:
        """Have an executor woken when the context ends."""
        self._executors.add(executor)

    def __enter__(self) -> 'Context':
        if not self._ok:
            self.init()
        return self

    def __exit__(self, *_: object) -> None:
        self.try_shutdown()


def _refuse_security() -> None:
    """Raise a RuntimeError where DDS security is asked for: the wheel of Cyclone has none, and nobody should rely on it."""
    if os.environ.get('ROS_SECURITY_ENABLE') == 'true':
        raise RuntimeError('ROS_SECURITY_ENABLE=true, and rosless has no DDS security: use a real ROS 2, or unset it')
