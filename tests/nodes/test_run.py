# SPDX-License-Identifier: Apache-2.0
"""How a node's life ends: exit code 0 when it was told to, 1 when something broke."""

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

run(Short)
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
    source = 'import genima_ros\n' + LIFE.format(what=what)
    result = subprocess.run([sys.executable, '-c', source], capture_output=True, text=True, timeout=60)
    assert (result.returncode, words in result.stderr) == (code, True), result.stderr
    assert words or 'Error' not in result.stderr
