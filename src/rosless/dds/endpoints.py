# SPDX-License-Identifier: Apache-2.0
"""Writers and readers of ready-made CDR payloads."""

import ctypes as ct
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from rosless.dds.library import DDSError, IoVector, SampleInfo, check, lib, pointer, u64
from rosless.dds.participant import Participant, guid
from rosless.dds.qos import EndpointQos, native_qos

T = TypeVar('T')
_ANY_STATE = 127
_SERIALIZED_DATA = 2  # ddsi_serdata_kind SDK_DATA
_PY_READ_ONLY = 0x100

_memory_view = ct.pythonapi.PyMemoryView_FromMemory
_memory_view.restype, _memory_view.argtypes = ct.py_object, (pointer, ct.c_ssize_t, ct.c_int)


class Origin(NamedTuple):
    """Where a sample comes from: when it was written (ns since 1970) and the local handle of its writer."""

    source_timestamp_ns: int
    writer_handle: int


def user_data_fields(qos: int | None) -> dict[str, str]:
    """Return the `key=value;` pairs that ROS 2 keeps in the USER_DATA of a `dds_qos_t *`."""
    value, size = pointer(), ct.c_size_t()
    if not qos or not lib.dds_qget_userdata(qos, ct.byref(value), ct.byref(size)) or not value.value:
        return {}
    text = ct.string_at(value.value, size.value).decode('utf-8', 'replace')
    lib.dds_free(value)
    return dict(item.split('=', 1) for item in text.split(';') if '=' in item)


class Endpoint:
    """What writers and readers share: a handle, a network-wide id, and the endpoints matched with it."""

    def __init__(self, handle: int, matched: Any, matched_data: Any) -> None:
        self.handle = handle
        self.guid = guid(handle)
        self._matched, self._matched_data = matched, matched_data

    def matched_count(self) -> int:
        """Return how many remote and local endpoints are connected to this one."""
        return max(0, self._matched(self.handle, None, 0))

    def matched_user_data(self) -> list[dict[str, str]]:
        """Return the USER_DATA pairs of every connected endpoint."""
        handles = (u64 * 256)()
        count = min(256, max(0, self._matched(self.handle, handles, 256)))
        return [self.peer_user_data(handle) for handle in handles[:count]]

    def peer_user_data(self, peer_handle: int) -> dict[str, str]:
        """Return the USER_DATA pairs of one connected endpoint; empty if it has gone."""
        endpoint = self._matched_data(self.handle, peer_handle)
        if not endpoint:
            return {}
        try:
            return user_data_fields(endpoint.contents.qos)
        finally:
            lib.dds_builtintopic_free_endpoint(endpoint)

    def close(self) -> None:
        """Delete the entity. A second call does nothing."""
        handle, self.handle = self.handle, -1
        if handle >= 0:
            lib.dds_delete(handle)


class Writer(Endpoint):
    """Writes CDR payloads to one topic."""

    def __init__(
        self, participant: Participant, topic: str, type_name: str, qos: EndpointQos, user_data: bytes = b''
    ) -> None:
        with native_qos(qos, user_data) as native:
            handle = lib.dds_create_writer(participant.handle, participant.topic(topic, type_name), native, None)
        super().__init__(
            check(handle, f'writer for {topic}'),
            lib.dds_get_matched_subscriptions,
            lib.dds_get_matched_subscription_data,
        )
        self._topic = topic
        self._sertype = pointer()
        check(lib.dds_get_entity_sertype(handle, ct.byref(self._sertype)), 'sertype')
        instance = u64()
        check(lib.dds_get_instance_handle(handle, ct.byref(instance)), 'instance handle')
        self.instance_handle = instance.value

    def write(self, payload: bytearray) -> None:
        """Send one sample: a CDR encapsulation header and the body. `payload` is padded in place to a multiple of four.

        Raises:
            DDSError: if the writer is closed or Cyclone refuses the sample.
        """
        if len(payload) & 3:
            payload.extend(bytes(-len(payload) & 3))
        if self.handle < 0:
            raise DDSError(f'write to {self._topic}: the writer is closed')
        address = ct.addressof(ct.c_char.from_buffer(payload))
        vector = IoVector(address, len(payload))
        sample = lib.ddsi_serdata_from_ser_iov(self._sertype, _SERIALIZED_DATA, 1, ct.byref(vector), len(payload))
        if not sample:
            raise DDSError(f'write to {self._topic}: Cyclone DDS refused a payload of {len(payload)} bytes')
        check(lib.dds_writecdr(self.handle, sample), f'write to {self._topic}')

    def wait_for_acknowledgement(self, timeout_ns: int) -> bool:
        """Wait until every reliable reader has all samples; return whether that happened in time."""
        return bool(lib.dds_wait_for_acks(self.handle, timeout_ns) == 0)

    def assert_liveliness(self) -> None:
        """Tell the readers that this writer is alive (only needed with manual liveliness)."""
        check(lib.dds_assert_liveliness(self.handle), 'assert liveliness')


class Reader(Endpoint):
    """Takes CDR payloads from one topic."""

    def __init__(
        self,
        participant: Participant,
        topic: str,
        type_name: str,
        qos: EndpointQos,
        user_data: bytes = b'',
        ignore_local: bool = False,
    ) -> None:
        with native_qos(qos, user_data, ignore_local) as native:
            handle = lib.dds_create_reader(participant.handle, participant.topic(topic, type_name), native, None)
        super().__init__(
            check(handle, f'reader for {topic}'), lib.dds_get_matched_publications, lib.dds_get_matched_publication_data
        )
        self.condition = check(lib.dds_create_readcondition(handle, _ANY_STATE), 'read condition')
        self._sample, self._info, self._vector = (pointer * 1)(), SampleInfo(), IoVector()
        self._lock = threading.Lock()  # the three buffers above are shared by all threads that take

    def take(self, decode: Callable[[memoryview], T]) -> tuple[T, Origin] | None:
        """Take the oldest sample and return what `decode` makes of it, or None where there is none.

        `decode` gets a view of the whole payload that is valid only during the call; it must copy what it keeps.
        """
        with self._lock:
            if self.handle < 0:
                return None
            while lib.dds_takecdr(self.handle, self._sample, 1, ct.byref(self._info), _ANY_STATE) > 0:
                sample = self._sample[0]
                try:
                    if self._info.valid_data:  # others only report that a writer came or went
                        origin = Origin(self._info.source_timestamp, self._info.publication_handle)
                        return self._decode(sample, decode), origin
                finally:
                    lib.ddsi_serdata_unref(sample)
        return None

    def _decode(self, sample: int | None, decode: Callable[[memoryview], T]) -> T:
        size = lib.ddsi_serdata_size(sample)
        reference = lib.ddsi_serdata_to_ser_ref(sample, 0, size, ct.byref(self._vector))
        try:
            with _memory_view(self._vector.base, size, _PY_READ_ONLY) as view:
                return decode(view)
        finally:
            lib.ddsi_serdata_to_ser_unref(reference, ct.byref(self._vector))
