# SPDX-License-Identifier: Apache-2.0
"""Starting, ending, signals, logging, and the gate that decides which rclpy is used."""

import gc
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import rclpy
from rclpy.node import Node
from std_msgs.msg import String

SPIN = """\
import sys, rclpy
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor
from rclpy.node import Node
rclpy.init()
node = Node('idle')
timer = node.create_timer(0.02, lambda: (timer.cancel(), print('ready', flush=True)))
try:
    if sys.argv[1] == 'threads':
        executor = MultiThreadedExecutor(2)
        executor.add_node(node)
        executor.spin()
    elif sys.argv[1] == 'until':
        rclpy.spin_until_future_complete(node, rclpy.Future())
    else:
        rclpy.spin(node)
except KeyboardInterrupt:
    print('interrupt')
except ExternalShutdownException:
    print('external')
print(rclpy.ok())
node.destroy_node()
rclpy.try_shutdown()
"""


@pytest.mark.subset_only  # real rclpy may find its context gone anywhere in its executor; `run` of our nodes bears that
@pytest.mark.parametrize('way', ['spin', 'threads', 'until'])
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_signals_end_an_idle_spin_soon(child: Any, way: str, number: int) -> None:
    process = child(SPIN, way)
    assert process.line() == 'ready'
    code, output, errors, seconds = process.end(number)
    words = output.split()
    assert code == 0 and words[-1] == 'False', errors
    if number == signal.SIGINT:
        assert words[0] == 'interrupt'
    assert seconds < 5.0  # 0.15 s on an idle machine


@pytest.mark.subset_only
def test_termination_while_starting_reads_like_the_end_of_spinning(child: Any) -> None:
    source = """\
import os, signal, rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
rclpy.init()
os.kill(os.getpid(), signal.SIGTERM)
try:
    Node('late').create_rate(1)
except ExternalShutdownException as error:
    print(type(error).__name__)
"""
    code, output, errors, _ = child(source).end()
    assert code == 0 and output.strip() == 'ExternalShutdownException', errors


def test_ctrl_c_after_a_long_idle_time_with_a_peer(child: Any, ros: Any) -> None:
    process = child(SPIN, 'spin')
    assert process.line() == 'ready'
    ros.node()
    ros.spin(1.5)
    code, _, errors, seconds = process.end(signal.SIGINT)
    assert code == 0 and seconds < 5.0, errors


def test_two_ends_and_a_new_start_leave_nothing_behind() -> None:
    def cycle() -> tuple[int, int, set[str]]:
        rclpy.init(args=['test'])
        node = Node('node')
        node.create_publisher(String, 'words', 10).publish(String(data='x'))
        node.create_timer(0.01, lambda: None)
        rclpy.spin_once(node, timeout_sec=0.1)
        node.destroy_node()
        node.destroy_node()
        rclpy.shutdown()
        gc.collect()
        names = set(os.listdir('/dev/shm')) if os.path.isdir('/dev/shm') else set()
        return len(os.listdir('/proc/self/fd')), len(os.listdir('/proc/self/task')), names

    cycle()
    first, last = cycle(), [cycle() for _ in range(3)][-1]
    assert last[0] <= first[0] and last[1] <= first[1]
    assert threading.active_count() == 1 or last[1] <= first[1]
    assert {name for name in last[2] - first[2] if 'dds' in name or 'ros' in name} == set()
    with pytest.raises(RuntimeError):
        rclpy.shutdown()
    rclpy.try_shutdown()


def test_starting_twice_is_an_error(ros: Any) -> None:
    ros.init()
    with pytest.raises(RuntimeError):
        rclpy.init(args=['test'])
    assert rclpy.ok()


def test_without_init_nothing_works() -> None:
    assert not rclpy.ok()
    with pytest.raises(Exception, match=r'rclpy\.init'):
        Node('node')


def test_two_contexts_at_once(ros: Any) -> None:
    context = rclpy.Context()
    rclpy.init(args=['other', '--ros-args', '-r', '__ns:=/second'], context=context)
    try:
        other, node = Node('node', context=context), ros.node()
        assert (other.get_namespace(), node.get_namespace()) == ('/second', '/')
        assert ros.until(lambda: {'/second/node', '/node'} <= set(node.get_fully_qualified_node_names()))
        other.destroy_node()
    finally:
        rclpy.shutdown(context=context)
    assert rclpy.ok()
    node.create_publisher(String, 'words', 1).publish(String())


LOG = """\
import rclpy
from rclpy.node import Node
rclpy.init()
node = Node('talker', namespace='/lab')
log = node.get_logger()
log.debug('hidden'); log.info('shown'); log.warning('careful'); log.error('bad')
for _ in range(3):
    log.info('once', once=True)
    log.info('throttled', throttle_duration_sec=10.0)
    log.info('skipped', skip_first=True)
log.get_child('part').fatal('child')
rclpy.logging.set_logger_level('lab.talker', 10)
log.debug('now shown')
"""


def test_logging(child: Any) -> None:
    code, _, errors, _ = child(LOG).end()
    assert code == 0
    lines = errors.splitlines()
    kinds = [(line.split(']')[0][1:], line.split(']: ')[1]) for line in lines]
    assert kinds == [
        ('INFO', 'shown'), ('WARN', 'careful'), ('ERROR', 'bad'), ('INFO', 'once'), ('INFO', 'throttled'),
        ('INFO', 'skipped'), ('INFO', 'skipped'), ('FATAL', 'child'), ('DEBUG', 'now shown'),
    ]  # fmt: skip
    assert '[lab.talker]: shown' in lines[0] and '[lab.talker.part]: child' in lines[7]
    assert float(lines[0].split('] [')[1]) > 1.7e9


def test_one_call_has_one_severity(ros: Any) -> None:
    """As in rclpy, where a node that chooses the severity within one call ends."""
    log = ros.node('outspoken').get_logger()
    for severe in (False, True):
        if severe:
            with pytest.raises(ValueError, match='severity cannot be changed'):
                _say(log, severe)
        else:
            _say(log, severe)


def _say(log: Any, severe: bool) -> None:
    (log.error if severe else log.warning)('what happened')


def test_log_levels_from_the_command_line(child: Any) -> None:
    _, _, errors, _ = child(LOG, '--ros-args', '--log-level', 'lab.talker:=error').end()
    assert 'shown' not in errors.splitlines()[0] and 'bad' in errors.splitlines()[0]
    _, _, errors, _ = child(LOG, '--ros-args', '--log-level', 'DEBUG').end()
    assert 'hidden' in errors


def test_messages_reach_rosout(ros: Any) -> None:
    from rcl_interfaces.msg import Log

    node = ros.node('talker')

    got: list[Any] = []
    node.create_subscription(Log, '/rosout', got.append, 10)
    ros.spin(0.1)
    node.get_logger().warning('hello')
    assert ros.until(lambda: any(message.msg == 'hello' for message in got))
    message = next(message for message in got if message.msg == 'hello')
    assert (message.name, message.level) == ('talker', 30) and message.function == 'test_messages_reach_rosout'


def run(code: str, tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    source = Path(__file__).resolve().parents[2] / 'src'
    clean = {key: value for key, value in os.environ.items() if key not in ('AMENT_PREFIX_PATH', 'PYTHONPATH')}
    search = os.pathsep.join([str(source), str(tmp_path)])
    return subprocess.run(
        [sys.executable, '-c', code],
        capture_output=True, text=True, timeout=60, env={**clean, 'PYTHONPATH': search, **environment},
    )  # fmt: skip


GATE = 'import rosless; print(rosless.ensure(), rosless.ensure()); import rclpy; print(rclpy.__file__)'


def test_the_gate_without_ros(tmp_path: Path) -> None:
    done = run(GATE, tmp_path)
    assert done.stdout.splitlines()[0] == 'True True' and 'rosless/rclpy' in done.stdout, done.stderr


def test_the_gate_prefers_a_real_rclpy(tmp_path: Path) -> None:
    (tmp_path / 'rclpy').mkdir()
    (tmp_path / 'rclpy' / '__init__.py').write_text('')
    (tmp_path / 'rclpy' / 'node.py').write_text('')
    done = run(GATE, tmp_path)
    assert done.stdout.splitlines() == ['False False', str(tmp_path / 'rclpy' / '__init__.py')], done.stderr


@pytest.mark.parametrize('broken', [False, True])
def test_the_gate_with_a_ros_that_this_python_cannot_use(tmp_path: Path, broken: bool) -> None:
    if broken:
        (tmp_path / 'rclpy').mkdir()
        (tmp_path / 'rclpy' / '__init__.py').write_text('import rclpy._rclpy_pybind11')
    done = run(GATE, tmp_path, AMENT_PREFIX_PATH='/opt/ros/jazzy')
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1 and 'RosEnvironmentError: A ROS 2 environment is sourced' in last
    assert sys.executable in last and 'not sourced, so that rosless is used' in last


def test_nothing_is_imported_as_rclpy_without_the_gate(tmp_path: Path) -> None:
    done = run('import rosless; import rclpy', tmp_path)
    assert "No module named 'rclpy'" in done.stderr
    done = run('import rosless; rosless.ensure(); import rosless.rclpy', tmp_path)
    assert 'import this as `rclpy`, after' in done.stderr


def test_running_modules_and_files(child: Any, tmp_path: Path) -> None:
    code, output, _, _ = child('import rclpy, sys; print(sys.argv[1:], __name__)', '--speed', '3').end()
    assert code == 0 and output.strip() == "['--speed', '3'] __main__"
    (tmp_path / 'lab_node.py').write_text('import rclpy.node; print("module", __name__)')
    done = subprocess.run(
        [sys.executable, '-m', 'rosless', 'lab_node'], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == 'module __main__', done.stderr
    done = subprocess.run([sys.executable, '-m', 'rosless'], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and 'usage: python -m rosless' in done.stdout
