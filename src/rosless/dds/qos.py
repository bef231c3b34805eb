# SPDX-License-Identifier: Apache-2.0
"""The quality of service of one endpoint, as Cyclone takes it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rosless.dds.library import INFINITY_NS, lib


@dataclass(frozen=True)
class EndpointQos:
    """Quality of service of a reader or a writer.

    Attributes:
        depth: samples kept when `keep_all` is false; at least 1.
        deadline_ns, lifespan_ns, lease_ns: durations in nanoseconds; 0 means without limit.
        manual_liveliness: the application asserts liveliness itself.
    """

    reliable: bool = True
    transient_local: bool = False
    keep_all: bool = False
    depth: int = 10
    deadline_ns: int = 0
    lifespan_ns: int = 0
    manual_liveliness: bool = False
    lease_ns: int = 0


@contextmanager
def native_qos(qos: EndpointQos, user_data: bytes = b'', ignore_local: bool = False) -> Iterator[int]:
    """Yield a `dds_qos_t *` with the settings of rmw_cyclonedds; it is freed when the block ends."""
    handle = lib.dds_create_qos()
    try:
        history, depth = (1, -1) if qos.keep_all else (0, max(1, qos.depth))
        lib.dds_qset_history(handle, history, depth)
        lib.dds_qset_reliability(handle, int(qos.reliable), INFINITY_NS if qos.reliable else 0)
        lib.dds_qset_durability(handle, int(qos.transient_local))
        if qos.transient_local:
            lib.dds_qset_durability_service(handle, 0, history, depth, -1, -1, -1)
        if qos.deadline_ns:
            lib.dds_qset_deadline(handle, qos.deadline_ns)
        if qos.lifespan_ns:
            lib.dds_qset_lifespan(handle, qos.lifespan_ns)
        lib.dds_qset_liveliness(handle, 2 if qos.manual_liveliness else 0, qos.lease_ns or INFINITY_NS)
        lib.dds_qset_writer_data_lifecycle(handle, False)
        if ignore_local:
            lib.dds_qset_ignorelocal(handle, 1)
        if user_data:
            lib.dds_qset_userdata(handle, user_data, len(user_data))
        yield handle
    finally:
        lib.dds_delete_qos(handle)
