# SPDX-License-Identifier: Apache-2.0
"""What the middleware lost is counted by topic where it says so, and nothing is claimed where it does not."""

import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import rclpy
from genima_ros.core import qos
from genima_ros.inputs.lost_messages import subscribe_raw
from genima_ros.recording import streams as recorder_streams
from genima_ros.recording.streams import RecordedStreams
from genima_ros.recording.topics import Stream
from sensor_msgs.msg import JointState
from std_msgs.msg import String

STREAMS = [Stream('joint_states', JointState, periodic=True, stamped=True), Stream('words', String)]


class _Unsupported(Exception):
    pass


class _Listener:
    """A node of a middleware that may or may not count."""

    def __init__(self, supported: bool) -> None:
        self.asked: list[Any] = []
        self._supported = supported

    def create_subscription(self, *_: Any, raw: bool, event_callbacks: Any = None) -> None:
        if event_callbacks is not None and not self._supported:
            raise _Unsupported
        self.asked.append(event_callbacks)

    def get_logger(self) -> Any:
        return SimpleNamespace(debug=lambda text: None)


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Middleware with the event, by the names of rclpy."""
    module = ModuleType('rclpy.event_handler')
    module.SubscriptionEventCallbacks = SimpleNamespace  # type: ignore[attr-defined]
    module.UnsupportedEventTypeError = _Unsupported  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, 'rclpy.event_handler', module)
    monkeypatch.setattr(rclpy, 'get_rmw_implementation_identifier', lambda: 'rmw_fastrtps_cpp')


def _subscribe(node: _Listener, lost: list[int]) -> bool:
    return subscribe_raw(node, String, 'words', qos.RELIABLE, lambda data: None, lost.append)  # type: ignore[arg-type]


@pytest.mark.usefixtures('counting')
def test_the_event_is_asked_for_and_its_changes_are_counted() -> None:
    node, lost = _Listener(supported=True), []
    assert _subscribe(node, lost)
    node.asked[0].message_lost(SimpleNamespace(total_count=7, total_count_change=3))
    assert lost == [3] and len(node.asked) == 1


@pytest.mark.usefixtures('counting')
def test_a_middleware_without_the_event_still_delivers() -> None:
    node = _Listener(supported=False)
    assert not _subscribe(node, []) and node.asked == [None]


def test_cyclone_counts_nothing_and_nothing_is_claimed() -> None:
    node = _Listener(supported=True)
    assert 'cyclonedds' in rclpy.get_rmw_implementation_identifier(), 'this test is written for the middleware of this suite'
    assert not _subscribe(node, []) and node.asked == [None]


@pytest.mark.parametrize('counts', [True, False])
def test_losses_are_told_by_topic_and_begin_anew_with_each_episode(
    probe: Any, monkeypatch: pytest.MonkeyPatch, counts: bool
) -> None:
    told: dict[str, Callable[[int], None]] = {}

    def fake(_node: Any, _kind: Any, topic: str, _qos: Any, _heard: Any, on_lost: Callable[[int], None]) -> bool:
        told[topic] = on_lost
        return counts

    monkeypatch.setattr(recorder_streams, 'subscribe_raw', fake)
    streams = RecordedStreams(probe, STREAMS, False)
    if counts:
        told['joint_states'](2)
        told['joint_states'](3)
    report = streams.report()
    assert report['/joint_states'].get('lost') == (5 if counts else None)
    assert report['/words'].get('lost') == (0 if counts else None)
    assert streams.losses() == (['5 messages of /joint_states were lost on the network'] if counts else [])
    streams.begin(SimpleNamespace(put=lambda *_: True), 0)  # type: ignore[arg-type]
    assert streams.losses() == []
