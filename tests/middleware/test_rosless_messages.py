# SPDX-License-Identifier: Apache-2.0
"""Message classes and their CDR form, compared with rosbags."""

import array
import copy
import importlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import Pose
from rcl_interfaces.msg import ParameterType, ParameterValue
from rclpy.serialization import deserialize_message, serialize_message
from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_typestore
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_msgs.msg import Header, String
from std_srvs.srv import SetBool, Trigger
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

pytestmark = pytest.mark.subset_only
STORE = get_typestore(Stores.ROS2_JAZZY)


def random_field(rng: np.random.Generator, description: Any, for_rosbags: bool) -> Any:
    """Return a random value for one field, in rosbags' or in our form; the random sequence is the same."""
    kind, detail = description
    if kind == Nodetype.NAME:
        return random_message(rng, detail, for_rosbags)
    if kind != Nodetype.BASE:
        item, size = detail
        count = size if kind == Nodetype.ARRAY else int(rng.integers(0, 1 + (size or 3)))
        values = [random_field(rng, item, for_rosbags) for _ in range(count)]
        numeric = item[0] == Nodetype.BASE and item[1][0] != 'string'
        return np.array(values, random_dtype(item[1][0])) if numeric and for_rosbags else values
    base = detail[0]
    if base == 'string':
        return ''.join(rng.choice(list('abcäß€ 12'), int(rng.integers(0, 7))))
    if base == 'bool':
        return bool(rng.integers(0, 2))
    if base.startswith('float'):
        return float(np.dtype(random_dtype(base)).type(rng.normal()))
    value = int(rng.integers(0, 100))
    return value if for_rosbags or base not in ('byte', 'octet') else bytes([value])


def random_dtype(base: str) -> str:
    return {'bool': '?', 'byte': 'u1', 'octet': 'u1', 'char': 'u1', 'float32': 'f4', 'float64': 'f8'}.get(base, base)


def random_message(rng: np.random.Generator, name: str, for_rosbags: bool) -> Any:
    fields = {field: random_field(rng, kind, for_rosbags) for field, kind in STORE.fielddefs[name][1]}
    if for_rosbags:
        return STORE.types[name](**fields)
    from rosless.interfaces.messages import message_class

    return message_class(name)(**fields)


@pytest.mark.parametrize('name', sorted(STORE.fielddefs))
def test_bytes_are_those_of_rosbags(name: str) -> None:
    for seed in range(3):
        expected = bytes(STORE.serialize_cdr(random_message(np.random.default_rng(seed), name, True), name))
        message = random_message(np.random.default_rng(seed), name, False)
        assert serialize_message(message) == expected
        assert deserialize_message(expected, type(message)) == message


def test_defaults_are_nested_and_those_of_the_definitions() -> None:
    state = JointState()
    assert state.header.stamp == Time(sec=0, nanosec=0) and state.name == [] and len(state.position) == 0
    assert Pose().orientation.w == 1.0 and DiagnosticStatus().level == DiagnosticStatus.OK == b'\x00'
    assert JointState().header is not state.header
    assert ParameterType.PARAMETER_STRING_ARRAY == 9


def test_sequences_and_arrays_are_those_of_rclpy() -> None:
    state = JointState(position=[1, 2.5])
    state.position.append(3.0)
    assert isinstance(state.position, array.array) and state.position.tolist() == [1.0, 2.5, 3.0]
    state.velocity = np.arange(3, dtype=np.float32)
    assert state.velocity.tolist() == [0.0, 1.0, 2.0]
    info = CameraInfo(k=np.eye(3).ravel())
    assert isinstance(info.k, np.ndarray) and info.k[4] == 1.0
    image = Image(data=b'\x01\x02')
    image.data = np.frombuffer(b'\x07\x08', np.uint8)
    assert image.data.tobytes() == b'\x07\x08' and np.asarray(image.data).dtype == np.uint8


@pytest.mark.parametrize(
    ('make', 'words'),
    [
        (lambda: String(datum='x'), 'no field datum; it has data'),
        (lambda: String(data=5), "'data' field of std_msgs/msg/String must be of type 'str'"),
        (lambda: Time(sec=1.5), "must be of type 'int'"),
        (lambda: Time(nanosec=-1), r'an integer in \[0, 4294967295\]'),
        (lambda: Pose().position.__setattr__('x', 1), "must be of type 'float', got 1 of type int; use float"),
        (lambda: Pose().position.__setattr__('x', np.float32(1)), "must be of type 'float'"),
        (lambda: Trigger.Response(success=1), "must be of type 'bool'"),
        (lambda: JointState(name=[1]), "must be of type 'str'"),
        (lambda: JointState(position=['a']), 'must be a sequence of double'),
        (lambda: JointState(position=np.eye(2)), r'must be a sequence of double: .*one dimension'),
        (lambda: Image(data=[256]), 'must be a sequence of uint8'),
        (lambda: Image(data=np.array([1.5])), 'must be a sequence of uint8'),
        (lambda: CameraInfo(k=[1.0] * 8), r'must have the shape \(9,\), got \(8,\)'),
        (lambda: CameraInfo(k=np.eye(3)), r'must have the shape \(9,\), got \(3, 3\)'),
        (lambda: Image(header=Time()), 'must be a std_msgs/msg/Header'),
        (lambda: DiagnosticStatus(level=1), "must be of type 'bytes' with length 1"),
    ],
)
def test_wrong_values_are_refused_when_assigned(make: Any, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        make()


def test_unknown_attributes_are_refused() -> None:
    with pytest.raises(AttributeError, match=r'no field .datum.; it has data'):
        String().datum = 'x'


def test_what_slipped_into_a_sequence_is_found_when_serialised() -> None:
    state = JointState()
    state.name.append(7)
    with pytest.raises(TypeError, match='sensor_msgs/msg/JointState cannot be serialised'):
        serialize_message(state)


def test_copy_equality_and_text() -> None:
    point = JointTrajectoryPoint(positions=[1.0])
    trajectory = JointTrajectory(joint_names=['a'], points=[point])
    same = copy.deepcopy(trajectory)
    assert same == trajectory and same.points[0] is not point
    same.points[0].positions[0] = 2.0
    assert same != trajectory
    assert "joint_names=['a']" in repr(trajectory) and repr(Header()).startswith('std_msgs.msg.Header(stamp=')
    assert JointState.get_fields_and_field_types()['position'] == 'sequence<double>'
    assert JointTrajectory.get_fields_and_field_types()['points'] == 'sequence<trajectory_msgs/JointTrajectoryPoint>'


@pytest.mark.parametrize(
    'payload',
    [
        b'',
        b'\x00\x01\x00\x00',
        b'\x00\x00\x00\x00\x00\x00\x00\x02',  # big-endian
        b'\x00\x07\x00\x00\x02\x00\x00\x00a\x00',  # XCDR2
        b'\x00\x01\x00\x00\xff\xff\xff\x7fabc',  # a length that cannot be
        b'\x00\x01\x00\x00\x02\x00\x00\x00\xff\x00',  # not UTF-8
        b'\x00\x01\x00\x00\x02\x00\x00\x00a\x00' + bytes(40),
    ],
)
def test_malformed_payloads_are_value_errors(payload: bytes) -> None:
    with pytest.raises(ValueError):
        deserialize_message(payload, String)


def test_a_truncated_message_is_a_value_error_wherever_it_is_cut() -> None:
    whole = serialize_message(JointState(name=['a', 'bc'], position=[1.0, 2.0], header=Header(frame_id='base')))
    for size in range(len(whole) - 4):
        with pytest.raises(ValueError):
            deserialize_message(whole[:size], JointState)


def test_services() -> None:
    assert Trigger.Response(success=True, message='done').message == 'done'
    assert SetBool.Request(data=True).data is True
    assert serialize_message(Trigger.Request()) == b'\x00\x01\x00\x00\x00'
    from rcl_interfaces.srv import ListParameters

    assert ListParameters.Request.DEPTH_RECURSIVE == 0


def test_type_hashes_are_those_of_ros_2_jazzy() -> None:
    from rosless.interfaces.definitions import type_hash

    assert (
        type_hash('sensor_msgs/msg/JointState') == 'RIHS01_a13ee3a330e346c9d87b5aa18d24e11690752bd33a0350f11c5882bc9179260e'
    )


def test_star_import_and_missing_names() -> None:
    scope: dict[str, Any] = {}
    exec('from std_msgs.msg import *', scope)
    assert scope['String'] is String
    with pytest.raises(ImportError, match='cannot import name'):
        exec('from std_msgs.msg import Strin')
    with pytest.raises(ImportError, match=r'rosless has no sensor_msgs\.action; this needs a real ROS 2'):
        exec('import sensor_msgs.action')
    import sensor_msgs.msg

    with pytest.raises(AttributeError, match='rosless has no sensor_msgs/msg/Imag; of this package it has: BatteryState'):
        _ = sensor_msgs.msg.Imag


def test_parameter_values_with_all_kinds_of_sequences_survive() -> None:
    value = ParameterValue(
        byte_array_value=[b'\x01', b'\x02'], bool_array_value=[True, False], string_array_value=['a', ''],
        integer_array_value=[-(2**63)], double_array_value=[float('nan'), float('inf')],
    )  # fmt: skip
    again = deserialize_message(serialize_message(value), ParameterValue)
    assert again.byte_array_value == [b'\x01', b'\x02'] and again.bool_array_value == [True, False]
    assert again.integer_array_value[0] == -(2**63) and np.isnan(again.double_array_value[0])


DEFINITIONS = {
    'lab_msgs/msg/Sample.msg': """\
        # a comment
        uint8 GOOD=1
        string NAME="a#b"
        float32 HALF=0.5
        std_msgs/Header header
        Part[] parts   # own package
        Part[2] pair
        float64[3] point
        float64[<=2] few
        string<=4 short
        int32 count 7
        string label "hi"
        """,
    'lab_msgs/msg/Part.msg': 'string name\nbool[] flags\n',
    'lab_msgs/srv/Ask.srv': 'int64 seed\n---\nbool ok\nlab_msgs/Part part\n',
}


def write_package(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('\n'.join(line.strip() for line in text.splitlines()) + '\n', encoding='utf-8')
    return root


CHILD = """\
from lab_msgs.msg import Sample, Part
from lab_msgs.srv import Ask
from rclpy.serialization import serialize_message, deserialize_message
sample = Sample(parts=[Part(name='x', flags=[True])], few=[1.0], short='abcd')
assert deserialize_message(serialize_message(sample), Sample) == sample
part = Ask.Response().part
print(Sample.GOOD, Sample.NAME, Sample.HALF, sample.count, sample.label, len(sample.pair), repr(part.name))
for wrong in (dict(few=[1.0, 2.0, 3.0]), dict(short='abcde'), dict(pair=[Part()])):
    try:
        Sample(**wrong)
    except AssertionError as error:
        print(error)
"""


def test_own_definitions_from_a_folder(child: Any, tmp_path: Path) -> None:
    write_package(tmp_path / 'interfaces', DEFINITIONS)
    code, output, errors, _ = child(CHILD, ROSLESS_INTERFACE_PATH=str(tmp_path / 'interfaces')).end()
    assert code == 0, errors
    lines = output.splitlines()
    assert lines[0] == "1 a#b 0.5 7 hi 2 ''"
    assert 'at most 2 items' in lines[1] and 'not longer than 4' in lines[2] and 'have 2 items, got 1' in lines[3]


@pytest.mark.parametrize(
    ('files', 'words'),
    [
        ({'lab_msgs/msg/A.msg': 'float64 x y z !\n'}, 'A.msg: not a valid interface definition'),
        ({'lab_msgs/srv/A.srv': 'int64 x\n'}, 'A.srv: a service needs exactly one line "---", this one has 0'),
        ({'std_msgs/msg/String.msg': 'int64 data\n'}, 'std_msgs/msg/String is already defined otherwise'),
        ({'lab_msgs/readme.txt': ''}, 'is no interface package'),
        ({'json/msg/A.msg': 'int64 x\n'}, 'has the name of a Python package'),
    ],
)
def test_unusable_definitions_are_reported(child: Any, tmp_path: Path, files: dict[str, str], words: str) -> None:
    write_package(tmp_path / 'interfaces', files)
    code, _, errors, _ = child('print(1)', ROSLESS_INTERFACE_PATH=str(tmp_path / 'interfaces')).end()
    assert code == 1 and errors.startswith('rosless: ') and words in errors and 'Traceback' not in errors


def test_an_unknown_field_type_is_reported_when_the_class_is_used(child: Any, tmp_path: Path) -> None:
    write_package(tmp_path / 'interfaces', {'lab_msgs/msg/A.msg': 'other_msgs/Thing thing\n'})
    code, _, errors, _ = child(
        'import lab_msgs.msg; lab_msgs.msg.A', ROSLESS_INTERFACE_PATH=str(tmp_path / 'interfaces')
    ).end()
    assert code == 1 and 'lab_msgs/msg/A, field thing: no definition of other_msgs/msg/Thing is known' in errors


def test_the_interfaces_of_this_repository_are_found() -> None:
    messages, services = (importlib.import_module(f'genima_msgs.{kind}') for kind in ('msg', 'srv'))
    assert messages.TargetImage(cameras=['wrist']).image == Image()
    assert services.ResetEpisode.Request(seed=3).seed == 3
    assert os.environ.get('ROSLESS_INTERFACE_PATH') is None
