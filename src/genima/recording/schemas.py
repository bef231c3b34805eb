# SPDX-License-Identifier: Apache-2.0
"""Message definitions that travel inside a recording, and messages decoded by them."""

import struct
from functools import lru_cache
from typing import Any

from rosbags.serde import SerdeError
from rosbags.typesys import Stores, TypesysError, get_types_from_idl, get_types_from_msg, get_typestore

from genima.errors import DatasetError
from genima.recording.definitions import check_definitions

ENCODING = 'ros2msg'
MAX_DEFINITION_BYTES = 2**20
CONTROLLER_STATE = 'control_msgs/msg/JointTrajectoryControllerState'
POINTS = ('reference', 'feedback', 'error', 'output')
# control_msgs 5.x, as in Jazzy; rosbags' set lacks it
_CONTROLLER_STATE_FIELDS = (
    'std_msgs/Header header\nstring[] joint_names\n'
    + ''.join(f'trajectory_msgs/JointTrajectoryPoint {name}\n' for name in POINTS)
    + 'string[] multi_dof_joint_names\n'
    + ''.join(f'trajectory_msgs/MultiDOFJointTrajectoryPoint multi_dof_{name}\n' for name in POINTS)
    + 'float64 speed_scaling_factor\n'
)
ACTION_CHUNK = 'genima_msgs/msg/ActionChunk'
_ACTION_CHUNK_FIELDS = (
    'std_msgs/Header header\nstring contract\nstring[] joint_names\ntrajectory_msgs/JointTrajectoryPoint[] points\n'
)
_PARSERS = {ENCODING: get_types_from_msg, 'ros2idl': lambda text, kind: get_types_from_idl(text)}
_UNUSABLE = (TypesysError, SyntaxError, ValueError, KeyError, RecursionError)
_HEADER_BYTES = 12  # CDR encapsulation, then the stamp: int32 seconds, uint32 nanoseconds


class Schemas:
    """Definitions of messages, each with all that it is made of, as MCAP's `ros2msg` and `ros2idl` write them.

    Source: https://mcap.dev/spec/registry#ros2msg
    """

    def __init__(self) -> None:
        """Know the time types only."""
        self._store = get_typestore(Stores.EMPTY)
        self._known: dict[str, str] = {}

    def add(self, kind: str, text: str, encoding: str = ENCODING) -> None:
        """Learn the definition of `kind`, for example 'sensor_msgs/msg/Image'.

        Raises:
            DatasetError: if the text cannot be parsed, or differs from what was learned before.
        """
        if self._known.get(kind) == text:
            return
        try:
            types = _parse(text, kind, encoding)
            check_definitions({**self._store.fielddefs, **types})
            self._store.register(types)
        except _UNUSABLE as error:
            raise DatasetError(f'{kind}: its definition in the recording cannot be used: {_short(error)}') from error
        self._known[kind] = text

    def text(self, kind: str) -> str:
        """Return the definition of a known type in `ENCODING`, however it was written when it was learned."""
        return str(self._store.generate_msgdef(kind, ros_version=2)[0])

    def type_hash(self, kind: str) -> str:
        """Return the RIHS01 hash (REP-2011) of a type, with which ROS 2 tells versions apart."""
        return self._store.hash_rihs01(kind)

    def decode(self, kind: str, data: bytes) -> Any:
        """Return the message in a CDR payload, with fields as ROS names them and arrays as numpy arrays.

        Raises:
            DatasetError: if the payload is not one of that type.
        """
        try:
            return self._store.deserialize_cdr(data, kind)
        except (
            SerdeError,
            KeyError,
            IndexError,
            ValueError,
            OverflowError,
            MemoryError,
            RecursionError,
            struct.error,
        ) as error:
            raise DatasetError(f'a message of {kind} cannot be decoded: {_short(error)}') from error


@lru_cache(maxsize=1)
def standard_store() -> Any:
    """Return the definitions of ROS 2 Jazzy's own messages, and those of others that are read and written here."""
    store = get_typestore(Stores.ROS2_JAZZY)
    store.register(get_types_from_msg(_CONTROLLER_STATE_FIELDS, CONTROLLER_STATE))
    store.register(get_types_from_msg(_ACTION_CHUNK_FIELDS, ACTION_CHUNK))
    return store


def plain_text(kind: str, text: str, encoding: str) -> str:
    """Return a definition in `ENCODING`, however it is written.

    Raises:
        DatasetError: if it is written otherwise, and cannot be parsed.
    """
    if encoding == ENCODING:
        return text
    schemas = Schemas()
    schemas.add(kind, text, encoding)
    return schemas.text(kind)


def standard_definition(kind: str) -> str | None:
    """Return the definition of a message of ROS 2 itself, None of others: older bags have no definitions in them."""
    store = standard_store()
    return str(store.generate_msgdef(kind, ros_version=2)[0]) if kind in store.fielddefs else None


@lru_cache(maxsize=256)
def _parse(text: str, kind: str, encoding: str) -> dict[str, Any]:
    """Return a definition as rosbags keeps it; every episode has the same ones."""
    if len(text) > MAX_DEFINITION_BYTES:
        raise DatasetError(f'{kind}: a definition of {len(text)} characters; at most {MAX_DEFINITION_BYTES}')
    if encoding not in _PARSERS:
        raise DatasetError(f'{kind}: schema encoding {encoding!r}; allowed: {", ".join(_PARSERS)}')
    return _PARSERS[encoding](text, kind)


def _short(error: BaseException) -> str:
    """Return the beginning of an error's text; parsers repeat the whole definition in theirs."""
    text = str(error) or repr(error)
    return text if len(text) <= 160 else f'{text[:160]}...'


def header_stamp_ns(data: bytes) -> int:
    """Return the stamp in the std_msgs/Header, or builtin_interfaces/Time, that a CDR message begins with [ns].

    Raises:
        DatasetError: if the message is shorter than that.
    """
    if len(data) < _HEADER_BYTES:
        raise DatasetError(f'a message of {len(data)} bytes has no header')
    seconds, nanoseconds = struct.unpack_from('<iI' if data[1] & 1 else '>iI', data, 4)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)
