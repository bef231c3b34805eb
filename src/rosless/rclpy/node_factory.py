# SPDX-License-Identifier: Apache-2.0
"""How a node gets publishers, subscriptions, timers, services and clients."""

from collections.abc import Callable
from typing import Any

from .callback_groups import CallbackGroup, ReentrantCallbackGroup
from .client import Client
from .clock import Clock
from .constants import S_TO_NS
from .node_entities import NodeEntities
from .publisher import Publisher
from .qos import QoSProfile, as_profile, qos_profile_services_default
from .service import Service
from .service_wire import identity, wire_names
from .subscription import Subscription, takes_arguments
from .timer import Rate, Timer


class NodeFactory(NodeEntities):
    """The part of `Node` that creates things."""

    def create_publisher(
        self,
        msg_type: type[Any],
        topic: str,
        qos_profile: QoSProfile | int,
        *,
        callback_group: CallbackGroup | None = None,
        event_callbacks: None = None,
        qos_overriding_options: None = None,
        publisher_class: type[Publisher[Any]] = Publisher,
    ) -> Publisher[Any]:
        """Create a publisher; `qos_profile` can be a depth."""
        _refuse_options(event_callbacks, qos_overriding_options)
        profile, name = as_profile(qos_profile), self.resolve_topic_name(topic)
        writer = self._rl_add_writer(f'rt{name}', msg_type, profile)
        publisher = publisher_class(writer, msg_type, name, profile, self._rl_context)
        with self._rl_lock:
            self._rl_publishers.append(publisher)
        return publisher

    def create_subscription(
        self,
        msg_type: type[Any],
        topic: str,
        callback: Callable[..., Any],
        qos_profile: QoSProfile | int,
        *,
        callback_group: CallbackGroup | None = None,
        event_callbacks: None = None,
        qos_overriding_options: None = None,
        raw: bool = False,
    ) -> Subscription[Any]:
        """Create a subscription; with `raw` the callback gets serialised messages (bytes)."""
        _refuse_options(event_callbacks, qos_overriding_options)
        profile, group = as_profile(qos_profile), callback_group or self._rl_default_callback_group
        name = self.resolve_topic_name(topic)
        reader = self.add_reader(name, msg_type, profile)
        subscription = Subscription(reader, msg_type, name, callback, group, profile, raw, self._rl_logger)
        self._rl_add_waitable(self._rl_subscriptions, subscription)
        return subscription

    def create_timer(
        self,
        timer_period_sec: float,
        callback: Callable[..., Any],
        callback_group: CallbackGroup | None = None,
        clock: Clock | None = None,
        autostart: bool = True,
    ) -> Timer:
        """Create a timer on the node's clock (or another one)."""
        timer = Timer(
            callback,
            callback_group or self._rl_default_callback_group,
            int(float(timer_period_sec) * S_TO_NS),
            clock or self._rl_clock,
            autostart=autostart,
            wake=self.wake_executor,
            pass_info=not takes_arguments(callback, 0) and takes_arguments(callback, 1),
        )
        with self._rl_lock:
            self._rl_timers.append(timer)
        self.wake_executor()
        return timer

    def create_rate(self, frequency: float, clock: Clock | None = None) -> Rate:
        """Create a rate; another thread must spin the node."""
        if frequency <= 0:
            raise ValueError('frequency must be > 0')
        timer = self.create_timer(1.0 / frequency, lambda: None, ReentrantCallbackGroup(), clock)
        return Rate(timer, context=self._rl_context)

    def create_client(
        self,
        srv_type: type[Any],
        srv_name: str,
        *,
        qos_profile: QoSProfile = qos_profile_services_default,
        callback_group: CallbackGroup | None = None,
    ) -> Client:
        """Create a client of a service."""
        name, group = self.resolve_service_name(srv_name), callback_group or self._rl_default_callback_group
        requests, replies = wire_names(srv_type.ros_type, name)
        own_id = identity('clientid')
        client = Client(
            self._rl_wire_writer(requests, qos_profile, own_id),
            self._rl_wire_reader(replies, qos_profile, own_id),
            srv_type, srv_name, name, qos_profile, group, self._rl_context, self._rl_logger,
        )  # fmt: skip
        self._rl_add_waitable(self._rl_clients, client)
        return client

    def create_service(
        self,
        srv_type: type[Any],
        srv_name: str,
        callback: Callable[[Any, Any], Any],
        *,
        qos_profile: QoSProfile = qos_profile_services_default,
        callback_group: CallbackGroup | None = None,
    ) -> Service:
        """Create a service; `callback(request, response)` returns the response."""
        name, group = self.resolve_service_name(srv_name), callback_group or self._rl_default_callback_group
        requests, replies = wire_names(srv_type.ros_type, name)
        own_id = identity('serviceid')
        writer = self._rl_wire_writer(replies, qos_profile, own_id)
        reader = self._rl_wire_reader(requests, qos_profile, own_id)
        service = Service(reader, writer, srv_type, srv_name, name, callback, group, qos_profile, self._rl_logger)
        self._rl_add_waitable(self._rl_services, service)
        return service


def _refuse_options(*options: Any) -> None:
    if any(option is not None for option in options):
        raise NotImplementedError(
            'rosless has no QoS events and no QoS overriding options; this needs a real ROS 2 installation'
        )
