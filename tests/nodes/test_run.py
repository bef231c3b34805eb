# SPDX-License-Identifier: Apache-2.0
"""How a node's life ends: exit code 0 when it was told to, 1 when something broke."""

import os
import re
import subprocess
import sys

import pytest

LIFE = """
import rclpy
from rclpy.node import Node
from genima_ros.core.run import run

class Short(Node):
    def __init__(self):
        super().__init__('short')
    def run(self):
        {what}

run(Short, priority={priority})
"""


@pytest.mark.parametrize(
    ('what', 'code', 'words'),
    [
        ('return', 0, ''),
        ('raise KeyboardInterrupt', 0, ''),
        ("raise RuntimeError('broken')", 1, 'RuntimeError: broken'),
        ("rclpy.shutdown(); raise RuntimeError('what a signal becomes inside a middleware')", 0, ''),
    ],
)
def test_exit_code(node_environment: None, what: str, code: int, words: str) -> None:
    source = 'import genima_ros\n' + LIFE.format(what=what, priority=0)
    result = subprocess.run([sys.executable, '-c', source], capture_output=True, text=True, timeout=60)
    assert (result.returncode, words in result.stderr) == (code, True), result.stderr
    assert words or 'Error' not in result.stderr


@pytest.mark.parametrize('permitted', [True, False])
def test_a_node_that_may_not_go_first_says_so_and_runs(node_environment: None, permitted: bool) -> None:
    source = f"""
import os, genima_ros
asked = []
def scheduler(process, policy, parameter):
    asked.append((process, policy, parameter.sched_priority))
    if not {permitted}:
        raise PermissionError
os.sched_setscheduler = scheduler
""" + LIFE.format(what='print(asked)', priority=40)
    result = subprocess.run([sys.executable, '-c', source], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    asked = re.findall(rf'\((\d+), {os.SCHED_FIFO}, 40\)', result.stdout)
    assert len(asked) > 1 if permitted else len(asked) == 1, 'the threads of the middleware go first, too'
    assert ('no real-time priority' in result.stdout) is not permitted


def test_a_node_without_a_network_says_so(node_environment: None) -> None:
    nowhere = '<General><Interfaces><NetworkInterface name="none0"/></Interfaces></General>'
    source = 'import genima_ros\n' + LIFE.format(what='return', priority=0)
    result = subprocess.run(
        [sys.executable, '-c', source], capture_output=True, text=True, timeout=60,
        env={**os.environ, 'CYCLONEDDS_URI': nowhere},
    )  # fmt: skip
    assert result.returncode == 1 and 'none0' in result.stderr
