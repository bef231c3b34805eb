# SPDX-License-Identifier: Apache-2.0
"""Recordings are rosbag2 bags that prove their own integrity."""

import hashlib
import json
from pathlib import Path

import bags
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rosbags.rosbag2 import Reader

from genima.errors import DatasetError
from genima.recording.layout import EPISODE, bag_files, is_finished, list_recordings, read_summary
from genima.recording.numbered import next_number, numbered_name
from genima.recording.reader import Bag, read_bag
from genima.recording.rosbag2 import Topic
from genima.recording.schemas import header_stamp_ns
from genima.recording.writer import BagWriter
from genima.sim.usage import JUDGED


@pytest.mark.parametrize('compression', ['none', 'lz4', 'zstd'])
def test_what_is_written_is_read_back(tmp_path: Path, compression: str) -> None:
    written = bags.record(tmp_path / 'episode_000000', compression=compression)
    bag = Bag(tmp_path / 'episode_000000')
    assert [(item.topic.name, item.log_time_ns, item.data) for item in bag.raw()] == written
    assert bag.damage == [] and json.loads(bag.about['provenance']) == bags.PROVENANCE
    messages = list(read_bag(tmp_path / 'episode_000000', [bags.IMAGES.name]))
    assert {message.topic for message in messages} == {bags.IMAGES.name}
    rng = np.random.default_rng(0)
    rng.normal(size=2)
    first = rng.integers(0, 255, (24, 32, 3), dtype=np.uint8)
    np.testing.assert_array_equal(messages[0].message.data.reshape(24, 32, 3), first)
    assert messages[0].message.header.stamp.sec == bags.START_NS // 10**9


def test_rosbags_opens_it_and_finds_the_same(tmp_path: Path) -> None:
    written = bags.record(tmp_path / 'episode_000007')
    with Reader(tmp_path / 'episode_000007') as reader:
        found = [(connection.topic, log_ns, bytes(data)) for connection, log_ns, data in reader.messages()]
        assert reader.message_count == len(written)
        assert reader.topics[bags.JOINTS.name].msgcount == 60 and reader.topics[bags.EVENTS.name].msgcount == 0
        (joints,) = reader.topics[bags.JOINTS.name].connections
        assert joints.ext.offered_qos_profiles[0].reliability.name == 'RELIABLE'
        assert reader.end_time - 1 - reader.start_time == written[-1][1] - written[0][1]
    assert sorted(found) == sorted(written)


def test_our_own_messages_are_decoded_by_the_definition_in_the_file(tmp_path: Path) -> None:
    kind = bags.STATUS.kind
    pose = bags.STORE.types['geometry_msgs/msg/Pose'](
        position=bags.STORE.types['geometry_msgs/msg/Point'](x=0.5, y=0.1, z=0.02),
        orientation=bags.STORE.types['geometry_msgs/msg/Quaternion'](x=0.0, y=0.0, z=0.0, w=1.0),
    )
    scene = {'objects': ['mug'], 'poses': [pose], 'measures': ['lifted_m'], 'values': np.array([0.1])}
    fields = {'seed': 7, 'elapsed_s': 1.5, 'success': True, 'done': False, 'holds': 0, 'holds_given_up': 0}
    shares = dict.fromkeys((f'{name}_share' for name in JUDGED), 0.5)
    message = bags.STORE.types[kind](header=bags.header(bags.START_NS), **scene, **fields, **shares)
    with BagWriter(tmp_path / 'episode_000000', {}) as writer:
        writer.add_topic(bags.STATUS)
        writer.write(bags.STATUS.name, bags.START_NS, bytes(bags.STORE.serialize_cdr(message, kind)))
    (read,) = read_bag(tmp_path / 'episode_000000')
    assert (read.kind, read.message.seed, read.message.success, read.message.poses[0].position.x) == (kind, 7, True, 0.5)


def test_the_summary_is_the_last_word(tmp_path: Path) -> None:
    folder = tmp_path / 'episode_000003'
    writer = bags.open_bag(folder)
    assert not is_finished(folder)
    with pytest.raises(DatasetError, match='was not finished'):
        read_summary(folder)
    for moment in bags.moments(10):
        writer.write(*moment)
    returned = writer.finish('failure', 'grasp_failure', 'slipped', {bags.JOINTS.name: {'dropped': 2}})
    summary = read_summary(folder)
    assert summary == returned and is_finished(folder)
    path = bag_files(folder)[0]
    assert summary['sha256'] == hashlib.sha256(path.read_bytes()).hexdigest() and summary['bytes'] == path.stat().st_size
    assert (summary['outcome'], summary['failure'], summary['note']) == ('failure', 'grasp_failure', 'slipped')
    assert summary['messages'] == 14 and summary['dropped'] == 2 and summary['provenance'] == bags.PROVENANCE
    joints = summary['topics'][bags.JOINTS.name]
    assert joints['count'] == 10 and joints['last_ns'] - joints['first_ns'] == 90_000_000
    with pytest.raises(DatasetError, match='has ended'):
        writer.write(bags.JOINTS.name, 0, b'')


def test_outcomes_that_make_no_sense_are_refused_and_recording_goes_on(tmp_path: Path) -> None:
    writer = bags.open_bag(tmp_path / 'episode_000000')
    for outcome, cause in (('perfect', None), ('failure', None), ('success', 'timeout')):
        with pytest.raises(DatasetError):
            writer.finish(outcome, cause)
    writer.write(*next(bags.moments(1)))
    assert writer.finish('success')['messages'] == 1


def test_an_error_inside_leaves_an_unfinished_episode_that_is_whole(tmp_path: Path) -> None:
    with pytest.raises(KeyError), bags.open_bag(tmp_path / 'episode_000000') as writer:
        writer.write(*next(bags.moments(1)))
        raise KeyError('x')
    summary = read_summary(tmp_path / 'episode_000000')
    assert summary['outcome'] == 'unfinished' and 'KeyError' in summary['note']


def test_a_discarded_episode_is_gone(tmp_path: Path) -> None:
    writer = bags.open_bag(tmp_path / 'episode_000000')
    writer.write(*next(bags.moments(1)))
    writer.discard()
    assert list(tmp_path.iterdir()) == []


def test_numbers_go_on_after_the_highest(tmp_path: Path) -> None:
    assert next_number(tmp_path / 'nothing', EPISODE) == 0
    with pytest.raises(DatasetError, match='no recording'):
        list_recordings(tmp_path)
    for number in (9, 12, 1_000_000):
        (tmp_path / numbered_name(EPISODE, number)).mkdir()
    (tmp_path / 'episode_old').mkdir()
    assert next_number(tmp_path, EPISODE) == 1_000_001
    assert [path.name for path in list_recordings(tmp_path)] == ['episode_000009', 'episode_000012', 'episode_1000000']


def test_nothing_is_overwritten_or_written_without_a_definition(tmp_path: Path) -> None:
    (tmp_path / 'episode_000000').mkdir()
    with pytest.raises(DatasetError, match='cannot be made'):
        bags.open_bag(tmp_path / 'episode_000000')
    with bags.open_bag(tmp_path / 'episode_000001') as writer:
        with pytest.raises(DatasetError, match='was not announced'):
            writer.write('/nobody', 0, b'')
        with pytest.raises(DatasetError, match='definition'):
            writer.add_topic(Topic('/x', 'a_msgs/msg/B', 'float64 7'))
    with pytest.raises(DatasetError, match='lz5'):
        bags.open_bag(tmp_path / 'episode_000002', 'lz5')


@given(st.integers(0, 2**31 - 1), st.integers(0, 999_999_999))
def test_stamps_are_read_from_raw_messages(sec: int, nanosec: int) -> None:
    stamp_ns = sec * 10**9 + nanosec
    assert header_stamp_ns(bags.joints(stamp_ns, np.zeros(2))) == stamp_ns
    clock = bags.STORE.types['rosgraph_msgs/msg/Clock'](clock=bags.header(stamp_ns).stamp)
    for little in (True, False):
        data = bytes(bags.STORE.serialize_cdr(clock, 'rosgraph_msgs/msg/Clock', little_endian=little))
        assert header_stamp_ns(data) == stamp_ns
    with pytest.raises(DatasetError, match='no header'):
        header_stamp_ns(b'\0\1\0\0')
