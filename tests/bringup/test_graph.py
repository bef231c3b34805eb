# SPDX-License-Identifier: Apache-2.0
"""The one table of nodes."""

import ast
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from genima_bringup.launcher import launch
from typer.testing import CliRunner

from genima.cli.main import app
from genima.contract.spec import PolicySpec
from genima.errors import GenimaError, PolicyError
from genima.files import config_dir
from genima.robots.profile import RobotProfile
from genima.robots.reading import profile_names
from genima_bringup import graph

REPOSITORY = Path(__file__).resolve().parents[2]
NODES = REPOSITORY / 'src' / 'genima_ros' / 'genima_ros'


@pytest.fixture
def small_policy(tmp_path: Path) -> Callable[[str], str]:
    """Return a function that makes a policy for a robot."""

    def make(robot: str) -> str:
        PolicySpec.from_recipe('small', RobotProfile.load(robot)).save(tmp_path / robot)
        return str(tmp_path / robot)

    return make


@pytest.fixture
def policy(small_policy: Callable[[str], str]) -> str:
    return small_policy('panda')


def test_the_table_names_nodes_that_exist(policy: str) -> None:
    for entry in graph.stack('franka', {'policy': policy}).nodes:
        source = REPOSITORY / 'src' / 'genima_ros' / 'genima_ros' / f'{entry.name}.py'
        assert source.is_file()


def test_every_parameter_of_a_stack_is_declared_by_its_node(small_policy: Callable[[str], str]) -> None:
    for name, robot_ip in ((name, robot_ip) for name in graph.STACKS for robot_ip in ('', '172.16.0.3')):
        robot = graph.STACKS[name]['robot']
        arguments = {'robot': robot, 'policy': small_policy(robot), 'robot_ip': robot_ip, 'failures': 'true'}
        arguments |= {'launch_driver': 'false', 'gripper': 'none'}
        table = graph.stack(name, arguments)
        from_file = yaml.safe_load(table.parameter_file.read_text())
        for entry in table.nodes:
            declared = set().union(*map(_declared, _sources(entry.name))) | {'use_sim_time'}
            given = set(entry.parameters) | set(from_file.get(f'/**/{entry.name}', {}).get('ros__parameters', {}))
            assert given <= declared, f'{entry.name}: {given - declared}'


def test_simulated_cameras_take_pictures_of_the_size_that_the_policy_sees(tmp_path: Path, small_spec: PolicySpec) -> None:
    replace(small_spec, view_size_px=256).save(tmp_path)

    def size(**arguments: str) -> tuple[int, int]:
        nodes = graph.stack('franka', {'policy': str(tmp_path), **arguments}).nodes
        (arm,) = (entry.parameters for entry in nodes if entry.name == 'sim_node')
        return arm['width_px'], arm['height_px']

    assert size() == (256, 256) and size(image_size='640x480') == (640, 480)


def test_failures_are_kept_where_they_are_asked_for(policy: str) -> None:
    assert 'failure_node' not in [entry.name for entry in graph.stack('franka', {'policy': policy}).nodes]
    arguments = {'policy': policy, 'failures': 'true', 'failures_out': 'somewhere', 'cameras': 'wrist, front'}
    (entry,) = (each for each in graph.stack('franka', arguments).nodes if each.name == 'failure_node')
    assert entry.parameters['policy'] == policy and entry.parameters['out'] == str(Path('somewhere').absolute())
    assert entry.parameters['cameras'] == ['wrist', 'front'] and entry.closing_s > 10


def _sources(node: str) -> set[Path]:
    """Return the files of `genima_ros` that a node imports, itself among them: parts of a node declare parameters, too."""
    found: set[Path] = set()
    waiting = [NODES / f'{node}.py']
    while waiting:
        source = waiting.pop()
        found.add(source)
        for tree in ast.walk(ast.parse(source.read_text())):
            if isinstance(tree, ast.ImportFrom) and (tree.module or '').startswith('genima_ros.'):
                stem = NODES.joinpath(*str(tree.module).split('.')[1:])
                files = [stem.with_suffix('.py'), *(stem / f'{each.name}.py' for each in tree.names)]
                waiting += [file for file in files if file.is_file() and file not in found]
    return found


def _declared(source: Path) -> set[str]:
    calls = [node for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.Call)]
    return {ast.literal_eval(call.args[1]) for call in calls if ast.unparse(call.func) == 'declare'}


@pytest.mark.parametrize(('name', 'robot'), [('franka', 'fr3'), ('ur5e', 'ur5e')])
def test_a_real_arm_starts_in_shadow_mode_with_its_driver(
    small_policy: Callable[[str], str], name: str, robot: str
) -> None:
    table = graph.stack(name, {'policy': small_policy(robot), 'robot': robot, 'robot_ip': '172.16.0.3'})
    nodes = {entry.name: entry.parameters for entry in table.nodes}
    assert 'sim_node' not in nodes and nodes['gripper_node'] == {'robot': robot}
    assert nodes['guard_node']['simulated'] is nodes['guard_node']['armed_at_start'] is False
    assert nodes['guard_node']['check_targets'] is True
    parameters = yaml.safe_load(table.parameter_file.read_text())
    assert parameters['/**']['ros__parameters']['use_sim_time'] is False
    assert parameters['/**/guard_node']['ros__parameters']['check_driver'] is True
    assert table.driver is not None and table.driver.arguments['robot_ip'] == '172.16.0.3'
    controllers = yaml.safe_load(table.driver.controllers.read_text())
    (controller,) = table.driver.spawn
    assert controller == graph.controller_name(robot) == nodes['guard_node']['controller']
    assert controllers[controller]['ros__parameters']['joints'] == list(RobotProfile.load(robot).arm_joints)
    assert controllers[controller]['ros__parameters']['interpolate_from_desired_state'] is True


def test_an_imported_arm_has_mock_hardware(tmp_path: Path) -> None:
    data = yaml.safe_load((config_dir() / 'robots' / 'ur10e.yaml').read_text())
    path = tmp_path / 'mine.yaml'
    path.write_text(yaml.safe_dump({**data, 'name': 'mine'}))
    table = graph.stack('record', {'robot': str(path), 'mock': 'true'})
    assert table.mock is not None
    own = table.mock.parameters[table.mock.spawn[1]]['ros__parameters']
    assert own['joints'] == data['arm_joints'] and own['command_interfaces'] == ['position']


@pytest.mark.parametrize('name', graph.STACKS)
def test_mock_hardware_has_the_shipped_controller_on_a_position_interface(
    small_policy: Callable[[str], str], name: str
) -> None:
    policy = small_policy(graph.STACKS[name]['robot'])
    table = graph.stack(name, {'policy': policy, 'mock': 'true'})
    nodes = {entry.name: entry.parameters for entry in table.nodes}
    assert table.mock is not None and 'mirror_node' in nodes and not {'sim_node', 'gripper_node'} & set(nodes)
    assert nodes['guard_node']['armed_at_start'] is False and nodes['guard_node']['check_driver'] is False
    robot = nodes['guard_node']['robot']
    controller, parameters = graph.controller_name(robot), table.mock.parameters
    own = parameters[controller]['ros__parameters']
    assert own['command_interfaces'] == ['position'] and own['interpolate_from_desired_state'] is True
    assert own['joints'] == list(RobotProfile.load(robot).arm_joints) and 'gains' not in own
    assert controller in parameters['controller_manager']['ros__parameters']
    with pytest.raises(GenimaError, match='give one of them'):
        graph.stack(name, {'policy': policy, 'mock': 'true', 'robot_ip': '10.0.0.2'})


def test_a_real_arm_is_never_armed_by_a_launch_argument(small_policy: Callable[[str], str]) -> None:
    for arguments in ({'robot_ip': '10.0.0.2'}, {'policy_only': 'true'}):
        with pytest.raises(GenimaError, match='arm it with the service guard_node/arm'):
            graph.stack('ur5e', {'policy': small_policy('ur5e'), 'armed': 'true', **arguments})


def test_a_driver_that_nobody_knows_is_named(small_policy: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = {'policy': small_policy('panda'), 'robot': 'panda', 'robot_ip': '172.16.0.2'}
    with pytest.raises(GenimaError, match=r'no driver is known for robot panda, only for fr3, gen3, .*launch_driver:=false'):
        graph.stack('franka', arguments)
    assert graph.stack('franka', {**arguments, 'launch_driver': 'false'}).driver is None
    monkeypatch.setenv('ROS_DISTRO', 'humble')
    with pytest.raises(GenimaError, match='no entry for ROS distribution humble, only for jazzy'):
        graph.stack('ur5e', {'policy': small_policy('ur5e'), 'robot_ip': '172.16.0.2'})


def test_an_unknown_distribution_is_taken_for_jazzy_and_that_is_said(
    small_policy: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('ROS_DISTRO', 'kilted')
    table = graph.stack('ur5e', {'policy': small_policy('ur5e'), 'robot_ip': '172.16.0.2'})
    assert table.driver is not None and table.driver.package == 'ur_robot_driver'
    assert 'distribution kilted was not tried' in ' '.join(table.notes)


@pytest.mark.parametrize('robot', profile_names())
def test_any_arm_starts_with_a_driver_of_the_labs_own_and_with_mock_hardware(
    small_policy: Callable[[str], str], robot: str
) -> None:
    given = {'policy': small_policy(robot), 'robot': robot}
    table = graph.stack('franka', {**given, 'robot_ip': '10.0.0.2', 'launch_driver': 'false'})
    nodes = [entry.name for entry in table.nodes]
    assert 'guard_node' in nodes
    # a gripper that nobody can move ends nothing: the node is left out, and that is said with the way out
    unmoved = not RobotProfile.load(robot).gripper.drivers
    assert ('gripper_node' not in nodes) == unmoved == any('gripper:=' in note for note in table.notes)
    mocked = graph.stack('franka', {**given, 'mock': 'true'}).mock
    assert mocked is not None
    own = mocked.parameters[mocked.spawn[1]]['ros__parameters']
    assert own['joints'] == list(RobotProfile.load(robot).arm_joints) and own['interpolate_from_desired_state'] is True


def test_a_gripper_is_given_at_launch_or_is_none(policy: str) -> None:
    arm = {'policy': policy, 'robot': 'panda', 'robot_ip': '172.16.0.2', 'launch_driver': 'false'}
    driver = '{kind: gripper_command, action: hand/cmd, joint: finger, open: 0.0, closed: 0.8}'
    given = graph.stack('franka', {**arm, 'gripper': driver})
    assert {entry.name: entry.parameters for entry in given.nodes}['gripper_node']['gripper'] == driver
    none = graph.stack('franka', {**arm, 'gripper': 'none'})
    assert 'gripper_node' not in {entry.name for entry in none.nodes} and not none.notes


def test_a_real_franka_is_an_fr3(small_policy: Callable[[str], str]) -> None:
    nodes = graph.stack('franka', {'robot_ip': '172.16.0.2', 'policy': small_policy('fr3')}).nodes
    assert {entry.name: entry.parameters for entry in nodes}['guard_node']['robot'] == 'fr3'


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'speed': '2'}, r'unknown launch arguments speed .*; allowed: policy'),
        ({'robot-ip': '2'}, r'unknown launch arguments robot-ip \(did you mean robot_ip\?\); allowed'),
        ({'params_file': 'no.yaml'}, 'params_file:=no.yaml: there is no file'),
        ({'policy_only': 'true', 'robot_ip': '10.0.0.2'}, 'policy_only:=true starts no arm'),
        ({'use_sim_time': 'true', 'robot_ip': '10.0.0.2'}, 'use_sim_time:=true with a real arm'),
        ({'seed': 'x'}, "seed: 'x' is not a whole number"),
        ({'real_time_factor': 'fast'}, "real_time_factor: 'fast' is not a number"),
        ({'armed': 'yes'}, "armed: 'yes'; allowed: true, false"),
        ({'robot': 'r2d2'}, 'r2d2'),
    ],
)
def test_wrong_arguments_are_named(policy: str, arguments: dict[str, str], message: str) -> None:
    with pytest.raises(GenimaError, match=message):
        graph.stack('franka', {'policy': policy, **arguments})


def test_a_missing_policy_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=str(tmp_path / 'nothing')):
        graph.stack('franka', {'policy': str(tmp_path / 'nothing')})


def test_an_unknown_stack_lists_the_known_ones() -> None:
    with pytest.raises(GenimaError, match='franka'):
        graph.stack('ur5e_on_the_moon')


def test_the_arm_does_not_move_unless_told_to(policy: str) -> None:
    table = graph.stack('franka', {'policy': policy, 'armed': 'false'})
    guard = next(entry for entry in table.nodes if entry.name == 'guard_node')
    assert guard.parameters['armed_at_start'] is False


def test_the_console_shows_what_the_stack_has_and_is_off_by_default(policy: str) -> None:
    assert 'console_node' not in {entry.name for entry in graph.stack('franka', {'policy': policy}).nodes}
    table = graph.stack('franka', {'policy': policy, 'console': 'true', 'console_port': '0'})
    nodes = {entry.name: entry.parameters for entry in table.nodes}
    assert nodes['console_node'] == {'policy': policy, 'robot': 'panda', 'port': 0, 'deadman': False}
    assert 'deadman_timeout_s' not in nodes['guard_node']
    nodes = {entry.name: entry.parameters for entry in graph.stack('record', {'console': 'true', 'cameras': 'a, b'}).nodes}
    assert nodes['console_node']['cameras'] == ['a', 'b'] and 'policy' not in nodes['console_node']
    source = REPOSITORY / 'src' / 'genima_ros' / 'genima_ros' / 'console_node.py'
    for stack_file in (REPOSITORY / 'config' / 'stacks').glob('*.yaml'):
        parameters = yaml.safe_load(stack_file.read_text())['/**/console_node']['ros__parameters']
        given = set(parameters) | set(nodes['console_node'])
        assert given <= _declared(source)


def test_a_deadman_is_asked_for_by_the_guard_and_fed_by_the_console(policy: str) -> None:
    table = graph.stack('franka', {'policy': policy, 'console': 'true', 'deadman': 'true'})
    nodes = {entry.name: entry.parameters for entry in table.nodes}
    assert nodes['guard_node']['deadman_timeout_s'] == 0.5 and nodes['console_node']['deadman'] is True
    with pytest.raises(GenimaError, match='needs console:=true'):
        graph.stack('franka', {'policy': policy, 'deadman': 'true'})


def test_rviz_is_asked_for_and_needs_ros_2(policy: str) -> None:
    assert graph.stack('franka', {'policy': policy}).rviz is None
    rviz = graph.stack('franka', {'policy': policy, 'rviz': 'true'}).rviz
    assert rviz is not None and rviz.frame == 'panda_link0'
    with pytest.raises(GenimaError, match=r'RViz needs ROS 2.*`genima view`.*rviz2 -d config/rviz/genima.rviz'):
        launch('franka', policy=policy, arguments={'rviz': 'true'})


def test_cameras_are_checked_with_a_real_arm_and_where_asked_for(small_policy: Callable[[str], str]) -> None:
    policy = small_policy('fr3')
    real = graph.stack('franka', {'policy': policy, 'robot': 'fr3', 'robot_ip': '172.16.0.3', 'launch_driver': 'false'})
    nodes = {entry.name: entry.parameters for entry in real.nodes}
    assert nodes['guard_node']['check_cameras'] is True
    assert nodes['camera_check_node'] == {'robot': 'fr3', 'policy': policy, 'calibrations': ''}
    parameters = yaml.safe_load(real.parameter_file.read_text())
    assert parameters['/**/guard_node']['ros__parameters']['check_cameras'] is True
    simulated = {entry.name: entry.parameters for entry in graph.stack('franka', {'policy': small_policy('panda')}).nodes}
    assert 'camera_check_node' not in simulated and simulated['guard_node']['check_cameras'] is False
    asked = graph.stack('record', {'check_cameras': 'true', 'cameras': 'wrist,front'})
    recorded = {entry.name: entry.parameters for entry in asked.nodes}
    assert recorded['camera_check_node']['cameras'] == recorded['guard_node']['cameras'] == 'wrist,front'


def test_calibrated_cameras_go_into_tf_only_when_a_folder_is_named(policy: str) -> None:
    assert 'calibration_node' not in {entry.name for entry in graph.stack('franka', {'policy': policy}).nodes}
    table = graph.stack('franka', {'policy': policy, 'calibration': 'cameras'})
    nodes = {entry.name: entry.parameters for entry in table.nodes}
    assert nodes['calibration_node'] == {'folder': str(Path('cameras').absolute())}
    source = REPOSITORY / 'src' / 'genima_ros' / 'genima_ros' / 'calibration_node.py'
    assert set(nodes['calibration_node']) <= _declared(source)


RIG = """
robot: ur5e
joint_states: /arm/joint_states
gripper: {kind: gripper_command, action: hand/cmd, joint: finger, open: 0.0, closed: 0.8}
cameras:
  front: {image: /front/color/image_raw, transport: compressed}
  wrist: {image: /wrist/color/image_raw, transport: compressed}
"""


def test_a_rig_names_topics_robot_cameras_and_gripper(small_policy: Callable[[str], str], tmp_path: Path) -> None:
    (tmp_path / 'rig.yaml').write_text(RIG)
    arguments = {'rig': str(tmp_path / 'rig.yaml'), 'robot_ip': '10.0.0.2', 'launch_driver': 'false', 'record': 'true'}
    table = graph.stack('record', arguments)
    assert table.remappings['joint_states'] == '/arm/joint_states'
    assert table.remappings['cameras/front/image_raw/compressed'] == '/front/color/image_raw/compressed'
    nodes = {entry.name: entry.parameters for entry in table.nodes}
    assert nodes['recorder_node']['cameras'] == ['front', 'wrist'] and nodes['recorder_node']['robot'] == 'ur5e'
    assert nodes['recorder_node']['transport'] == 'compressed' and 'transport' not in nodes['guard_node']
    assert yaml.safe_load(nodes['gripper_node']['gripper'])['action'] == 'hand/cmd'
    with pytest.raises(GenimaError, match='has no camera'):  # the policy sees cameras that the rig lacks
        graph.stack('ur5e', {**arguments, 'policy': small_policy('ur5e')})
    (tmp_path / 'rig.yaml').write_text(RIG.replace('compressed}', 'raw}', 1))
    with pytest.raises(GenimaError, match='transport differs between cameras'):
        graph.stack('record', arguments)


def test_a_policy_alone_has_no_arm_and_takes_its_time_from_a_bag(policy: str) -> None:
    table = graph.stack('franka', {'policy': policy, 'policy_only': 'true', 'use_sim_time': 'true'})
    nodes = {entry.name: entry.parameters for entry in table.nodes}
    assert not {'sim_node', 'gripper_node', 'mirror_node', 'camera_check_node'} & set(nodes)
    assert all(parameters['use_sim_time'] is True for parameters in nodes.values())
    assert nodes['guard_node']['armed_at_start'] is nodes['guard_node']['simulated'] is False
    assert table.parameter_file.name == 'hardware.yaml'


def test_helpers_may_die_and_the_others_may_not(policy: str) -> None:
    table = graph.stack('franka', {'policy': policy, 'console': 'true', 'record': 'true', 'failures': 'true'})
    essential = {entry.name for entry in table.nodes if entry.essential}
    assert essential == {'sim_node', 'diffusion_node', 'act_node', 'guard_node', 'target_check_node'}
    assert {entry.name for entry in graph.stack('record').nodes if entry.essential} >= {'recorder_node', 'teleop_node'}


def test_a_stack_travels_as_json(small_policy: Callable[[str], str]) -> None:
    real = {'robot_ip': '10.0.0.2', 'robot': 'fr3', 'policy': small_policy('fr3')}
    for arguments in (real, {'policy': small_policy('panda'), 'mock': 'true', 'rviz': 'true'}):
        table = graph.stack('franka', arguments)
        assert graph.Stack.from_dict(json.loads(json.dumps(table.to_dict()))) == table


def test_the_help_of_up_lists_the_launch_arguments() -> None:
    text = CliRunner().invoke(app, ['up', '--help']).output
    assert all(f'  {argument.name}:={argument.default}' in text for argument in graph.ARGUMENTS)
