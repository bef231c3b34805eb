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

    _rl_arguments: RosArguments
    _rl_clock: ROSClock
    _rl_logger: RcutilsLogger
    _rl_time_source: TimeSource

    def __init__(self, overrides: dict[str, Any], allow_undeclared: bool) -> None:
        super().__init__(overrides, allow_undeclared)
        self._rl_lock = threading.RLock()
        self._rl_publishers: list[Publisher[Any]] = []
        self._rl_subscriptions: list[Subscription[Any]] = []
        self._rl_timers: list[Timer] = []
        self._rl_services: list[Service] = []
        self._rl_clients: list[Client] = []
        self._rl_executor: weakref.ReferenceType[Executor] | None = None
        self._rl_default_callback_group = MutuallyExclusiveCallbackGroup()

    @property
    def publishers(self) -> Iterator[Publisher[Any]]:
        """All publishers."""
        yield from list(self._rl_publishers)

    @property
    def subscriptions(self) -> Iterator[Subscription[Any]]:
        """All subscriptions."""
        yield from list(self._rl_subscriptions)

    @property
    def timers(self) -> Iterator[Timer]:
        """All timers."""
        yield from list(self._rl_timers)

    @property
    def services(self) -> Iterator[Service]:
        """All services."""
        yield from list(self._rl_services)

    @property
    def clients(self) -> Iterator[Client]:
        """All clients."""
        yield from list(self._rl_clients)

    @property
    def default_callback_group(self) -> CallbackGroup:
        """The (mutually exclusive) group of everything that is created without one."""
        return self._rl_default_callback_group

    def get_clock(self) -> Clock:
        """Return the node's clock, which follows /clock when `use_sim_time` is true."""
        return self._rl_clock

    @property
    def executor(self) -> 'Executor | None':
        """The executor that spins the node."""
        return self._rl_executor() if self._rl_executor is not None else None

    @executor.setter
    def executor(self, executor: 'Executor | None') -> None:
        if executor is not None:
            executor.add_node(self)
        elif self.executor is not None:
            self.executor.remove_node(self)

    def attach_executor(self, executor: 'Executor | None') -> None:
        """Remember who spins the node; called by executors."""
        self._rl_executor = None if executor is None else weakref.ref(executor)

    def wake_executor(self) -> None:
        """Have the executor look again at what the node waits for."""
        executor = self.executor
        if executor is not None:
            executor.wake()

    def reader_waitables(self) -> list[ReaderWaitable]:
        """Return what has to be waited for in DDS (without /clock)."""
        with self._rl_lock:
            return [*self._rl_subscriptions, *self._rl_services, *self._rl_clients]

    @property
    def clock_topic(self) -> ClockTopic | None:
        """The simulated time that the node follows, if any."""
        return self._rl_time_source.topic

    def needs_clock_messages(self) -> bool:
        """Return whether something has to happen when simulated time goes on."""
        return self._rl_clock.reports_jumps or any(
            timer.clock is self._rl_clock and not timer.is_canceled() for timer in self._rl_timers
        )

    def _rl_remap(self, full_name: str, *, is_service: bool) -> str:
        return self._rl_arguments.remap(full_name, self.get_name(), self.get_namespace(), is_service=is_service)

    def _rl_add_writer(self, topic: str, msg_type: type[Any], profile: QoSProfile) -> Writer:
        name, user_data = dds_type_name(msg_type.ros_type), type_hash_user_data(msg_type.ros_type)
        return self._rl_announce(Writer(self._rl_context.participant, topic, name, profile.native(), user_data))

    def add_reader(self, topic: str, msg_type: type[Any], profile: QoSProfile) -> Reader:
        """Create a reader for a topic with a full name (used by the parts of a node)."""
        name, user_data = dds_type_name(msg_type.ros_type), type_hash_user_data(msg_type.ros_type)
        return self._rl_announce(Reader(self._rl_context.participant, f'rt{topic}', name, profile.native(), user_data))

    def _rl_wire_writer(self, names: WireNames, profile: QoSProfile, user_data: bytes) -> Writer:
        return self._rl_announce(Writer(self._rl_context.participant, *names, profile.native(), user_data))

    def _rl_wire_reader(self, names: WireNames, profile: QoSProfile, user_data: bytes) -> Reader:
        return self._rl_announce(Reader(self._rl_context.participant, *names, profile.native(), user_data))

    def _rl_announce(self, endpoint: Any) -> Any:
        (self._rl_endpoints.writers if isinstance(endpoint, Writer) else self._rl_endpoints.readers).append(endpoint)
        self._rl_context.graph.announce()
        return endpoint

    def _rl_add_waitable(self, container: list[Any], waitable: Any) -> None:
        with self._rl_lock:
            container.append(waitable)
        executor = self.executor
        if executor is not None:
            executor.add_waitable(waitable)

    def destroy_publisher(self, publisher: Publisher[Any]) -> bool:
        """Destroy a publisher; return whether it belonged to this node."""
        return self._rl_destroy(self._rl_publishers, publisher)

    def destroy_subscription(self, subscription: Subscription[Any]) -> bool:
        """Destroy a subscription; return whether it belonged to this node."""
        return self._rl_destroy(self._rl_subscriptions, subscription)

    def destroy_client(self, client: Client) -> bool:
        """Destroy a client; return whether it belonged to this node."""
        return self._rl_destroy(self._rl_clients, client)

    def destroy_service(self, service: Service) -> bool:
        """Destroy a service; return whether it belonged to this node."""
        return self._rl_destroy(self._rl_services, service)

    def destroy_timer(self, timer: Timer) -> bool:
        """Destroy a timer; return whether it belonged to this node."""
        return self._rl_destroy(self._rl_timers, timer)

    def destroy_rate(self, rate: Rate) -> bool:
        """Destroy a rate; return whether it belonged to this node."""
        rate.destroy()
        return self.destroy_timer(rate.timer)

    def drop_reader(self, waitable: ReaderWaitable) -> None:
        """Destroy a reader that `add_reader` made, and what waits for it."""
        executor = self.executor
        if executor is not None:
            executor.remove_waitable(waitable)
        self._rl_close([waitable.reader])

    def _rl_destroy(self, container: list[Any], entity: Any) -> bool:
        with self._rl_lock:
            if entity not in container:
                return False
            container.remove(entity)
        executor = self.executor
        if executor is not None and hasattr(entity, 'reader'):
            executor.remove_waitable(entity)
        self._rl_close([getattr(entity, name) for name in ('reader', 'writer') if hasattr(entity, name)])
        entity.destroy()
        return True

    def _rl_close(self, endpoints: list[Endpoint]) -> None:
        for endpoint in endpoints:
            container: list[Any] = self._rl_endpoints.writers if isinstance(endpoint, Writer) else self._rl_endpoints.readers
            if endpoint in container:
                container.remove(endpoint)
            endpoint.close()
        if endpoints and self._rl_context.ok():
            self._rl_context.graph.announce()

    def _rl_destroy_all(self) -> None:
        for container in (self._rl_subscriptions, self._rl_services, self._rl_clients, self._rl_timers, self._rl_publishers):
            for entity in list(container):  # type: ignore[attr-defined]
                self._rl_destroy(container, entity)  # type: ignore[arg-type]
