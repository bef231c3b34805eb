# SPDX-License-Identifier: Apache-2.0
"""A participant: this process in one DDS domain."""

import ctypes as ct
import threading

from rosless.dds.config import cyclone_config
from rosless.dds.library import BlobMeta, DDSError, TopicDescriptor, check, lib, pointer, u32

# A marshalling program "one byte, then stop": Cyclone checks that a payload is not empty and leaves the rest opaque.
_OPERATIONS = (u32 * 3)((1 << 24) | (1 << 16), 0, 0)
_RESTRICT_REPRESENTATION, _XCDR1 = 1 << 7, 1

_domains: dict[int, tuple[int, int]] = {}  # domain id -> (handle, users); Cyclone has one configuration per domain
_domains_lock = threading.Lock()


def _open_domain(domain: int) -> None:
    with _domains_lock:
        handle, users = _domains.get(domain, (0, 0))
        if not users:
            handle = check(lib.dds_create_domain(domain, cyclone_config().encode()), f'cannot open DDS domain {domain}')
        _domains[domain] = (handle, users + 1)


def _close_domain(domain: int) -> None:
    with _domains_lock:
        handle, users = _domains.pop(domain)
        if users > 1:
            _domains[domain] = (handle, users - 1)
        else:
            lib.dds_delete(handle)


def guid(entity: int) -> bytes:
    """Return the 16 bytes that identify an entity on the network."""
    buffer = (ct.c_uint8 * 16)()
    check(lib.dds_get_guid(entity, buffer), 'guid')
    return bytes(buffer)


class Participant:
    """This process in the DDS domain `domain`."""

    def __init__(self, domain: int, user_data: bytes = b'enclave=/;') -> None:
        """Join the domain.

        Raises:
            DDSError: if the domain cannot be joined, for instance because no network interface fits.
        """
        _open_domain(domain)
        self.domain = domain
        qos = lib.dds_create_qos()
        lib.dds_qset_userdata(qos, user_data, len(user_data))
        code = lib.dds_create_participant(domain, qos, None)
        lib.dds_delete_qos(qos)
        if code < 0:
            _close_domain(domain)
            check(code, f'cannot join DDS domain {domain} (too many ROS processes on this host, or no network interface)')
        self.handle = code
        self.guid = guid(code)
        self._lock = threading.Lock()
        self._topics: dict[tuple[str, str], int] = {}
        self._descriptors: list[TopicDescriptor] = []  # Cyclone keeps pointers into them

    def topic(self, name: str, type_name: str) -> int:
        """Return the handle of the topic, creating it on first use."""
        with self._lock:
            if self.handle < 0:
                raise DDSError(f'topic {name}: the participant is closed')
            if (name, type_name) not in self._topics:
                descriptor = TopicDescriptor(
                    1, 1, _RESTRICT_REPRESENTATION, 0, type_name.encode(), None, 3, ct.cast(_OPERATIONS, pointer), b'',
                    BlobMeta(), BlobMeta(), _XCDR1,
                )  # fmt: skip
                handle = lib.dds_create_topic(self.handle, ct.byref(descriptor), name.encode(), None, None)
                self._topics[name, type_name] = check(handle, f'topic {name} with type {type_name}')
                self._descriptors.append(descriptor)
            return self._topics[name, type_name]

    def close(self) -> None:
        """Leave the domain; all entities of this participant go with it. A second call does nothing."""
        with self._lock:
            handle, self.handle = self.handle, -1
        if handle >= 0:
            lib.dds_delete(handle)
            _close_domain(self.domain)
