# SPDX-License-Identifier: Apache-2.0
"""Nodes that render do not load numba: one that had its LLVM beside Mesa's ended once with a corrupted heap."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize('node', ['sim_node', 'mirror_node'])
def test_nodes_that_render_load_no_numba(node: str) -> None:
    code = (
        f'import sys, rosless; rosless.ensure(); import genima_ros.{node}, genima.sim.simulation, genima.sim.followed; '
        "import genima.tasks.pick.task; sys.exit('numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr or 'numba is loaded'
