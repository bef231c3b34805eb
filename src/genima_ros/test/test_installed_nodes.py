# SPDX-License-Identifier: Apache-2.0
"""`colcon test`: every node is installed, for a Python that can import it."""

import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / 'genima_ros'
NODES = sorted(path.stem for path in SOURCE.glob('*_node.py'))


def test_every_node_starts_with_the_python_that_has_its_dependencies():
    packages = pytest.importorskip('ament_index_python.packages')
    scripts = [Path(packages.get_package_prefix('genima_ros')) / 'lib' / 'genima_ros' / name for name in NODES]
    assert [path.name for path in scripts if not path.is_file()] == []
    pythons = {path.read_text().partition('\n')[0].removeprefix('#!') for path in scripts}
    assert len(pythons) == 1
    imports = ';'.join(f'import genima_ros.{name}' for name in NODES)
    done = subprocess.run([*pythons, '-c', imports], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
