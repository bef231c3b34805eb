# SPDX-License-Identifier: Apache-2.0
"""What a node is called, and what it can find out about the others: the part of `Node` that asks the graph."""

from collections import defaultdict
from collections.abc import Iterable

from rosless.graph import EndpointInfo, NodeEndpoints, NodeName

from .context import Context
from .names import expand_topic_name
from .qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from .topic_endpoint_info import TopicEndpointInfo, TopicEndpointTypeEnum

_TOPIC, _REQUEST, _REPLY = 'rt', 'rq', 'rr'
NamesAndTypes = list[tuple[str, list[str]]]


class NodeNotFound(Exception):
    """No node has this name."""


class NameResolution:
    """Names of a node and of its topics."""

    _rl_context: Context
    _rl_endpoints: NodeEndpoints

    def get_name(self) -> str:
        """Return the name of the node."""
        return self._rl_endpoints.name.name

    def get_namespace(self) -> str:
        """Return the namespace of the node."""
        return self._rl_endpoints.name.namespace

    def get_fully_qualified_name(self) -> str:
        """Return namespace and name."""
        return self._rl_endpoints.name.full

    def resolve_topic_name(self, topic: str, *, only_expand: bool = False) -> str:
        """Return the full name of a topic after remapping."""
        return self._rl_resolve(topic, only_expand, is_service=False)

    def resolve_service_name(self, service: str, *, only_expand: bool = False) -> str:
        """Return the full name of a service after remapping."""
        return self._rl_resolve(service, only_expand, is_service=True)

    def _rl_resolve(self, name: str, only_expand: bool, *, is_service: bool) -> str:
        node, namespace = self.get_name(), self.get_namespace()
        full = expand_topic_name(name, node, namespace, is_service=is_service)
        return full if only_expand else self._rl_remap(full, is_service=is_service)

    def _rl_remap(self, full_name: str, *, is_service: bool) -> str:
        raise NotImplementedError


class GraphQueries(NameResolution):
    """Questions about the nodes, topics and services on the network."""

    def get_node_names(self) -> list[str]:
        """Return the names of all nodes."""
        return [node.name for node in self._rl_context.graph.node_names()]

    def get_fully_qualified_node_names(self) -> list[str]:
        """Return namespace and name of all nodes."""
        return [node.full for node in self._rl_context.graph.node_names()]

    def get_node_names_and_namespaces(self) -> list[tuple[str, str]]:
        """Return (name, namespace) of all nodes."""
        return [(node.name, node.namespace) for node in self._rl_context.graph.node_names()]

    def get_topic_names_and_types(self, no_demangle: bool = False) -> NamesAndTypes:
        """Return all topics with their types; with `no_demangle` under their DDS names."""
        graph = self._rl_context.graph
        return _collect([*graph.writers(), *graph.readers()], '' if no_demangle else _TOPIC)

    def get_service_names_and_types(self) -> NamesAndTypes:
        """Return all services with their types."""
        return _collect(self._rl_context.graph.readers(), _REQUEST)

    def get_publisher_names_and_types_by_node(
        self, node_name: str, node_namespace: str, no_demangle: bool = False
    ) -> NamesAndTypes:
        """Return what a node publishes."""
        writers, _ = self._rl_endpoints_of(node_name, node_namespace)
        return _collect(writers, '' if no_demangle else _TOPIC)

    def get_subscriber_names_and_types_by_node(
        self, node_name: str, node_namespace: str, no_demangle: bool = False
    ) -> NamesAndTypes:
        """Return what a node subscribes to."""
        _, readers = self._rl_endpoints_of(node_name, node_namespace)
        return _collect(readers, '' if no_demangle else _TOPIC)

    def get_service_names_and_types_by_node(self, node_name: str, node_namespace: str) -> NamesAndTypes:
        """Return the services that a node offers."""
        return _collect(self._rl_endpoints_of(node_name, node_namespace)[1], _REQUEST)

    def get_client_names_and_types_by_node(self, node_name: str, node_namespace: str) -> NamesAndTypes:
        """Return the services that a node uses."""
        return _collect(self._rl_endpoints_of(node_name, node_namespace)[1], _REPLY)

    def count_publishers(self, topic_name: str) -> int:
        """Return how many publishers a topic has."""
        return _count(self._rl_context.graph.writers(), _TOPIC + self.resolve_topic_name(topic_name))

    def count_subscribers(self, topic_name: str) -> int:
        """Return how many subscriptions a topic has."""
        return _count(self._rl_context.graph.readers(), _TOPIC + self.resolve_topic_name(topic_name))

    def get_publishers_info_by_topic(self, topic_name: str) -> list[TopicEndpointInfo]:
        """Return who publishes a topic, with type and QoS."""
        endpoints = self._rl_context.graph.writers()
        return self._rl_describe(endpoints, topic_name, TopicEndpointTypeEnum.PUBLISHER)

    def get_subscriptions_info_by_topic(self, topic_name: str) -> list[TopicEndpointInfo]:
        """Return who listens to a topic, with type and QoS."""
        endpoints = self._rl_context.graph.readers()
        return self._rl_describe(endpoints, topic_name, TopicEndpointTypeEnum.SUBSCRIPTION)

    def count_services(self, service_name: str) -> int:
        """Return how many servers a service has."""
        return _count(self._rl_context.graph.readers(), f'{_REQUEST}{self.resolve_service_name(service_name)}Request')

    def count_clients(self, service_name: str) -> int:
        """Return how many clients a service has."""
        return _count(self._rl_context.graph.readers(), f'{_REPLY}{self.resolve_service_name(service_name)}Reply')

    def _rl_describe(
        self, endpoints: Iterable[EndpointInfo], topic_name: str, kind: TopicEndpointTypeEnum
    ) -> list[TopicEndpointInfo]:
        topic = _TOPIC + self.resolve_topic_name(topic_name)
        which = 0 if kind is TopicEndpointTypeEnum.PUBLISHER else 1
        nodes = self._rl_context.graph.nodes()
        owners = {gid: node for node, endpoint_gids in nodes.items() for gid in endpoint_gids[which]}
        unknown = NodeName('_NODE_NAME_UNKNOWN_', '_NODE_NAMESPACE_UNKNOWN_')
        result = []
        for endpoint in endpoints:
            if endpoint.topic == topic:
                owner = owners.get(endpoint.gid, unknown)
                info = (owner.name, owner.namespace, endpoint.type_name, kind, list(endpoint.gid), _qos(endpoint))
                result.append(TopicEndpointInfo(*info))
        return result

    def _rl_endpoints_of(self, name: str, namespace: str) -> tuple[list[EndpointInfo], list[EndpointInfo]]:
        graph = self._rl_context.graph
        known = graph.nodes()
        node = NodeName(name, namespace)
        if node not in known:
            raise NodeNotFound(f'Cannot find the node {node.full}; known: {", ".join(sorted(n.full for n in known))}')
        writers, readers = known[node]
        return [e for e in graph.writers() if e.gid in writers], [e for e in graph.readers() if e.gid in readers]


def _qos(endpoint: EndpointInfo) -> QoSProfile:
    return QoSProfile(
        depth=0,
        reliability=ReliabilityPolicy.RELIABLE if endpoint.reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if endpoint.transient_local else DurabilityPolicy.VOLATILE,
    )


def _count(endpoints: Iterable[EndpointInfo], topic: str) -> int:
    return sum(endpoint.topic == topic for endpoint in endpoints)


def _collect(endpoints: Iterable[EndpointInfo], prefix: str) -> NamesAndTypes:
    """Return names with types of the topics whose DDS name starts with a prefix; '' takes all, unchanged."""
    result: dict[str, set[str]] = defaultdict(set)
    for endpoint in endpoints:
        name, type_name = endpoint.topic, endpoint.type_name
        if prefix:
            if not name.startswith(f'{prefix}/'):
                continue
            name = name.removeprefix(prefix)
            if prefix in (_REQUEST, _REPLY):
                name = name.removesuffix('Request' if prefix == _REQUEST else 'Reply')
                type_name = type_name.removesuffix('_Request').removesuffix('_Response')
        result[name].add(type_name)
    return sorted((name, sorted(types)) for name, types in result.items())
