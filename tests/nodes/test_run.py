# SPDX-License-Identifier: Apache-2.0
"""How a node's life ends: exit code 0 when it was told to, 1 when something broke."""

import os
import subprocess
import sys

import pytest

LIFE = """
import rclpy
from rclpy.node import Node
from genima_ros._run import run

class Short(Node):
    def __init__(self):
        super().__init__('short')
    def run(self):
        {what}

run(Short, real_time={real_time})
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
def test_exit_code(domain: None, what: str, code: int, words: str) -> None:
    source = 'import genima_ros\n' + LIFE.format(what=what, real_time=False)
    result = subprocess.run([sys.executable, '-c', source], capture_output=True, text=True, timeout=60)
    assert (result.returncode, words in result.stderr) == (code, True), result.stderr
    assert words or 'Error' not in result.stderr


@pytest.mark.parametrize('permitted', [True, False])
def test_a_node_that_may_not_go_first_says_so_and_runs(domain: None, permitted: bool) -> None:
    source = f"""
import os, genima_ros
asked = []
def scheduler(process, policy, parameter):
    asked.append((process, policy, parameter.sched_priority))
    if not {permitted}:
        raise PermissionError
os.sched_setscheduler = scheduler
""" + LIFE.format(what='print(asked)', real_time=True)
    result = subprocess.run([sys.executable, '-c', source], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert f'[(0, {os.SCHED_FIFO}, 40)]' in result.stdout
    assert ('no real-time priority' in result.stdout) is not permitted
