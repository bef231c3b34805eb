# SPDX-License-Identifier: Apache-2.0
"""The ROS graph: which nodes exist on the network, and which endpoints they have."""

import ctypes as ct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rosless.dds.endpoints import Endpoint, Reader, Writer, user_data_fields
from rosless.dds.library import BuiltinEndpoint, BuiltinParticipant, SampleInfo, check, lib, pointer
from rosless.dds.participant import Participant
from rosless.dds.qos import EndpointQos
from rosless.interfaces.definitions import type_hash
from rosless.interfaces.messages import decode_message, encode_message, message_class

_PSEUDO_TOPICS = 0x7FFF0000  # DDS_MIN_PSEUDO_HANDLE
_PARTICIPANTS, _PUBLICATIONS, _SUBSCRIPTIONS = _PSEUDO_TOPICS + 1, _PSEUDO_TOPICS + 3, _PSEUDO_TOPICS + 4
_ANY_SAMPLE_ALIVE = 1 | 2 | 4 | 8 | 16
_MOST_SAMPLES = 4096
_TOPIC = 'ros_discovery_info'
_FIRST_ANSWERS_S = 0.5


@dataclass(frozen=True)
class NodeName:
    """A node's name and namespace."""

    name: str
    namespace: str

    @property
    def full(self) -> str:
        """Namespace and name."""
        return f'{self.namespace.rstrip("/")}/{self.name}'


@dataclass
class NodeEndpoints:
    """A node of this process and its endpoints."""

    name: NodeName
    writers: list[Writer] = field(default_factory=list)
    readers: list[Reader] = field(default_factory=list)


@dataclass(frozen=True)
class EndpointInfo:
    """A writer or reader anywhere on the network."""

    gid: bytes
    topic: str
    type_name: str
    type_hash: str
    reliable: bool
    transient_local: bool


def dds_type_name(ros_type: str) -> str:
    """Return 'sensor_msgs::msg::dds_::Image_' for 'sensor_msgs/msg/Image'."""
    package, kind, name = ros_type.split('/')
    return f'{package}::{kind}::dds_::{name}_'


def ros_type_name(dds_type: str) -> str:
    """Return 'sensor_msgs/msg/Image' for 'sensor_msgs::msg::dds_::Image_'."""
    return dds_type.replace('::dds_::', '::').replace('::', '/').removesuffix('_')


def type_hash_user_data(ros_type: str) -> bytes:
    """Return what ROS 2 endpoints carry to tell versions of a type apart."""
    return f'typehash={type_hash(ros_type)};'.encode()


class BuiltinReader:
    """The present content of one of DDS's own topics."""

    def __init__(self, participant: Participant, topic: int) -> None:
        self._handle = check(lib.dds_create_reader(participant.handle, topic, None, None), 'built-in reader')
        self._lock = threading.Lock()

    def read(self, structure: Any) -> Iterator[Any]:
        """Yield all valid entries as `structure`; each is valid until the next is asked for."""
        samples, infos = (pointer * _MOST_SAMPLES)(), (SampleInfo * _MOST_SAMPLES)()
        with self._lock:
            count = lib.dds_read_mask(self._handle, samples, infos, _MOST_SAMPLES, _MOST_SAMPLES, _ANY_SAMPLE_ALIVE)
            try:
                for sample, info in zip(samples[: max(0, count)], infos, strict=False):
                    if info.valid_data:
                        yield structure.from_address(sample)
            finally:
                if count > 0:
                    lib.dds_return_loan(self._handle, samples, count)


def _endpoint_info(entry: BuiltinEndpoint) -> EndpointInfo:
    reliability, durability, time = ct.c_int(), ct.c_int(), ct.c_int64()
    lib.dds_qget_reliability(entry.qos, ct.byref(reliability), ct.byref(time))
    lib.dds_qget_durability(entry.qos, ct.byref(durability))
    return EndpointInfo(
        bytes(entry.key),
        entry.topic_name.decode(),
        ros_type_name(entry.type_name.decode()),
        user_data_fields(entry.qos).get('typehash', ''),
        reliability.value == 1,
        durability.value >= 1,
    )


class Graph:
    """Announces the nodes of this process, and knows those of all others (topic `ros_discovery_info`)."""

    def __init__(self, participant: Participant) -> None:
        self._participant = participant
        self._lock = threading.RLock()
        self._own: list[NodeEndpoints] = []
        self._remote: dict[bytes, list[Any]] = {}  # participant -> its NodeEntitiesInfo
        self._info: Any = message_class('rmw_dds_common/msg/ParticipantEntitiesInfo')
        self._gid = message_class('rmw_dds_common/msg/Gid')
        self._node_info = message_class('rmw_dds_common/msg/NodeEntitiesInfo')
        name, user_data = dds_type_name(self._info.ros_type), type_hash_user_data(self._info.ros_type)
        self._writer = Writer(participant, _TOPIC, name, EndpointQos(transient_local=True, depth=1), user_data)
        self._reader: Reader | None = None
        self._builtin = {
            topic: BuiltinReader(participant, topic) for topic in (_PARTICIPANTS, _PUBLICATIONS, _SUBSCRIPTIONS)
        }

    def add_node(self, node: NodeEndpoints) -> None:
        """Announce a node of this process."""
        with self._lock:
            self._own.append(node)
            self.announce()

    def remove_node(self, node: NodeEndpoints) -> None:
        """Take a node back."""
        with self._lock:
            if node in self._own:
                self._own.remove(node)
                self.announce()

    def announce(self) -> None:
        """Tell the others about the nodes of this process and their endpoints."""
        with self._lock:
            message = self._info(gid=self._gid(data=list(self._participant.guid)))
            for node in self._own:
                info = self._node_info(node_name=node.name.name, node_namespace=node.name.namespace)
                info.reader_gid_seq = self._gids(node.readers)
                info.writer_gid_seq = self._gids(node.writers)
                message.node_entities_info_seq.append(info)
            self._writer.write(encode_message(message))

    def _gids(self, endpoints: Any) -> list[Any]:
        return [self._gid(data=list(endpoint.guid)) for endpoint in endpoints if isinstance(endpoint, Endpoint)]

    def _decode(self, payload: memoryview) -> Any:
        return decode_message(payload, self._info)

    def _update(self) -> None:
        """Bring what is known of the other processes up to date.

        Only processes that ask listen to the announcements: unread, they would pile up in the others for ever. Whoever
        begins to listen gets the newest one of every process that runs.
        """
        deadline = 0.0
        if self._reader is None:
            name, user_data = dds_type_name(self._info.ros_type), type_hash_user_data(self._info.ros_type)
            qos = EndpointQos(transient_local=True, keep_all=True)
            self._reader = Reader(self._participant, _TOPIC, name, qos, user_data, ignore_local=True)
            deadline = time.monotonic() + _FIRST_ANSWERS_S
        while True:
            while taken := self._reader.take(self._decode):
                message = taken[0]
                self._remote[bytes(message.gid.data)] = message.node_entities_info_seq
            alive = self._ros_participants()
            self._remote = {gid: nodes for gid, nodes in self._remote.items() if gid in alive}
            if alive == self._remote.keys() or time.monotonic() >= deadline:
                return
            time.sleep(0.002)

    def _ros_participants(self) -> set[bytes]:
        entries = self._builtin[_PARTICIPANTS].read(BuiltinParticipant)
        ros = {bytes(entry.key) for entry in entries if 'enclave' in user_data_fields(entry.qos)}
        return ros - {self._participant.guid}

    def nodes(self) -> dict[NodeName, tuple[set[bytes], set[bytes]]]:
        """Return all nodes with the ids of their writers and readers; nodes with equal names are joined."""
        result: dict[NodeName, tuple[set[bytes], set[bytes]]] = {}
        with self._lock:
            self._update()
            for own in self._own:
                writers, readers = result.setdefault(own.name, (set(), set()))
                writers.update(writer.guid for writer in own.writers)
                readers.update(reader.guid for reader in own.readers)
            for info in (info for infos in self._remote.values() for info in infos):
                writers, readers = result.setdefault(NodeName(info.node_name, info.node_namespace), (set(), set()))
                writers.update(bytes(gid.data) for gid in info.writer_gid_seq)
                readers.update(bytes(gid.data) for gid in info.reader_gid_seq)
        return result

    def node_names(self) -> list[NodeName]:
        """Return all nodes; equal names occur as often as there are such nodes."""
        with self._lock:
            self._update()
            remote = [NodeName(i.node_name, i.node_namespace) for infos in self._remote.values() for i in infos]
            return [own.name for own in self._own] + remote

    def writers(self) -> list[EndpointInfo]:
        """Return all writers on the network, those of this process included."""
        return [_endpoint_info(entry) for entry in self._builtin[_PUBLICATIONS].read(BuiltinEndpoint)]

    def readers(self) -> list[EndpointInfo]:
        """Return all readers on the network, those of this process included."""
        return [_endpoint_info(entry) for entry in self._builtin[_SUBSCRIPTIONS].read(BuiltinEndpoint)]
