# SPDX-License-Identifier: Apache-2.0
"""The tree of frames of the last seconds."""

import math
from typing import Any

import numpy as np
from geometry_msgs.msg import TransformStamped
from rclpy.duration import Duration
from rclpy.logging import get_logger
from rclpy.time import Time
from scipy.spatial.transform import Rotation

from .exceptions import ConnectivityException, InvalidArgumentException, LookupException, TransformException
from .history import Floats, History, Sample

CACHE_S = 10.0
MAX_DEPTH = 1000  # tf2::BufferCore::MAX_GRAPH_DEPTH
UNIT_TOLERANCE = 10e-3  # QUATERNION_NORMALIZATION_TOLERANCE in buffer_core.cpp of tf2


class Buffer:
    """Keeps transforms and answers lookups, as `tf2_ros.Buffer` does; it does not wait for transforms to come.

    Args:
        cache_time: How long transforms are kept; 10 s by default.
        node: Accepted; the service tf2_frames is not offered.
    """

    def __init__(self, cache_time: Duration | None = None, node: Any = None) -> None:
        self._keep_ns = cache_time.nanoseconds if cache_time is not None else int(CACHE_S * 1e9)
        self._histories: dict[str, History] = {}

    def set_transform(self, transform: Any, authority: str) -> None:
        """Take a geometry_msgs/TransformStamped; what is no transform is logged and ignored."""
        self._set(transform, authority, False)

    def set_transform_static(self, transform: Any, authority: str) -> None:
        """Take one that is valid at all times."""
        self._set(transform, authority, True)

    def _set(self, transform: Any, authority: str, is_static: bool) -> None:
        child, parent = transform.child_frame_id.lstrip('/'), transform.header.frame_id.lstrip('/')
        p, q = transform.transform.translation, transform.transform.rotation
        shift, turn = np.array([p.x, p.y, p.z]), np.array([q.x, q.y, q.z, q.w])
        reason = _refusal(child, parent, shift, turn)
        if reason:
            get_logger('tf2').error(f'{reason} for child_frame_id "{child}" from authority "{authority}"')
            return
        history = self._histories.get(child)
        if history is None or history.is_static != is_static:
            history = History(is_static, self._keep_ns)
        stamp = transform.header.stamp
        history.add(Sample(stamp.sec * 1_000_000_000 + stamp.nanosec, parent, shift, turn))
        self._histories[child] = history

    def lookup_transform(self, target_frame: str, source_frame: str, time: Any, timeout: Any = None) -> TransformStamped:
        """Return the transform that maps coordinates in `source_frame` to coordinates in `target_frame`.

        Args:
            target_frame: Its frame_id.
            source_frame: Its child_frame_id.
            time: rclpy.time.Time; zero: the newest at which all on the way are known.
            timeout: Only none, or zero: this buffer does not wait.

        Raises:
            LookupException, ConnectivityException, ExtrapolationException, InvalidArgumentException: as tf2 does.
        """
        if timeout is not None and timeout.nanoseconds > 0:
            raise NotImplementedError('rosless: tf2_ros.Buffer does not wait; look again later')
        for frame in (target_frame, source_frame):
            if not frame or frame.startswith('/'):
                reason = 'cannot be empty' if not frame else "cannot start with a '/'"
                raise InvalidArgumentException(f'Invalid argument "{frame}" passed to lookupTransform: frame_ids {reason}')
        time_ns = time.nanoseconds
        if target_frame != source_frame:
            time_ns = time_ns or self._latest_common_ns(target_frame, source_frame)
        target, source = (self._to_root(frame, time_ns) for frame in (target_frame, source_frame))
        self._require_common(target, source, target_frame, source_frame)
        (_, shift_t, turn_t), (_, shift_s, turn_s) = target, source
        back = turn_t.inv()
        return _message(target_frame, source_frame, time_ns, back.apply(shift_s - shift_t), back * turn_s)

    def can_transform(self, target_frame: str, source_frame: str, time: Any, timeout: Any = None) -> bool:
        """Return whether `lookup_transform` would succeed."""
        try:
            self.lookup_transform(target_frame, source_frame, time)
        except TransformException:
            return False
        return True

    def clear(self) -> None:
        """Forget everything."""
        self._histories = {}

    def _require_known(self, frame: str) -> None:
        if frame not in self._histories and all(each.newest().parent != frame for each in list(self._histories.values())):
            raise LookupException(f'"{frame}" passed to lookupTransform argument does not exist. ')

    def _latest_common_ns(self, *frames: str) -> int:
        """Return the newest time [ns] at which every moving frame on the two ways to the root is known."""
        ways: list[dict[str, int | None]] = []
        for frame in frames:
            self._require_known(frame)
            way: dict[str, int | None] = {}
            while (history := self._histories.get(frame)) is not None:
                if frame in way or len(way) > MAX_DEPTH:
                    raise ConnectivityException(f'The tf tree is invalid because it contains a loop at frame "{frame}"')
                way[frame] = None if history.is_static else history.newest().time_ns
                frame = history.newest().parent
            ways.append(way)
        shared = ways[0].keys() & ways[1].keys()  # above the common parent
        times = [time_ns for way in ways for frame, time_ns in way.items() if frame not in shared and time_ns is not None]
        return min(times, default=0)

    def _to_root(self, frame: str, time_ns: int) -> tuple[str, Floats, Rotation]:
        """Return the root above a frame, and the frame's position (3,) and rotation in it."""
        self._require_known(frame)
        shift, turn = np.zeros(3), Rotation.identity()
        for _ in range(MAX_DEPTH):
            history = self._histories.get(frame)
            if history is None:
                return frame, shift, turn
            sample = history.newest() if time_ns == 0 else history.at(time_ns, frame)
            step = Rotation.from_quat(sample.turn)
            shift, turn, frame = sample.shift + step.apply(shift), step * turn, sample.parent
        raise ConnectivityException(f'The tf tree is invalid because it contains a loop at frame "{frame}"')

    @staticmethod
    def _require_common(target: Any, source: Any, target_frame: str, source_frame: str) -> None:
        if target[0] != source[0]:
            raise ConnectivityException(
                f"Could not find a connection between '{target_frame}' and '{source_frame}' because they are not part of"
                ' the same tree. Tf has two or more unconnected trees.'
            )


def _refusal(child: str, parent: str, shift: Floats, turn: Floats) -> str | None:
    """Return why tf2 ignores a transform."""
    if not child or not parent:
        return 'Ignoring transform with an empty frame_id'
    if child == parent:
        return 'TF_SELF_TRANSFORM: Ignoring transform whose frame_id and child_frame_id are the same'
    if not (np.isfinite(shift).all() and np.isfinite(turn).all()):
        return 'TF_NAN_INPUT: Ignoring transform with a nan value'
    if not math.isclose(float(turn @ turn), 1.0, abs_tol=UNIT_TOLERANCE):
        return 'TF_DENORMALIZED_QUATERNION: Ignoring transform with an invalid quaternion'
    return None


def _message(parent: str, child: str, time_ns: int, shift: Floats, turn: Rotation) -> TransformStamped:
    message = TransformStamped(child_frame_id=child)
    message.header.frame_id = parent
    message.header.stamp = Time(nanoseconds=time_ns).to_msg()
    p, q = message.transform.translation, message.transform.rotation
    p.x, p.y, p.z = shift.tolist()
    q.x, q.y, q.z, q.w = turn.as_quat().tolist()
    return message
