# SPDX-License-Identifier: Apache-2.0
"""What a node is made of: publishers, subscriptions, timers, services and clients."""

import threading
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rosless.dds.endpoints import Endpoint, Reader, Writer
from rosless.graph import dds_type_name, type_hash_user_data

from .arguments import RosArguments
from .callback_groups import CallbackGroup, MutuallyExclusiveCallbackGroup
from .client import Client
from .clock import Clock, ROSClock
from .logging import RcutilsLogger
from .node_parameters import NodeParameters
from .publisher import Publisher
from .qos import QoSProfile
from .service import Service
from .service_wire import WireNames
from .subscription import Subscription
from .time_source import ClockTopic, TimeSource
from .timer import Rate, Timer
from .waitable import ReaderWaitable

if TYPE_CHECKING:
    from .executors import Executor


class NodeEntities(NodeParameters):
    """The part of `Node` that keeps things and destroys them; `NodeFactory` makes them."""

    _arguments: RosArguments
    _clock: ROSClock
    _logger: RcutilsLogger
    _time_source: TimeSource

    def __init__(self, overrides: dict[str, Any], allow_undeclared: bool) -> None:
        super().__init__(overrides, allow_undeclared)
        self._lock = threading.RLock()
        self._publishers: list[Publisher[Any]] = []
        self._subscriptions: list[Subscription[Any]] = []
        self._timers: list[Timer] = []
        self._services: list[Service] = []
        self._clients: list[Client] = []
        self._executor: weakref.ReferenceType[Executor] | None = None
        self._default_callback_group = MutuallyExclusiveCallbackGroup()

    @property
    def publishers(self) -> Iterator[Publisher[Any]]:
        """All publishers."""
        yield from list(self._publishers)

    @property
    def subscriptions(self) -> Iterator[Subscription[Any]]:
        """All subscriptions."""
        yield from list(self._subscriptions)

    @property
    def timers(self) -> Iterator[Timer]:
        """All timers."""
        yield from list(self._timers)

    @property
    def services(self) -> Iterator[Service]:
        """All services."""
        yield from list(self._services)

    @property
    def clients(self) -> Iterator[Client]:
        """All clients."""
        yield from list(self._clients)

    @property
    def default_callback_group(self) -> CallbackGroup:
        """The (mutually exclusive) group of everything that is created without one."""
        return self._default_callback_group

    def get_clock(self) -> Clock:
        """Return the node's clock, which follows /clock when `use_sim_time` is true."""
        return self._clock

    @property
    def executor(self) -> 'Executor | None':
        """The executor that spins the node."""
        return self._executor() if self._executor is not None else None

    @executor.setter
    def executor(self, executor: 'Executor | None') -> None:
        if executor is not None:
            executor.add_node(self)
        elif self.executor is not None:
            self.executor.remove_node(self)

    def attach_executor(self, executor: 'Executor | None') -> None:
        """Remember who spins the node; called by executors."""
        self._executor = None if executor is None else weakref.ref(executor)

    def wake_executor(self) -> None:
        """Have the executor look again at what the node waits for."""
        executor = self.executor
        if executor is not None:
            executor.wake()

    def reader_waitables(self) -> list[ReaderWaitable]:
        """Return what has to be waited for in DDS (without /clock)."""
        with self._lock:
            return [*self._subscriptions, *self._services, *self._clients]

    @property
    def clock_topic(self) -> ClockTopic | None:
        """The simulated time that the node follows, if any."""
        return self._time_source.topic

    def needs_clock_messages(self) -> bool:
        """Return whether something has to happen when simulated time goes on."""
        return self._clock.reports_jumps or any(
            timer.clock is self._clock and not timer.is_canceled() for timer in self._timers
        )

    def _remap(self, full_name: str, *, is_service: bool) -> str:
        return self._arguments.remap(full_name, self.get_name(), self.get_namespace(), is_service=is_service)

    def _add_writer(self, topic: str, msg_type: type[Any], profile: QoSProfile) -> Writer:
        name, user_data = dds_type_name(msg_type.ros_type), type_hash_user_data(msg_type.ros_type)
        return self._announce(Writer(self._context.participant, topic, name, profile.native(), user_data))

    def add_reader(self, topic: str, msg_type: type[Any], profile: QoSProfile) -> Reader:
        """Create a reader for a topic with a full name (used by the parts of a node)."""
        name, user_data = dds_type_name(msg_type.ros_type), type_hash_user_data(msg_type.ros_type)
        return self._announce(Reader(self._context.participant, f'rt{topic}', name, profile.native(), user_data))

    def _wire_writer(self, names: WireNames, profile: QoSProfile, user_data: bytes) -> Writer:
        return self._announce(Writer(self._context.participant, *names, profile.native(), user_data))

    def _wire_reader(self, names: WireNames, profile: QoSProfile, user_data: bytes) -> Reader:
        return self._announce(Reader(self._context.participant, *names, profile.native(), user_data))

    def _announce(self, endpoint: Any) -> Any:
        (self._endpoints.writers if isinstance(endpoint, Writer) else self._endpoints.readers).append(endpoint)
        self._context.graph.announce()
        return endpoint

    def _add_waitable(self, container: list[Any], waitable: Any) -> None:
        with self._lock:
            container.append(waitable)
        executor = self.executor
        if executor is not None:
            executor.add_waitable(waitable)

    def destroy_publisher(self, publisher: Publisher[Any]) -> bool:
        """Destroy a publisher; return whether it belonged to this node."""
        return self._destroy(self._publishers, publisher)

    def destroy_subscription(self, subscription: Subscription[Any]) -> bool:
        """Destroy a subscription; return whether it belonged to this node."""
        return self._destroy(self._subscriptions, subscription)

    def destroy_client(self, client: Client) -> bool:
        """Destroy a client; return whether it belonged to this node."""
        return self._destroy(self._clients, client)

    def destroy_service(self, service: Service) -> bool:
        """Destroy a service; return whether it belonged to this node."""
        return self._destroy(self._services, service)

    def destroy_timer(self, timer: Timer) -> bool:
        """Destroy a timer; return whether it belonged to this node."""
        return self._destroy(self._timers, timer)

    def destroy_rate(self, rate: Rate) -> bool:
        """Destroy a rate; return whether it belonged to this node."""
        rate.destroy()
        return self.destroy_timer(rate.timer)

    def drop_reader(self, waitable: ReaderWaitable) -> None:
        """Destroy a reader that `add_reader` made, and what waits for it."""
        executor = self.executor
        if executor is not None:
            executor.remove_waitable(waitable)
        self._close([waitable.reader])

    def _destroy(self, container: list[Any], entity: Any) -> bool:
        with self._lock:
            if entity not in container:
                return False
            container.remove(entity)
        executor = self.executor
        if executor is not None and hasattr(entity, 'reader'):
            executor.remove_waitable(entity)
        self._close([getattr(entity, name) for name in ('reader', 'writer') if hasattr(entity, name)])
        entity.destroy()
        return True

    def _close(self, endpoints: list[Endpoint]) -> None:
        for endpoint in endpoints:
            container: list[Any] = self._endpoints.writers if isinstance(endpoint, Writer) else self._endpoints.readers
            if endpoint in container:
                container.remove(endpoint)
            endpoint.close()
        if endpoints and self._context.ok():
            self._context.graph.announce()

    def _destroy_all(self) -> None:
        for container in (self._subscriptions, self._services, self._clients, self._timers, self._publishers):
            for entity in list(container):  # type: ignore[attr-defined]
                self._destroy(container, entity)  # type: ignore[arg-type]
