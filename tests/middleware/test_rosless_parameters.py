# SPDX-License-Identifier: Apache-2.0
"""Parameters, their services, and how they come from the command line."""

from pathlib import Path
from typing import Any

import pytest
import rclpy
from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    ParameterEvent,
    ParameterType,
    SetParametersResult,
)
from rcl_interfaces.srv import (
    DescribeParameters,
    GetParameters,
    GetParameterTypes,
    ListParameters,
    SetParameters,
    SetParametersAtomically,
)
from rclpy.exceptions import (
    InvalidParameterTypeException,
    InvalidParameterValueException,
    ParameterAlreadyDeclaredException,
    ParameterNotDeclaredException,
    ParameterUninitializedException,
)
from rclpy.parameter import Parameter


def number(low: float, high: float, step: float = 0.0, **options: Any) -> ParameterDescriptor:
    span = FloatingPointRange(from_value=low, to_value=high, step=step)
    return ParameterDescriptor(description='a number', floating_point_range=[span], **options)


def test_declaring_and_reading(ros: Any) -> None:
    node = ros.node()
    assert node.declare_parameter('rate', 10.0).value == 10.0
    assert node.has_parameter('rate') and not node.has_parameter('nothing')
    declared = node.declare_parameters('camera', [('name', 'wrist'), ('sizes', [1, 2], ParameterDescriptor())])
    assert [(item.name, item.value) for item in declared] == [('camera.name', 'wrist'), ('camera.sizes', [1, 2])]
    assert node.get_parameter('camera.name').get_parameter_value().string_value == 'wrist'
    assert set(node.get_parameters_by_prefix('camera')) == {'name', 'sizes'}
    assert node.get_parameter_or('nothing', Parameter('nothing', value=3)).value == 3
    assert node.get_parameter('rate').type_ == Parameter.Type.DOUBLE
    with pytest.raises(ParameterNotDeclaredException):
        node.get_parameter('nothing')
    with pytest.raises(ParameterAlreadyDeclaredException):
        node.declare_parameter('rate', 1.0)
    node.declare_parameter('later', Parameter.Type.INTEGER)
    with pytest.raises(ParameterUninitializedException):
        node.get_parameter('later')
    node.undeclare_parameter('rate')
    assert not node.has_parameter('rate')


def test_types_are_kept(ros: Any) -> None:
    node = ros.node()
    node.declare_parameter('rate', 10.0)
    result = node.set_parameters([Parameter('rate', value=5)])[0]
    assert not result.successful and 'Wrong parameter type' in result.reason
    node.declare_parameter('any', 1, ParameterDescriptor(dynamic_typing=True))
    assert node.set_parameters([Parameter('any', value='text')])[0].successful
    with pytest.raises(ParameterNotDeclaredException):
        node.set_parameters([Parameter('nothing', value=1)])
    with pytest.raises(ValueError):
        Parameter('x', Parameter.Type.BOOL, 1)


def test_ranges_and_read_only(ros: Any) -> None:
    node = ros.node()
    node.declare_parameter('rate', 10.0, number(1.0, 100.0))
    node.declare_parameter('level', 4, ParameterDescriptor(integer_range=[IntegerRange(from_value=0, to_value=9, step=2)]))
    node.declare_parameter('robot', 'panda', ParameterDescriptor(read_only=True))
    for name, value, allowed in (
        ('rate', 100.0, True), ('rate', 100.1, False), ('rate', float('nan'), False), ('level', 9, True),
        ('level', 6, True), ('level', 5, False), ('level', -1, False), ('robot', 'ur5e', False),
    ):  # fmt: skip
        assert node.set_parameters([Parameter(name, value=value)])[0].successful is allowed, (name, value)
    with pytest.raises(InvalidParameterValueException):
        node.declare_parameter('wrong', 200.0, number(1.0, 100.0))


def test_callbacks_decide_and_learn(ros: Any) -> None:
    node = ros.node()
    seen: list[Any] = []
    node.declare_parameter('rate', 10.0)
    node.declare_parameter('name', 'a')

    def check(parameters: list[Parameter]) -> SetParametersResult:
        fine = all(item.name != 'rate' or item.value > 0 for item in parameters)
        return SetParametersResult(successful=fine, reason='' if fine else 'rate must be positive')

    node.add_on_set_parameters_callback(check)
    node.add_post_set_parameters_callback(lambda parameters: seen.extend(item.name for item in parameters))
    refused = node.set_parameters_atomically([Parameter('name', value='b'), Parameter('rate', value=-1.0)])
    assert not refused.successful and refused.reason == 'rate must be positive' and seen == []
    assert node.get_parameter('name').value == 'a'
    assert node.set_parameters_atomically([Parameter('name', value='b'), Parameter('rate', value=1.0)]).successful
    assert seen == ['name', 'rate']
    node.remove_on_set_parameters_callback(check)
    assert node.set_parameters([Parameter('rate', value=-1.0)])[0].successful


def test_values_from_the_command_line(ros: Any) -> None:
    ros.init(
        '-p', 'rate:=3.5', '-p', 'other:name:=no', '-p', 'node:name:=mine', '-p', 'gains:=[1.0, 2.5]', '-p', 'count:=7',
        '-p', 'flag:=true', '-p', 'words:=[a, b]', '-p', 'tiny:=1e-3',
    )  # fmt: skip
    node = ros.node()
    defaults = {'rate': 1.0, 'name': 'x', 'gains': [0.0], 'count': 1, 'flag': False, 'words': [''], 'tiny': 0.0}
    values = {name: node.declare_parameter(name, value).value for name, value in defaults.items()}
    expected = {
        'rate': 3.5, 'name': 'mine', 'gains': [1.0, 2.5], 'count': 7, 'flag': True, 'words': ['a', 'b'], 'tiny': 0.001,
    }  # fmt: skip
    assert {name: list(value) if name == 'gains' else value for name, value in values.items()} == expected
    assert ros.node('second').declare_parameter('rate', 1.0, ignore_override=True).value == 1.0


def test_a_value_of_another_type_from_the_command_line(ros: Any) -> None:
    node = ros.init('-p', 'rate:=3', '-p', 'name:=5').node()
    with pytest.raises(InvalidParameterTypeException, match=r"'rate' to '3' of type 'INTEGER', expecting type 'DOUBLE'"):
        node.declare_parameter('rate', 1.0)
    with pytest.raises(InvalidParameterTypeException):
        node.declare_parameter('name', 'x')


FILE = """\
/**:
  ros__parameters:
    everywhere: 1
    rate: 1.0
/robot/arm:
  ros__parameters:
    rate: 2.0
    camera: {name: wrist, gains: [1.0, 2.0]}
/*/arm:
  ros__parameters: {wild: true}
other:
  ros__parameters: {rate: 3.0, only_other: 1}
"""


def test_parameter_files(ros: Any, tmp_path: Path) -> None:
    path = tmp_path / 'parameters.yaml'
    path.write_text(FILE, encoding='utf-8')
    ros.init('--params-file', str(path))
    node = ros.node(
        'arm',
        namespace='/robot',
        automatically_declare_parameters_from_overrides=True,
        allow_undeclared_parameters=True,
    )
    names = ('everywhere', 'rate', 'camera.name', 'wild')
    assert [node.get_parameter(name).value for name in names] == [1, 2.0, 'wrist', True]
    assert list(node.get_parameter('camera.gains').value) == [1.0, 2.0] and not node.has_parameter('only_other')
    assert ros.node('other').declare_parameter('rate', 0.0).value == 3.0


ARM = 'arm:\n  ros__parameters: {rate: 1}\n'
ALL = '/**:\n  ros__parameters: {rate: 0}\n'


@pytest.mark.parametrize(
    ('arguments', 'rate'),
    [
        (['--params-file', ARM, '-p', 'rate:=2'], 2),
        (['--params-file', ALL + ARM, '-p', 'rate:=2'], 1),
        (['-p', 'rate:=2', '--params-file', ARM], 1),
        (['--params-file', ARM, '-p', 'arm:rate:=3'], 3),
        (['--params-file', ARM, '--params-file', ALL + ARM], 0),
        (['-p', 'arm:rate:=3', '--params-file', ALL + ARM], 0),
    ],
)
def test_precedence_is_that_of_ros_2(ros: Any, tmp_path: Path, arguments: list[str], rate: int) -> None:
    """Seen with rclpy of Jazzy: the pattern that is first mentioned later wins, wherever its value stands."""
    for index, text in enumerate(arguments):
        if '\n' in text:
            path = tmp_path / f'{index}.yaml'
            path.write_text(text, encoding='utf-8')
            arguments = [*arguments[:index], str(path), *arguments[index + 1 :]]
    ros.init(*arguments)
    assert ros.node('arm', automatically_declare_parameters_from_overrides=True).get_parameter('rate').value == rate


@pytest.mark.subset_only
@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('a: [1', 'parameters.yaml'),
        ('node:\n  rate: 1.0\n', 'must be a mapping'),
        ('node:\n  ros__parameters: {a: [1, x]}\n', 'a list must hold values of one type'),
        ('node:\n  ros__parameters: {a: null}\n', 'None is no parameter value'),
    ],
)
def test_unusable_parameter_files(ros: Any, tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / 'parameters.yaml'
    path.write_text(text, encoding='utf-8')
    with pytest.raises(RuntimeError, match=words):
        ros.init('--params-file', str(path))
    with pytest.raises(RuntimeError, match=r'No such file'):
        ros.init('--params-file', str(tmp_path / 'missing.yaml'))


def ask(ros: Any, node: Any, srv_type: Any, name: str, **fields: Any) -> Any:
    client = node.create_client(srv_type, f'/arm/{name}')
    assert ros.until(client.service_is_ready)
    future = client.call_async(srv_type.Request(**fields))
    assert ros.until(future.done)
    return future.result()


def test_parameter_services(ros: Any) -> None:
    arm, user = ros.node('arm'), ros.node('user')
    arm.declare_parameter('rate', 10.0, number(1.0, 100.0))
    arm.declare_parameter('camera.name', 'wrist')
    arm.declare_parameter('gains', [1.0, 2.0])
    listed = ask(ros, user, ListParameters, 'list_parameters').result
    assert {'rate', 'camera.name', 'gains', 'use_sim_time'} <= set(listed.names) and 'camera' in listed.prefixes
    below = ask(ros, user, ListParameters, 'list_parameters', prefixes=['camera'], depth=1).result
    assert below.names == ['camera.name']
    values = ask(ros, user, GetParameters, 'get_parameters', names=['gains', 'camera.name']).values
    assert values[0].double_array_value.tolist() == [1.0, 2.0] and values[1].string_value == 'wrist'
    assert ask(ros, user, GetParameters, 'get_parameters', names=['nothing']).values == []
    types = ask(ros, user, GetParameterTypes, 'get_parameter_types', names=['rate', 'gains']).types
    assert list(types) == [ParameterType.PARAMETER_DOUBLE, ParameterType.PARAMETER_DOUBLE_ARRAY]
    described = ask(ros, user, DescribeParameters, 'describe_parameters', names=['rate']).descriptors[0]
    assert (described.name, described.description, described.type) == ('rate', 'a number', 3)
    assert described.floating_point_range[0].to_value == 100.0


def test_setting_through_services(ros: Any) -> None:
    arm, user = ros.node('arm'), ros.node('user')
    events: list[Any] = []
    arm.declare_parameter('rate', 10.0, number(1.0, 100.0))
    arm.declare_parameter('name', 'a')
    user.create_subscription(ParameterEvent, '/parameter_events', events.append, 10)

    def message(name: str, value: Any) -> Any:
        return Parameter(name, value=value).to_parameter_msg()

    results = ask(
        ros, user, SetParameters, 'set_parameters',
        parameters=[message('rate', 500.0), message('rate', 50.0), message('nothing', 1), message('name', 3)],
    ).results  # fmt: skip
    assert [result.successful for result in results] == [False, True, False, False]
    assert 'out of range' in results[0].reason and arm.get_parameter('rate').value == 50.0
    together = [message('name', 'b'), message('rate', 0.0)]
    assert not ask(ros, user, SetParametersAtomically, 'set_parameters_atomically', parameters=together).result.successful
    assert arm.get_parameter('name').value == 'a'
    assert ros.until(lambda: any(event.node == '/arm' and event.changed_parameters for event in events))


def test_node_options(ros: Any) -> None:
    node = ros.node('bare', start_parameter_services=False, enable_rosout=False, allow_undeclared_parameters=True)
    assert 'set_parameters' not in ' '.join(service.srv_name for service in node.services)
    assert node.get_parameter('nothing').type_ == Parameter.Type.NOT_SET
    assert node.set_parameters([Parameter('new', value=1)])[0].successful and node.get_parameter('new').value == 1
    assert rclpy.ok()
