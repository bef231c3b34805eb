# SPDX-License-Identifier: Apache-2.0
"""Nodes start together, are watched, and end together."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from genima_bringup.graph import NodeEntry, Stack
from genima_bringup.processes import LaunchError, StackProcesses, command, parse_overrides, write_parameters
from genima_bringup.table import RESPAWNS

from genima.errors import GenimaError
from genima_bringup import launcher

PROGRAMS = {
    'polite': 'import time\nprint("up", flush=True)\nwhile True: time.sleep(1)\n',
    'deaf': (
        'import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint("up", flush=True)\n'
        'while True: time.sleep(1)\n'
    ),
    'writer': (
        'import time\n'
        'try:\n    print("up", flush=True)\n    time.sleep(60)\n'
        'except KeyboardInterrupt:\n    time.sleep(1)\n    print("written", flush=True)\n'
    ),
    'broken': 'import sys\nprint("error: no camera")\nsys.exit(3)\n',
    'echo': 'import sys, time\nprint(sys.argv[1:], flush=True)\nwhile True: time.sleep(1)\n',
}


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = tmp_path / 'nodes_of_test'
    package.mkdir()
    (package / '__init__.py').touch()
    for name, text in PROGRAMS.items():
        (package / f'{name}.py').write_text(text)
    monkeypatch.setenv('PYTHONPATH', f'{tmp_path}{os.pathsep}{os.environ.get("PYTHONPATH", "")}')
    return tmp_path


def stack(*names: str, **parameters: object) -> Stack:
    return Stack(
        'test', Path('p.yaml'), tuple(NodeEntry(name, dict(parameters), package='nodes_of_test') for name in names)
    )


@pytest.fixture
def lines() -> Iterator[list[tuple[str, str]]]:
    yield []


def wait_for(condition, timeout_s: float = 5.0) -> None:  # type: ignore[no-untyped-def]
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s, 'waited in vain'
        time.sleep(0.02)


def test_all_nodes_end_within_a_second_of_being_asked(nodes: Path, lines: list[tuple[str, str]]) -> None:
    processes = StackProcesses(stack('polite', 'echo'), write=lambda name, line: lines.append((name, line)))
    processes.start()
    wait_for(lambda: len(lines) == 2)
    processes.check()
    started_s = time.monotonic()
    processes.stop()
    assert time.monotonic() - started_s < 10.0
    for pid in processes.pids().values():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_node_that_ignores_ctrl_c_is_ended_all_the_same(
    nodes: Path, lines: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('genima_bringup.processes.FAREWELL', ((signal.SIGINT, 0.2), (signal.SIGTERM, 2.0)))
    processes = StackProcesses(stack('deaf'), write=lambda name, line: lines.append((name, line)))
    processes.start()
    wait_for(lambda: bool(lines))
    processes.stop()
    with pytest.raises(LaunchError, match='deaf ended with exit code -15'):
        processes.check()


def test_a_node_that_has_something_to_write_gets_the_time(
    nodes: Path, lines: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('genima_bringup.processes.FAREWELL', ((signal.SIGINT, 0.2), (signal.SIGTERM, 2.0)))
    slow = NodeEntry('writer', package='nodes_of_test', closing_s=20.0)
    processes = StackProcesses(Stack('test', Path('p.yaml'), (slow,)), write=lambda name, line: lines.append((name, line)))
    processes.start()
    wait_for(lambda: bool(lines))
    processes.stop()
    assert lines[-1] == ('writer', 'written')


def test_a_node_that_dies_is_named_with_its_last_words(nodes: Path) -> None:
    words = 'broken ended with exit code 3: error: no camera'
    with StackProcesses(stack('polite', 'broken')) as processes, pytest.raises(LaunchError, match=words):
        wait_for(lambda: processes.check() is not None)


def test_parameters_reach_a_node_in_any_namespace(tmp_path: Path) -> None:
    entry = NodeEntry('act_node', {'policy': '/p', 'threads': 1, 'on': True, 'text': '{"a": 1}', 'digits': '12'})
    table = Stack('test', tmp_path / 'stack.yaml', (entry,), namespace='cell1', remappings={'joint_states': '/arm/joints'})
    (tmp_path / 'stack.yaml').write_text('/**/act_node: {ros__parameters: {threads: 8, rest: 0.5}}')
    write_parameters(tmp_path / 'own.yaml', table, {'act_node': {'threads': 2, 'names': ['a', 'y']}})
    line = command(entry, table, tmp_path / 'own.yaml')
    assert line[1:3] == ['-m', 'genima_ros.act_node']
    arguments = pytest.importorskip('rclpy.arguments').parse_ros_arguments(line[3:])
    assert arguments.special_name('__ns', 'act_node') == '/cell1'
    assert arguments.remap('/cell1/joint_states', 'act_node', '/cell1', is_service=False) == '/arm/joints'
    assert arguments.parameters('act_node', '/cell1') == {
        'policy': '/p', 'threads': 2, 'on': True, 'text': '{"a": 1}', 'digits': '12', 'names': ['a', 'y'], 'rest': 0.5,
    }  # fmt: skip


def test_a_helper_that_dies_is_started_again_and_ends_nothing(
    nodes: Path, lines: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('genima_bringup.processes.RESPAWN_S', 0.05)
    helper = NodeEntry('broken', package='nodes_of_test', essential=False)
    table = Stack('test', Path('p.yaml'), (NodeEntry('polite', package='nodes_of_test'), helper))

    def told() -> list[str]:
        return [line for name, line in lines if name == 'broken' and 'ended with exit code 3: error: no camera' in line]

    with StackProcesses(table, write=lambda name, line: lines.append((name, line))) as processes:
        wait_for(lambda: processes.check() or len(told()) == 1 + RESPAWNS, 20.0)
    assert all('it is started again' in line for line in told()[:-1])
    assert told()[-1].endswith('the others go on without it')


def test_each_node_has_its_enclave_where_security_is_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    table = Stack('test', tmp_path / 'parameters.yaml', (NodeEntry('guard_node'),))
    monkeypatch.delenv('ROS_SECURITY_ENABLE', raising=False)
    assert '--enclave' not in command(table.nodes[0], table, tmp_path / 'own.yaml')
    monkeypatch.setenv('ROS_SECURITY_ENABLE', 'true')
    assert command(table.nodes[0], table, tmp_path / 'own.yaml')[-2:] == ['--enclave', '/genima/guard_node']


def test_overrides_are_read_as_yaml() -> None:
    assert parse_overrides(['a.b=1', 'a.c=true', 'd.e=x']) == {'a': {'b': 1, 'c': True}, 'd': {'e': 'x'}}


@pytest.mark.parametrize('text', ['threads=2', 'act_node.threads', 'act_node=2', 'a.b=[1'])
def test_a_malformed_override_is_refused(text: str) -> None:
    with pytest.raises(GenimaError, match=r'node\.name=value|not YAML'):
        parse_overrides([text])


def test_an_override_for_a_node_that_is_not_there_is_refused() -> None:
    with pytest.raises(LaunchError, match=r"no node 'pilot'.*it has polite"):
        StackProcesses(stack('polite'), {'pilot': {'x': 1}})


def test_the_launcher_ends_everything_when_a_node_dies(
    nodes: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(launcher, 'stack', lambda name, values: stack('polite', 'broken'))
    assert launcher.launch('franka') == 1
    output = capsys.readouterr()
    assert 'error: broken ended with exit code 3: error: no camera' in output.err
    assert 'broken | error: no camera' in output.out


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_the_launcher_ends_on_a_signal(nodes: Path, number: signal.Signals) -> None:
    program = (
        'import sys\nfrom pathlib import Path\nfrom genima_bringup import launcher\n'
        'from genima_bringup.graph import NodeEntry, Stack\n'
        "entries = (NodeEntry('polite', package='nodes_of_test'), NodeEntry('echo', package='nodes_of_test'))\n"
        "launcher.stack = lambda name, values: Stack('test', Path('p.yaml'), entries)\n"
        "sys.exit(launcher.launch('franka'))\n"
    )
    process = subprocess.Popen([sys.executable, '-c', program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(2):
        process.stdout.readline()
    started_s = time.monotonic()
    process.send_signal(number)
    rest = process.stdout.read()
    assert process.wait(5.0) == 0
    assert time.monotonic() - started_s < 10.0
    assert "ending stack 'test'" in rest or "ending stack 'franka'" in rest
