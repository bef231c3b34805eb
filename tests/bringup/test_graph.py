# SPDX-License-Identifier: Apache-2.0
"""The one table of nodes."""

import ast
from pathlib import Path

import pytest
import yaml

from genima.errors import GenimaError, PolicyError
from genima_bringup import graph

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def policy(tmp_path: Path) -> str:
    (tmp_path / 'policy.yaml').write_text('version: 1\n')
    return str(tmp_path)


def test_the_table_names_nodes_that_exist(policy: str) -> None:
    for entry in graph.stack('franka', {'policy': policy}).nodes:
        source = REPOSITORY / 'src' / 'genima_ros' / 'genima_ros' / f'{entry.name}.py'
        assert source.is_file()


def test_every_parameter_of_a_stack_is_declared_by_its_node(policy: str) -> None:
    for name in graph.stacks():
        table = graph.stack(name, {'policy': policy})
        from_file = yaml.safe_load(table.parameter_file.read_text())
        for entry in table.nodes:
            sources = (REPOSITORY / 'src' / 'genima_ros' / 'genima_ros').glob(f'{entry.name.removesuffix("_node")}_*.py')
            declared = set().union(*map(_declared, sources)) | {'use_sim_time'}
            given = set(entry.parameters) | set(from_file.get(entry.name, {}).get('ros__parameters', {}))
            assert given <= declared, f'{entry.name}: {given - declared}'


def _declared(source: Path) -> set[str]:
    calls = [node for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.Call)]
    return {ast.literal_eval(call.args[1]) for call in calls if ast.unparse(call.func) == 'declare'}


def test_a_real_arm_is_refused_rather_than_simulated(policy: str) -> None:
    with pytest.raises(GenimaError, match=r'robot_ip 172.16.0.3.*not supported'):
        graph.stack('franka', {'policy': policy, 'robot_ip': '172.16.0.3'})


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'speed': '2'}, 'unknown launch arguments speed; allowed: policy'),
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
