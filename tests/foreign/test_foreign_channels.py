# SPDX-License-Identifier: Apache-2.0
"""A channel that nobody needs, a message that is odd, or another container never spoils a bag."""

import sqlite3
import struct
import warnings
from collections.abc import Callable
from pathlib import Path

import foreign_bags as bags
import numpy as np
import pytest
import zstandard
from foreign_bags import STATE, check_images, check_whole, convert, plain, without, write_bag
from mcap.writer import CompressionType, Writer
from rosbags.typesys import get_types_from_msg

from genima.align.grid import to_nanoseconds
from genima.convert.formats import detect
from genima.convert.mcap import messages
from genima.errors import DatasetError
from genima.quality.heard import listen
from genima.recording.reader import Bag
from genima.recording.records import read_records

NOW_NS = to_nanoseconds(bags.START_S + 1.0)
EVENT = 'uint8 event_type\nint64[<=3] request\n'


def channel(topic: str, kind: str, encoding: str, text: bytes, message: str, data: bytes) -> Callable[[Writer], None]:
    def add(writer: Writer) -> None:
        schema = 0 if not kind else writer.register_schema(kind, encoding, text)
        number = writer.register_channel(topic, message, schema, {})
        for _ in range(3):
            writer.add_message(number, NOW_NS, data, NOW_NS)

    return add


IDL = b'module lab { module msg { @final struct Odd { union U switch(long) { case 1: long x; }; map<string,long> t; }; }; };'
CDR = b'\x00\x01\x00\x00\x01\x02\x03\x04'
NEEDLESS = {
    'no definition': ('/glove', channel('/glove', 'lab_msgs/msg/Glove', '', b'', 'cdr', CDR)),
    'json': ('/notes', channel('/notes', 'operator.Note', 'jsonschema', b'{"type":"object"}', 'json', b'{"text":"ok"}')),
    'protobuf': ('/scene', channel('/scene', 'foxglove.Scene', 'protobuf', b'\x0a\x01\xff', 'protobuf', b'\x08\x01')),
    'no schema': ('/blob', channel('/blob', '', '', b'', '', b'\x01\x02')),
    'odd idl': ('/odd', channel('/odd', 'lab/msg/Odd', 'ros2idl', IDL, 'cdr', CDR)),
    'not text': ('/binary', channel('/binary', 'lab/msg/Odd', 'ros2idl', b'\xff\xfe\x00', 'cdr', CDR)),
    'ros1': ('/old', channel('/old', 'std_msgs/String', 'ros1msg', b'string data\n', 'ros1', b'\x02\0\0\0ok')),
    'joints in json': ('/a/joint_states', channel('/a/joint_states', 'j', 'jsonschema', b'{}', 'json', b'{}')),
}  # fmt: skip


@pytest.mark.parametrize('case', NEEDLESS)
def test_a_channel_that_nobody_can_read_is_named_and_nothing_is_lost(tmp_path: Path, case: str) -> None:
    topic, add = NEEDLESS[case]
    bag = write_bag(tmp_path / 'bag', plain(), add)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        episode = convert(tmp_path, tmp_path / 'out')
    check_whole(episode)
    check_images(episode)
    assert [f'{topic}' in str(each.message) for each in caught] == [True]
    with pytest.warns(UserWarning, match=topic):
        assert listen(bag).damage == []


def test_what_can_be_read_and_is_not_needed_is_passed_over_in_silence(tmp_path: Path) -> None:
    def add(writer: Writer) -> None:
        channel('/gripper/set/_service_event', 'lab/srv/Set_Event', 'ros2msg', EVENT.encode(), 'cdr', CDR)(writer)
        channel('/estop', 'std_msgs/msg/Empty', 'ros2msg', b'', 'cdr', bytes(CDR[:4]))(writer)
        channel('/broken', 'lab/msg/Broken', 'ros2msg', b'this is ] no definition', 'cdr', CDR)(writer)

    write_bag(tmp_path / 'bag', plain(), add)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        check_whole(convert(tmp_path, tmp_path / 'out'))


GRIPPER = 'control_msgs/msg/GripperCommand'
PID = 'control_msgs/msg/MultiDOFStateStamped'
TYPES = {
    GRIPPER: 'float64 position\nfloat64 max_effort\n',
    PID: 'std_msgs/Header header\n',
    'lab_msgs/msg/Tf': 'float64 x\n',
}


@pytest.mark.parametrize(
    ('topic', 'kind', 'fields'),
    [
        ('/gripper/command', GRIPPER, {'position': 0.04, 'max_effort': 20.0}),
        ('/gripper/command', 'std_msgs/msg/Float32', {'data': 0.5}),
        ('/gripper/command', 'std_msgs/msg/Bool', {'data': True}),
        ('/pid_controller/controller_state', PID, {'header': messages.header(bags.START_S)}),
        ('/action_chunk', 'std_msgs/msg/Float64', {'data': 1.0}),
        ('/episode_events', 'std_msgs/msg/Float64', {'data': 1.0}),
        ('/lab/tf', 'lab_msgs/msg/Tf', {'x': 1.0}),
        ('/other/joint_states', 'std_msgs/msg/Float64', {'data': 1.0}),
    ],
)
def test_a_known_name_of_another_type_is_left_out_by_name(
    tmp_path: Path, topic: str, kind: str, fields: dict[str, object]
) -> None:
    if kind in TYPES and kind not in messages._store().fielddefs:
        messages._store().register(get_types_from_msg(TYPES[kind], kind))
    said = [*without(plain(), topic), (topic, kind, bags.START_S + 0.5, messages.cdr(kind, **fields))]
    bag = write_bag(tmp_path / 'bag', said)
    with pytest.warns(UserWarning, match=f'topic {topic} is {kind}'):
        episode = convert(tmp_path, tmp_path / 'out')
    check_whole(episode)
    listen(bag)


def test_the_state_of_old_controllers_is_read(tmp_path: Path) -> None:
    from rosbags.typesys import Stores, get_typestore

    kind = messages.CONTROLLER_STATE
    store = get_typestore(Stores.ROS2_HUMBLE)
    points = ''.join(f'trajectory_msgs/JointTrajectoryPoint {name}\n' for name in ('desired', 'actual', 'error'))
    store.register(get_types_from_msg(f'std_msgs/Header header\nstring[] joint_names\n{points}', kind))
    text = store.generate_msgdef(kind, ros_version=2)[0].encode()

    def add(writer: Writer) -> None:
        number = writer.register_channel(STATE, 'cdr', writer.register_schema(kind, 'ros2msg', text), {})
        for time_s in bags.times(50.0):
            wanted, measured = messages.point(bags.q_rad(time_s) + 0.01), messages.point(bags.q_rad(time_s) - 0.5)
            message = store.types[kind](
                header=messages.header(time_s), joint_names=list(bags.PANDA.arm_joints), desired=wanted, actual=measured,
                error=measured,
            )  # fmt: skip
            time_ns = to_nanoseconds(time_s)
            writer.add_message(number, time_ns, bytes(store.serialize_cdr(message, kind)), time_ns)

    write_bag(tmp_path / 'bag', without(plain(), STATE), add)
    check_whole(convert(tmp_path, tmp_path / 'out'))


def test_bad_messages_of_needed_topics_are_counted_and_left_out(tmp_path: Path) -> None:
    bad = [
        ('/joint_states', 'sensor_msgs/msg/JointState', 0.5, b'\x00\x01\x00\x00' + b'\xff' * 9),
        ('/joint_states', 'sensor_msgs/msg/JointState', 0.6, b''),
        (STATE, messages.CONTROLLER_STATE, 0.7, bytes(4)),
        ('/gripper/command', 'std_msgs/msg/Float64', 0.75, messages.cdr('std_msgs/msg/Float64', data=float('nan'))),
        ('/cameras/front/image_raw', bags.IMAGE, 0.8, b'\x00\x01'),
        ('/cameras/front/camera_info', bags.INFO, 0.9, b'\x00\x01\x00\x00' + struct.pack('<I', 2**31)),
        ('/tf_static', 'tf2_msgs/msg/TFMessage', 0.9, b'\x00\x01\x00\x00' + struct.pack('<I', 2**32 - 1)),
        ('/episode_events', 'std_msgs/msg/String', 0.9, messages.cdr('std_msgs/msg/String', data='no json')),
    ]
    write_bag(tmp_path / 'bag', plain() + [(name, kind, bags.START_S + t, data) for name, kind, t, data in bad])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        episode = convert(tmp_path, tmp_path / 'out')
    check_whole(episode)
    check_images(episode)
    told = [str(each.message) for each in caught]
    assert sorted(text.partition(':')[0] for text in told) == sorted({name for name, *_ in bad})
    assert any(text.startswith('/joint_states: 2 of 202 messages') for text in told)


def _zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


@pytest.mark.parametrize('compression', list(CompressionType))
def test_chunks_may_be_compressed(tmp_path: Path, compression: CompressionType) -> None:
    write_bag(tmp_path / 'bag', plain(), compression=compression)
    check_whole(convert(tmp_path, tmp_path / 'out'))


def test_messages_and_files_may_be_compressed(tmp_path: Path) -> None:
    write_bag(tmp_path / 'a' / 'bag', plain(), pack=_zstd)
    folder = write_bag(tmp_path / 'b' / 'bag', plain())
    (file,) = folder.glob('*.mcap')
    (folder / f'{file.name}.zstd').write_bytes(_zstd(file.read_bytes()))
    file.unlink()
    for name in 'ab':
        assert detect(tmp_path / name) == 'mcap'
        episode = convert(tmp_path / name, tmp_path / f'out_{name}')
        check_whole(episode)
        check_images(episode)


def test_one_file_is_a_bag(tmp_path: Path) -> None:
    folder = write_bag(tmp_path / 'bag', plain())
    (file,) = folder.glob('*.mcap')
    assert detect(file) == 'mcap'
    check_whole(convert(file, tmp_path / 'out'))


def database(path: Path, definitions: bool, pack: Callable[[bytes], bytes] = bytes) -> None:
    """Write a bag with storage sqlite3, of Humble (without definitions) or of Iron and later."""
    connection = sqlite3.connect(path)
    connection.execute('CREATE TABLE schema(schema_version INTEGER PRIMARY KEY, ros_distro TEXT NOT NULL)')
    extra = ', type_description_hash TEXT NOT NULL' if definitions else ''
    connection.execute(
        'CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, '
        f'serialization_format TEXT NOT NULL, offered_qos_profiles TEXT NOT NULL{extra})'
    )
    connection.execute('CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER, timestamp INTEGER, data BLOB)')
    connection.execute('INSERT INTO schema VALUES (?, ?)', (4 if definitions else 3, 'jazzy' if definitions else 'humble'))
    said = [*plain(), ('/glove', 'lab_msgs/msg/Glove', bags.START_S + 0.3, CDR)]
    if definitions:
        connection.execute(
            'CREATE TABLE message_definitions(id INTEGER PRIMARY KEY, topic_type TEXT, encoding TEXT, '
            'encoded_message_definition TEXT, type_description_hash TEXT)'
        )
        for kind in {kind for _, kind, _, _ in said} - {'lab_msgs/msg/Glove'}:
            text = messages._store().generate_msgdef(kind, ros_version=2)[0]
            row = (kind, 'ros2msg', text, '')
            connection.execute('INSERT INTO message_definitions VALUES (NULL, ?, ?, ?, ?)', row)
    numbers: dict[str, int] = {}
    for topic, kind, time_s, data in sorted(said, key=lambda each: each[2]):
        if topic not in numbers:
            numbers[topic] = len(numbers) + 1
            row = (numbers[topic], topic, kind, 'cdr', '', *(('',) if definitions else ()))
            connection.execute(f'INSERT INTO topics VALUES ({",".join("?" * len(row))})', row)
        row = (numbers[topic], to_nanoseconds(time_s), pack(data))
        connection.execute('INSERT INTO messages(topic_id, timestamp, data) VALUES (?, ?, ?)', row)
    connection.commit()
    connection.close()


@pytest.mark.parametrize('packed', ['', 'messages', 'file'])
@pytest.mark.parametrize('definitions', [True, False])
def test_databases_are_read(tmp_path: Path, definitions: bool, packed: str) -> None:
    folder = tmp_path / 'in' / 'bag'
    folder.mkdir(parents=True)
    path = folder / 'bag_0.db3'
    database(path, definitions, _zstd if packed == 'messages' else bytes)
    if packed == 'file':
        (folder / 'bag_0.db3.zstd').write_bytes(_zstd(path.read_bytes()))
        path.unlink()
    (folder / 'metadata.yaml').write_text('rosbag2_bagfile_information: {}\n')
    assert detect(tmp_path / 'in') == 'mcap'
    with pytest.warns(UserWarning, match='/glove'):
        episode = convert(tmp_path / 'in', tmp_path / 'out')
    check_whole(episode)
    check_images(episode)


@pytest.mark.parametrize('name', ['bag_0.db3', 'bag_0.mcap', 'bag_0.mcap.zstd', 'bag_0.db3.zstd'])
@pytest.mark.parametrize('data', [b'', b'SQLite format 3\0' + bytes(4000), b'\x28\xb5\x2f\xfd' + b'\xff' * 60, b'hello'])
def test_what_is_no_bag_is_refused(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DatasetError):
        list(Bag(tmp_path).raw())


def test_sizes_are_checked_before_anything_is_unpacked(tmp_path: Path) -> None:
    huge = bytearray(_zstd(bytes(2**20)))
    # frame header with a content size of eight bytes (RFC 8878, 3.1.1): it says 2 EiB
    lying = bytes(huge[:4]) + bytes([0b11100000]) + struct.pack('<Q', 2**61) + bytes(huge[5:])
    (tmp_path / 'bag_0.mcap.zstd').write_bytes(lying)
    with pytest.raises(DatasetError, match='bag_0'):
        list(Bag(tmp_path).raw())
    write_bag(tmp_path / 'b' / 'bag', plain(), pack=lambda data: lying)
    bag = Bag(tmp_path / 'b' / 'bag')
    assert list(bag.raw()) == [] and '/joint_states' in bag.left_out
    path = tmp_path / 'chunk.mcap'
    body = struct.pack('<QQQII', 0, 0, 2**40, 0, 4) + b'zstd' + struct.pack('<Q', len(lying)) + lying
    path.write_bytes(b'\x89MCAP0\r\n' + b'\x06' + struct.pack('<Q', len(body)) + body)
    damage: list[str] = []
    assert list(read_records(path, damage)) == [] and 'a chunk of' in damage[0]


def frames_with(**numbers: float) -> list[bags.Said]:
    marker = bags.twisted(messages.transform(bags.START_S, 'map', 'ar_marker_7', np.eye(4)), **numbers)
    kind = 'tf2_msgs/msg/TFMessage'
    return [('/tf', kind, bags.START_S + t, messages.cdr(kind, transforms=[marker])) for t in (0.1, 0.2, 0.3)]


NO_ROTATION = [
    {'w': 0.0}, {'w': float('nan')}, {'w': float('inf')}, {'w': 2.0}, {'w': -0.4}, {'tx': float('nan')}, {'ty': -1e999},
]  # fmt: skip


@pytest.mark.parametrize('numbers', NO_ROTATION)
def test_a_transform_that_is_none_is_left_out_with_one_warning(tmp_path: Path, numbers: dict[str, float]) -> None:
    write_bag(tmp_path / 'bag', plain() + frames_with(**numbers))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        check_whole(convert(tmp_path, tmp_path / 'out'))
    assert ['ar_marker_7' in str(each.message) for each in caught] == [True]


@pytest.mark.filterwarnings('ignore::UserWarning')
@pytest.mark.parametrize('numbers', NO_ROTATION)
def test_a_transform_that_is_needed_and_none_is_named(tmp_path: Path, numbers: dict[str, float]) -> None:
    edge = bags.twisted(messages.transform(bags.START_S, 'panda_link0', 'front_frame', np.eye(4)), **numbers)
    kind = 'tf2_msgs/msg/TFMessage'
    tf = [('/tf_static', kind, bags.START_S, messages.cdr(kind, transforms=[edge]))]
    write_bag(tmp_path / 'bag', without(plain(), '/tf_static') + tf)
    with pytest.raises(DatasetError, match="camera 'front': tf of 'front_frame' is not finite"):
        convert(tmp_path, tmp_path / 'out')


@pytest.mark.parametrize('slash', ['', '/'])
def test_camera_and_robot_may_hang_on_a_common_frame(tmp_path: Path, slash: str) -> None:
    T = np.eye(4)
    T[:3, :3] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    T[:3, 3] = 1.0, -2.0, 0.8
    edges = [(f'{slash}world', f'{slash}panda_link0', T), (f'{slash}world', f'{slash}cam', T @ bags.T_BASE_CAMERA)]
    edges += [(f'{slash}cam', f'{slash}front_frame', np.eye(4)), ('panda_link0', 'panda_link1', np.eye(4))]
    write_bag(tmp_path / 'bag', without(plain(), '/tf_static') + bags.frames(edges))
    check_whole(convert(tmp_path, tmp_path / 'out'))


def test_the_frames_of_another_robot_do_not_mix_with_ours(tmp_path: Path) -> None:
    wrong = [('/right/tf_static', *rest) for _, *rest in bags.frames([('panda_link0', 'front_frame', np.eye(4))])]
    write_bag(tmp_path / 'bag', plain() + wrong)
    with pytest.warns(UserWarning, match='/right/tf_static'):
        check_whole(convert(tmp_path, tmp_path / 'out'))


@pytest.mark.filterwarnings('ignore:no gripper command:UserWarning')
def test_without_a_command_the_fingers_tell_when_they_began_to_move(tmp_path: Path) -> None:
    write_bag(tmp_path / 'bag', without(plain(), '/gripper/command'))
    episode = convert(tmp_path, tmp_path / 'out')
    since_s = episode.timestamps_s - bags.START_S
    labels = episode.gripper_command_open
    np.testing.assert_array_equal(labels[since_s < 0.79], 1.0)
    np.testing.assert_array_equal(labels[(since_s > 0.82) & (since_s < 1.49)], 0.0)
    np.testing.assert_array_equal(labels[since_s > 1.53], 1.0)


@pytest.mark.parametrize('late_s', [0.3, 1.2])
def test_a_command_that_comes_late_does_not_open_the_gripper_before(tmp_path: Path, late_s: float) -> None:
    told = [each for each in bags.commands() if each[2] > bags.START_S + 1.0]
    repeated = (
        '/gripper/command',
        'std_msgs/msg/Float64',
        bags.START_S + 1.2,
        messages.cdr('std_msgs/msg/Float64', data=0.0),
    )
    write_bag(tmp_path / 'bag', without(plain(), '/gripper/command') + told + ([repeated] if late_s > 1 else []))
    episode = convert(tmp_path, tmp_path / 'out')
    held = (episode.timestamps_s > bags.START_S + 0.83) & (episode.timestamps_s < bags.START_S + 1.47)
    np.testing.assert_array_equal(episode.gripper_command_open[held], 0.0)


@pytest.mark.parametrize(('opening', 'label'), [(1.0, 1.0), (0.0, 0.0), (0.5, None), (0.8, None)])
@pytest.mark.filterwarnings('ignore:no gripper command:UserWarning')
def test_fingers_that_stand_still_are_open_or_shut_or_unknown(tmp_path: Path, opening: float, label: float | None) -> None:
    said = without(plain(), '/gripper/command', '/joint_states')
    for time_s in bags.times(100.0):
        values = np.array([*bags.q_rad(time_s), *[bags.PANDA.gripper.position_m(opening)] * 2])
        data = messages.joint_state(time_s, [*bags.PANDA.arm_joints, *bags.FINGERS], values)
        said.append(('/joint_states', 'sensor_msgs/msg/JointState', time_s, data))
    write_bag(tmp_path / 'bag', said)
    if label is None:
        with pytest.raises(DatasetError, match='no gripper command was recorded'):
            convert(tmp_path, tmp_path / 'out')
    else:
        np.testing.assert_array_equal(convert(tmp_path, tmp_path / 'out').gripper_command_open, label)
