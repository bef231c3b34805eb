# SPDX-License-Identifier: Apache-2.0
"""The doctor reads a running controller: what we ship is well on its version, and each wrong setting is named."""

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from genima_ros.core import qos
from genima_ros.rig.checks import Check
from genima_ros.rig.controller_checks import GOAL_TIME, Controller, check_controller, check_controller_state
from genima_ros.rig.controller_listener import ControllerListener
from rcl_interfaces.msg import FloatingPointRange, ParameterDescriptor
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from std_msgs.msg import String

import genima_ros  # noqa: F401  its gate decides which rclpy this is
from genima.files import config_dir
from genima.robots.profile import RobotProfile
from genima.robots.reading import profile_names
from genima.robots.urdf import to_urdf

CONTROLLERS = config_dir() / 'controllers'
DEFAULTS = {
    'jazzy': {'interpolation_method': 'splines'},
    'lyrical': {
        'interpolation_method': 'splines', 'allow_trajectory_replacement': True, 'positions_upsampling.enable': False,
    },
}  # fmt: skip
LEAST = {'jazzy': 0.0, 'lyrical': None}  # newer ones take any goal time


def _flat(values: dict[str, Any], prefix: str = '') -> dict[str, Any]:
    found = {}
    for name, value in values.items():
        found |= _flat(value, f'{prefix}{name}.') if isinstance(value, dict) else {prefix + name: value}
    return found


def _running(version: str, robot: str) -> tuple[Controller, RobotProfile]:
    """Return a controller of a version that was given the file that we ship for it."""
    profile = RobotProfile.load(robot)
    name = profile.controller('jazzy')
    blocks = yaml.safe_load((CONTROLLERS / version / f'{robot}.yaml').read_text())
    parameters = {**DEFAULTS[version], **_flat(blocks[name]['ros__parameters'])}
    manager = {'update_rate': 500, **blocks['controller_manager']['ros__parameters']}
    return Controller(name, parameters, manager, LEAST[version], to_urdf(profile)), profile


def _failed(controller: Controller, profile: RobotProfile) -> dict[str, Check]:
    failed = [check for check in check_controller(controller, profile) if not check.ok]
    assert all(check.remedy for check in failed)
    return {check.name.split()[-1]: check for check in failed}


@pytest.mark.parametrize('robot', profile_names())
@pytest.mark.parametrize('version', DEFAULTS)
def test_what_we_ship_is_well(version: str, robot: str) -> None:
    failed = _failed(*_running(version, robot))
    assert set(failed) == ({'enforce_command_limits'} if robot.startswith('ur') else set())


@pytest.mark.parametrize(
    ('version', 'name', 'value', 'words'),
    [
        ('jazzy', GOAL_TIME, 0.5, 'gives up then'),
        ('jazzy', 'interpolate_from_desired_state', False, 'which is a step'),
        ('jazzy', 'allow_nonzero_velocity_at_trajectory_end', True, 'does not end at rest'),
        ('jazzy', 'allow_partial_joints_goal', True, 'lacks joints'),
        ('jazzy', 'interpolation_method', 'none', 'jumps'),
        ('jazzy', 'command_interfaces', ['velocity'], 'allowed: position or'),
        ('jazzy', 'state_interfaces', ['position'], 'position and velocity are needed'),
        ('jazzy', 'joints', ['joint1'], 'panda has panda_joint1'),
        ('jazzy', 'gains.panda_joint3.p', 0.0, 'no proportional gain: gains.panda_joint3.p'),
        ('lyrical', GOAL_TIME, 0.0, 'gives up then'),
        ('lyrical', GOAL_TIME, 10.0, 'gives up then'),
        ('lyrical', 'allow_trajectory_replacement', True, 'spliced'),
        ('lyrical', 'positions_upsampling.enable', True, 'makes up velocities'),
    ],
)
def test_each_wrong_parameter_is_named(version: str, name: str, value: Any, words: str) -> None:
    controller, profile = _running(version, 'panda')
    controller.parameters[name] = value
    (check,) = _failed(controller, profile).values()
    assert words in check.finding


def test_a_goal_time_of_nothing_means_two_things() -> None:
    controller, profile = _running('lyrical', 'panda')
    controller.parameters[GOAL_TIME] = 0.0
    (check,) = _failed(controller, profile).values()
    assert 'constraints.goal_time: -1.0' in check.remedy
    controller.least_goal_time_s = 0.0  # the weeks between upsampling and the new meaning: -1 is refused
    assert not _failed(controller, profile)


def test_an_older_controller_has_another_word_for_where_messages_start() -> None:
    controller, profile = _running('jazzy', 'xarm7')
    del controller.parameters['interpolate_from_desired_state']  # ignored there, whatever the file says
    assert not _failed(controller, profile)
    controller.parameters['open_loop_control'] = False
    (check,) = _failed(controller, profile).values()
    assert 'open_loop_control: true, as in config/controllers/jazzy, or update' in check.remedy
    controller, profile = _running('jazzy', 'panda')  # an effort interface: the old word would take its feedback away
    del controller.parameters['interpolate_from_desired_state']
    (check,) = _failed(controller, profile).values()
    assert check.remedy.startswith('update ros2_controllers to 4.22')


def test_the_second_line_and_the_limits() -> None:
    controller, profile = _running('jazzy', 'xarm7')
    controller.manager['enforce_command_limits'] = False
    (check,) = _failed(controller, profile).values()
    assert check.finding == 'nothing limits another sender of commands' and 'controllers_file' in check.remedy
    controller.manager['enforce_command_limits'], controller.limits = True, False
    (check,) = _failed(controller, profile).values()
    assert 'older than 4.28' in check.finding and check.remedy == 'update ros2_control'
    controller.limits = True
    controller.manager = {'enforce_command_limits': True, 'update_rate': 50}
    assert '50 Hz' in _failed(controller, profile)['update_rate'].finding
    controller.manager = {}
    assert 'does not answer' in _failed(controller, profile)['manager'].finding
    controller, profile = _running('jazzy', 'xarm7')
    interface, description = '<command_interface name="position"', to_urdf(profile, mock_hardware=True)
    off = f'{interface}><limits enable="false" /></command_interface>'
    controller.description = description.replace(f'{interface} />', off, 1)
    assert _failed(controller, profile)['URDF'].finding == 'joint1 has <limits enable="false"/>'
    controller.description = description.replace('type="revolute"', 'type="continuous"').replace('velocity=', 'speed=')
    assert 'joint7 has no velocity limit' in _failed(controller, profile)['URDF'].finding
    controller.description = '<robot name="other"><joint name="joint1"/></robot>'
    finding = _failed(controller, profile)['URDF'].finding
    assert 'joint1 has no <limit>, joint2 is not in robot_description' in finding
    controller.description = 'no XML'
    assert 'not XML' in _failed(controller, profile)['URDF'].finding


def test_its_state_has_what_the_guard_compares(panda: RobotProfile) -> None:
    def state(**changes: Any) -> list[str]:
        there = SimpleNamespace(positions=[0.0] * 7)
        fields = {'joint_names': list(panda.arm_joints), 'reference': there, 'feedback': there, **changes}
        message = SimpleNamespace(**fields)
        return [check.finding for check in check_controller_state(message, panda) if not check.ok]

    assert check_controller_state(None, panda) == [] and not state()
    assert 'no finite positions in feedback' in state(feedback=SimpleNamespace(positions=[]))
    assert 'no finite positions in reference' in state(reference=SimpleNamespace(positions=[float('nan')] * 7))
    assert any('missing: panda_joint7' in finding for finding in state(joint_names=list(panda.arm_joints)[:6]))


@pytest.fixture
def fake(probe: Node) -> Iterator[Controller]:
    """A controller of Lyrical and its manager, both with settings that are wrong, and a URDF."""
    controller, profile = _running('lyrical', 'panda')
    controller.parameters |= {GOAL_TIME: 0.5, 'command_interfaces': ['position'], 'allow_trajectory_replacement': True}
    controller.manager |= {'update_rate': 50, 'enforce_command_limits': True}
    nodes = [Node(controller.name), Node('controller_manager')]
    for name, value in controller.parameters.items():
        ranges = [FloatingPointRange(from_value=0.0, to_value=100.0)] if name == GOAL_TIME else []
        nodes[0].declare_parameter(name, value, ParameterDescriptor(floating_point_range=ranges))
    for name in ('update_rate', 'enforce_command_limits'):  # as an older one has them of its file
        nodes[1].declare_parameter(name, controller.manager[name])
    nodes[1].create_publisher(String, 'robot_description', qos.LATCHED).publish(String(data=to_urdf(profile)))
    executor = SingleThreadedExecutor()
    for node in nodes:
        executor.add_node(node)
    thread = threading.Thread(target=executor.spin, daemon=True)
    thread.start()
    yield controller
    executor.shutdown()
    thread.join(5.0)
    for node in nodes:
        node.destroy_node()


def test_a_running_controller_is_asked(probe: Any, fake: Controller, panda: RobotProfile) -> None:
    listener = ControllerListener(probe, fake.name, panda)
    probe.spin_until(lambda: listener._parameters.service_is_ready() and listener._manager.service_is_ready())
    probe.spin_until(lambda: listener._descriptions.service_is_ready())
    listener.ask()
    probe.spin_until(lambda: len(listener.controller.manager) == 2 and bool(listener.controller.description))
    probe.spin_until(lambda: 'gains.panda_joint7.p' in listener.controller.parameters)
    probe.spin_until(lambda: listener.controller.least_goal_time_s is not None)
    probe.spin_until(lambda: not listener.controller.limits)
    failed = _failed(listener.controller, panda)
    assert set(failed) == {GOAL_TIME, 'allow_trajectory_replacement', 'update_rate', 'enforce_command_limits'}
    assert f'{GOAL_TIME}: 0.0' in failed[GOAL_TIME].remedy, 'this one refuses a negative goal time'
