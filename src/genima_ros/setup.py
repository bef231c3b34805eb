# SPDX-License-Identifier: Apache-2.0
"""Build description of the nodes for colcon; the library `genima` itself is a pip package."""

import os
import sys
from pathlib import Path

from setuptools import find_packages, setup

CHECKOUT = Path(__file__).resolve().parents[2]


def python_of_nodes() -> str:
    """Return the Python that has the dependencies of the nodes; `colcon` and `ros2` themselves run on the system's.

    `GENIMA_PYTHON` wins, then the active virtual environment, then `.venv` in this checkout, then what runs this.
    """
    if named := os.environ.get('GENIMA_PYTHON'):
        if not os.access(named, os.X_OK):
            raise SystemExit(f'error: GENIMA_PYTHON={named} is no program; name the Python that GENIMA is installed in')
        return os.path.abspath(named)
    environments = [Path(active) for active in [os.environ.get('VIRTUAL_ENV', '')] if active] + [CHECKOUT / '.venv']
    pythons = [str(each / 'bin' / 'python') for each in environments]
    return next((python for python in pythons if os.access(python, os.X_OK)), sys.executable)


# the first line of every script of a node, also with --symlink-install; launch files read it there
sys.executable = python_of_nodes()

NODES = (
    'act_node',
    'console_node',
    'camera_check_node',
    'calibration_node',
    'diffusion_node',
    'doctor_node',
    'failure_node',
    'fci_node',
    'gripper_node',
    'guard_node',
    'mirror_node',
    'operator_node',
    'overlay_node',
    'policy_node',
    'recorder_node',
    'replay_node',
    'retrace_node',
    'sim_node',
    'target_check_node',
    'teleop_node',
)

setup(
    name='genima_ros',
    version='0.2.0',
    packages=find_packages(include=['genima_ros', 'genima_ros.*']),
    package_data={'genima_ros.console': ['page/*']},
    data_files=[
        ('share/ament_index/resource_index/packages', ['resource/genima_ros']),
        ('share/genima_ros', ['package.xml']),
    ],
    install_requires=['setuptools'],
    zip_safe=False,
    extras_require={'test': ['pytest']},
    maintainer='GENIMA maintainers',
    maintainer_email='maintainers@users.noreply.b-seed-da1fa7a2.example',
    description='The nodes of GENIMA.',
    license='Apache-2.0',
    entry_points={'console_scripts': [f'{node} = genima_ros.{node}:main' for node in NODES]},
)
