# SPDX-License-Identifier: Apache-2.0
"""Controller files for older and newer ros2_controllers, and which of them a stack takes."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from genima.contract.spec import PolicySpec
from genima.files import config_dir
from genima.robots.profile import RobotProfile
from genima_bringup import graph

FOLDERS = {version: config_dir() / 'controllers' / version for version in ('jazzy', 'lyrical')}
ROBOTS = sorted(path.stem for path in FOLDERS['jazzy'].glob('*.yaml'))


def _read(version: str, robot: str) -> dict[str, Any]:
    return {
        name: block['ros__parameters']
        for name, block in yaml.safe_load((FOLDERS[version] / f'{robot}.yaml').read_text()).items()
    }


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    PolicySpec.from_recipe('small', RobotProfile.load('ur5e')).save(tmp_path)

    def make(distribution: str | None, **arguments: str) -> graph.Stack:
        monkeypatch.delenv('ROS_DISTRO', raising=False)
        if distribution:
            monkeypatch.setenv('ROS_DISTRO', distribution)
        return graph.stack('ur5e', {'policy': str(tmp_path), **arguments})

    return make


@pytest.mark.parametrize('robot', ROBOTS)
def test_both_versions_differ_in_what_the_versions_understand_only(robot: str) -> None:
    older, newer = _read('jazzy', robot), _read('lyrical', robot)
    controller = graph.controller_name(robot)
    then, now = older.pop(controller), newer.pop(controller)
    assert then['constraints'].pop('goal_time') == 0.0 and now['constraints'].pop('goal_time') == -1.0
    assert now.pop('allow_trajectory_replacement') is False and now.pop('positions_upsampling') == {'enable': False}
    for each in (then, now):
        each.pop('type', None)
        each.pop('speed_scaling_interface_name', None)
        each.pop('speed_scaling', None)
        open_loop = each.pop('open_loop_control', False)  # an older word; it would end the feedback of efforts
        assert open_loop is (each is then and each['command_interfaces'] == ['position'])
        assert each['interpolate_from_desired_state'] is True and each['allow_nonzero_velocity_at_trajectory_end'] is False
    assert then == now
    for each in (older, newer):
        each['controller_manager'].pop(controller)
    assert older == newer


@pytest.mark.parametrize('robot', ROBOTS)
@pytest.mark.parametrize('version', FOLDERS)
def test_every_sender_is_limited_where_the_file_reaches_the_controller_manager(version: str, robot: str) -> None:
    manager = _read(version, robot)['controller_manager']
    if robot.startswith('ur'):  # the file is a spawner's: it cannot say it, and says so
        assert 'enforce_command_limits' not in manager
        assert 'controllers_file' in (FOLDERS[version] / f'{robot}.yaml').read_text()
    else:
        assert manager['enforce_command_limits'] is True


@pytest.mark.parametrize(
    ('distribution', 'version'),
    [(None, 'jazzy'), ('humble', 'jazzy'), ('kilted', 'jazzy'), ('lyrical', 'lyrical'), ('rolling', 'lyrical')],
)
def test_a_stack_takes_the_controllers_of_its_distribution(stack: Any, distribution: str, version: str) -> None:
    if distribution != 'humble':  # which has no entry for the driver
        table = stack(distribution, robot_ip='10.0.0.2')
        assert table.driver.controllers == FOLDERS[version] / 'ur5e.yaml'
    mock = stack(distribution, mock='true').mock
    own = mock.parameters[mock.spawn[1]]['ros__parameters']
    assert own['constraints']['goal_time'] == (0.0 if version == 'jazzy' else -1.0)
    assert ('allow_trajectory_replacement' in own) is (version == 'lyrical')
    assert not {'speed_scaling', 'speed_scaling_interface_name'} & set(own)
    assert mock.parameters['controller_manager']['ros__parameters']['enforce_command_limits'] is True


def test_newer_controllers_on_an_older_distribution_are_a_word(stack: Any) -> None:
    table = stack('jazzy', robot_ip='10.0.0.2', controllers='lyrical')
    assert table.driver.controllers == FOLDERS['lyrical'] / 'ur5e.yaml'
