# SPDX-License-Identifier: Apache-2.0
"""driver:=fci in the table of nodes: our own driver, the guard disarmed, and a world around a simulated arm."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genima.contract.spec import PolicySpec
from genima.errors import GenimaError
from genima.robots.profile import RobotProfile
from genima_bringup import graph


@pytest.fixture
def nodes(tmp_path: Path) -> Callable[..., dict[str, dict[str, Any]]]:
    """Return a function that returns the parameters of the nodes of stack franka with driver:=fci."""
    PolicySpec.from_recipe('small', RobotProfile.load('fr3')).save(tmp_path)

    def make(**arguments: str) -> dict[str, dict[str, Any]]:
        table = graph.stack('franka', {'policy': str(tmp_path), 'driver': 'fci', **arguments})
        assert table.driver is None and table.parameter_file.name == 'hardware.yaml'
        return {entry.name: entry.parameters for entry in table.nodes}

    return make


def test_a_real_arm_is_driven_by_our_own_node_and_the_guard_starts_disarmed(nodes: Callable) -> None:  # type: ignore[type-arg]
    table = nodes(robot_ip='172.16.0.2')
    assert table['fci_node']['robot_ip'] == '172.16.0.2' and table['fci_node']['controller'] == 'fr3_arm_controller'
    assert table['guard_node']['armed_at_start'] is False and table['guard_node']['simulated'] is False
    assert table['guard_node']['check_driver'] is False and table['guard_node']['check_cameras'] is True
    assert table['guard_node']['acceleration_limit'] == 0.7
    assert json.loads(table['gripper_node']['gripper'])['kind'] == 'gripper_command'
    assert not {'mirror_node', 'sim_node'} & set(table)
    assert not any('use_sim_time' in parameters for parameters in table.values())
    with pytest.raises(GenimaError, match='armed:=true with a real arm'):
        nodes(robot_ip='172.16.0.2', armed='true')
    bare = nodes(robot_ip='172.16.0.2', gripper='none')
    assert bare['fci_node']['hand'] is False and 'gripper_node' not in bare


def test_a_simulated_fci_is_armed_like_a_real_arm_and_its_time_and_world_are_the_graphs(nodes: Callable) -> None:  # type: ignore[type-arg]
    table = nodes(robot_ip='127.0.0.1')
    assert table['guard_node']['armed_at_start'] is False and table['guard_node']['simulated'] is False
    assert table['mirror_node']['contacts'] is True
    without = {name for name, parameters in table.items() if parameters.get('use_sim_time') is not True}
    assert without == {'fci_node'}, 'it is the clock'
    with pytest.raises(GenimaError, match='armed:=true with a real arm'):
        nodes(robot_ip='127.0.0.1', armed='true')


def test_what_makes_no_sense_is_refused(nodes: Callable) -> None:  # type: ignore[type-arg]
    with pytest.raises(GenimaError, match='driver:=fci needs the address'):
        nodes()
    with pytest.raises(GenimaError, match='use_sim_time:=true with a real arm'):
        nodes(robot_ip='172.16.0.2', use_sim_time='true')
    with pytest.raises(GenimaError, match="driver: 'ros'; allowed: fci"):
        nodes(robot_ip='172.16.0.2', driver='ros')
