# SPDX-License-Identifier: Apache-2.0
"""The sample SROS2 policy permits what our nodes do, and lets nobody but the guard command and nobody but operators arm.

The form is that of sros2's policy.xsd 0.2.0; names are expanded and matched as its permissions.xsl and DDS do.
"""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from everyone import Speech, everyone

from genima.files import config_dir
from genima.robots.profile import RobotProfile
from genima.robots.reading import profile_names

POLICY = config_dir() / 'security' / 'policy.xml'
NODES = Path(__file__).resolve().parents[2] / 'src' / 'genima_ros' / 'genima_ros'
WAYS = {'topics': ('publish', 'subscribe'), 'services': ('reply', 'request'), 'actions': ('call', 'execute')}
# a recording in place of a robot is not for a robot's graph; a Franka's driver needs one
NOT_STARTED = {'replay_node', 'fci_node'}
ARMING = {'console_node', 'operator_node', 'operator'}
Rule = tuple[str, str, str]
"""Way, ALLOW or DENY, and the pattern of an absolute name."""


@pytest.fixture(scope='module')
def graph(policy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Speech]]:
    with pytest.MonkeyPatch.context() as patch, everyone(policy, tmp_path_factory.mktemp('graph'), patch) as speech:
        yield speech


@pytest.fixture(scope='module')
def enclaves() -> dict[str, list[Rule]]:
    return {
        enclave.get('path', '').rsplit('/', 1)[1]: [rule for profile in enclave.iter('profile') for rule in _rules(profile)]
        for enclave in ET.parse(POLICY).getroot().iter('enclave')
    }


def _rules(profile: ET.Element) -> Iterator[Rule]:
    namespace, node = profile.get('ns', '').rstrip('/'), profile.get('node', '')
    for group in profile:
        for item in group:
            text = (item.text or '').strip()
            name = text if text[0] == '/' else f'{namespace}/{node}{text[1:]}' if text[0] == '~' else f'{namespace}/{text}'
            for way, value in group.attrib.items():
                yield from [(way, value, name)] if group.tag != 'actions' else _of_action(way, value, name)


def _of_action(way: str, value: str, name: str) -> Iterator[Rule]:
    """Give the rules of an action's three services and two topics."""
    services, topics = ('request', 'subscribe') if way == 'call' else ('reply', 'publish')
    for part in ('cancel_goal', 'get_result', 'send_goal'):
        yield services, value, f'{name}/_action/{part}'
    for part in ('feedback', 'status'):
        yield topics, value, f'{name}/_action/{part}'


def _permits(rules: list[Rule], way: str, name: str) -> bool:
    """Return what DDS would say: a rule that denies goes first, and what nothing allows is denied."""
    values = {value for each, value, pattern in rules if each == way and fnmatchcase(name, pattern)}
    return values == {'ALLOW'}


def _who(enclaves: Mapping[str, list[Rule]], way: str, name: str) -> set[str]:
    return {enclave for enclave, rules in enclaves.items() if _permits(rules, way, name)}


def test_the_file_has_the_form_of_a_policy() -> None:
    root = ET.parse(POLICY).getroot()
    assert root.tag == 'policy' and root.attrib == {'version': '0.2.0'} and [each.tag for each in root] == ['enclaves']
    paths = [enclave.get('path', '') for enclave in root[0]]
    assert len(set(paths)) == len(paths) and all(path.startswith('/genima/') for path in paths)
    for enclave in root[0]:
        assert enclave.tag == 'enclave' and [each.tag for each in enclave] == ['profiles']
        for profile in enclave[0]:
            assert profile.tag == 'profile' and set(profile.attrib) == {'ns', 'node'}
            for group in profile:
                assert set(group.attrib) <= set(WAYS[group.tag]) and set(group.attrib.values()) <= {'ALLOW', 'DENY'}
                assert len(group) and {item.tag for item in group} == {group.tag.removesuffix('s')}


def test_every_node_may_do_what_it_does(graph: dict[str, Speech], enclaves: dict[str, list[Rule]]) -> None:
    names = {path.stem for path in NODES.glob('*_node.py')}
    assert set(graph) == names - NOT_STARTED, 'a new node is built in everyone.py, and has an enclave in the policy'
    denied = [
        f'{node} may not {way} {name}'
        for node, speech in graph.items()
        for way, spoken in speech.items()
        for name in sorted(spoken)
        if not _permits(enclaves[node], way, name)
    ]
    assert not denied


def test_only_the_guard_commands_and_only_operators_arm(
    graph: dict[str, Speech], enclaves: dict[str, list[Rule]]
) -> None:
    controllers = {name for robot in profile_names() for name in RobotProfile.load(robot).controllers.values()}
    commands = {f'/{name}/joint_trajectory' for name in controllers}
    assert graph['guard_node']['publish'] & commands, 'this is what the guard writes'
    for topic in commands:
        assert _who(enclaves, 'publish', topic) == {'guard_node'}, topic
    assert {node for node, speech in graph.items() if '/guard_node/arm' in speech['request']} <= ARMING
    assert _who(enclaves, 'request', '/guard_node/arm') == ARMING
    assert _who(enclaves, 'request', '/guard_node/reset') == ARMING
    assert not _who(enclaves, 'request', '/guard_node/set_parameters'), 'nor may anybody change what the guard checks'
    for name in controllers:  # the other door of a joint_trajectory_controller
        assert not _who(enclaves, 'request', f'/{name}/follow_joint_trajectory/_action/send_goal')
        assert not _who(enclaves, 'request', f'/{name}/set_parameters')


def test_what_the_guard_believes_comes_from_whom_it_should(enclaves: dict[str, list[Rule]]) -> None:
    assert _who(enclaves, 'publish', '/gripper/command') == _who(enclaves, 'publish', '/guard/status') == {'guard_node'}
    assert _who(enclaves, 'publish', '/deadman') == {'console_node', 'operator'}
    assert _who(enclaves, 'publish', '/e_stop') == {'operator'}
    assert _who(enclaves, 'publish', '/clock') == {'sim_node', 'fci_node'}
    assert _who(enclaves, 'publish', '/joint_states') == {'driver', 'fci_node', 'gripper_node', 'sim_node'}
    assert _who(enclaves, 'publish', '/target_check') == {'target_check_node'}
    chunks = {'act_node', 'operator_node', 'policy_node', 'retrace_node', 'teleop_node'}
    assert _who(enclaves, 'publish', '/action_chunk') == chunks


@pytest.mark.parametrize('robot', profile_names())
def test_the_guard_hears_the_driver_of_each_robot(enclaves: dict[str, list[Rule]], robot: str) -> None:
    for condition in RobotProfile.load(robot).driver:
        assert _permits(enclaves['guard_node'], 'subscribe', f'/{condition.topic}')
        assert _permits(enclaves['driver'], 'publish', f'/{condition.topic}')
