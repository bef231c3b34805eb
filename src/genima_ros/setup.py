# SPDX-License-Identifier: Apache-2.0
"""Build description of the nodes for colcon; the library `genima` itself is a pip package."""

from setuptools import setup

NODES = (
    'act_node',
    'console_node',
    'camera_check_node',
    'calibration_node',
    'diffusion_node',
    'doctor_node',
    'failure_node',
    'gripper_node',
    'guard_node',
    'mirror_node',
    'operator_node',
    'overlay_node',
    'recorder_node',
    'replay_node',
    'retrace_node',
    'sim_node',
    'target_check_node',
    'teleop_node',
)

setup(
    name='genima_ros',
    version='0.1.0',
    packages=['genima_ros', 'genima_ros.console'],
    package_data={'genima_ros.console': ['page/*']},
    data_files=[
        ('share/ament_index/resource_index/packages', ['resource/genima_ros']),
        ('share/genima_ros', ['package.xml']),
    ],
    install_requires=['setuptools'],
    zip_safe=False,
    maintainer='GENIMA contributors',
    maintainer_email='genima@example.com',
    description='The nodes of GENIMA.',
    license='Apache-2.0',
    entry_points={'console_scripts': [f'{node} = genima_ros.{node}:main' for node in NODES]},
)
