# SPDX-License-Identifier: Apache-2.0
"""`colcon test`: the installed launch files load in the Python of ROS, and the other Python works their stacks out."""

from pathlib import Path

import pytest


@pytest.mark.parametrize('stack', ['franka', 'ur5e', 'record'])
def test_a_stack_is_worked_out(stack):
    packages = pytest.importorskip('ament_index_python.packages')
    sources = pytest.importorskip('launch.launch_description_sources')
    from genima_bringup.planned import plan

    share = Path(packages.get_package_share_directory('genima_bringup'))
    description = sources.get_launch_description_from_python_launch_file(str(share / 'launch' / f'{stack}.launch.py'))
    arguments = {argument.name for argument in description.get_launch_arguments()}
    assert {'policy', 'namespace', 'use_sim_time'} <= arguments
    assert 'guard_node' in [entry.name for entry in plan(stack, {}).nodes]
