# SPDX-License-Identifier: Apache-2.0
"""Services on the wire as rmw_cyclonedds has them.

A service `/name` is two topics, `rq/nameRequest` and `rr/nameReply`. Every sample starts with 16 bytes: who asked (a
64-bit number that the client chose) and the number of the request. Client and server carry ids in their USER_DATA, so
that the one's reader and writer can be told to belong together.
"""

import itertools
import os
import struct
import time
from typing import NamedTuple

from rosless.dds.endpoints import Reader, Writer
from rosless.graph import dds_type_name

PREFIX = struct.Struct('<Qq')
_REPLY_READER_WAIT_S = 0.1
_counter = itertools.count(1)


class RequestId(NamedTuple):
    """Who asked, and which of its requests it is."""

    client: int
    sequence: int


class WireNames(NamedTuple):
    """Topic and type of the requests or of the replies."""

    topic: str
    type_name: str


def wire_names(ros_type: str, service_name: str) -> tuple[WireNames, WireNames]:
    """Return the names for requests and replies of a service."""
    request = WireNames(f'rq{service_name}Request', dds_type_name(f'{ros_type}_Request'))
    return request, WireNames(f'rr{service_name}Reply', dds_type_name(f'{ros_type}_Response'))


def identity(key: str) -> bytes:
    """Return USER_DATA with a new id; `key` is 'clientid' or 'serviceid'."""
    number = os.urandom(12) + struct.pack('>I', next(_counter))
    return f'{key}={".".join(f"{byte:x}" for byte in number)};'.encode()


def read_prefix(payload: memoryview) -> RequestId:
    """Return the id in front of a request or reply.

    Raises:
        ValueError: if the payload is too short, for instance because the other side is Fast DDS, which sends no id.
    """
    if len(payload) < 4 + PREFIX.size:
        raise ValueError(f'{len(payload)} bytes are too few; a peer with another rmw than rmw_cyclonedds_cpp?')
    return RequestId(*PREFIX.unpack_from(payload, 4))


def server_is_complete(requests: Writer, replies: Reader) -> bool:
    """Return whether a server listens to `requests` and its replies reach `replies`."""
    listening = requests.matched_user_data()
    ids = {data['serviceid'] for data in listening if 'serviceid' in data}
    if not ids:
        return bool(listening) and replies.matched_count() > 0
    return any(data.get('serviceid') in ids for data in replies.matched_user_data())


def wait_for_reply_reader(requests: Reader, replies: Writer, request_writer: int) -> None:
    """Wait (at most 0.1 s) until the client that wrote a request can get the reply."""
    client = requests.peer_user_data(request_writer).get('clientid')
    deadline = time.monotonic() + _REPLY_READER_WAIT_S
    while time.monotonic() < deadline:
        if client is None and replies.matched_count():
            return
        if any(data.get('clientid') == client for data in replies.matched_user_data()):
            return
        time.sleep(0.002)
