# SPDX-License-Identifier: Apache-2.0
"""The doctor on a live graph: a rig that is well, and one where everything is missing."""

from collections.abc import Callable
from pathlib import Path

from genima_bringup.doctor import Doctor

from genima.contract.spec import PolicySpec
from genima.robots.profile import RobotProfile


def test_a_simulated_rig_is_well_and_an_empty_one_is_not(start: Callable, probe, policy: Path) -> None:  # type: ignore[no-untyped-def, type-arg]
    spec = PolicySpec.load(policy)
    profile = RobotProfile.load(spec.robot)
    node = start('sim_node', pace=False)
    node.wait_for('simulated panda')
    with Doctor(spec, profile, 'panda_arm_controller') as doctor:
        failed = [check for check in doctor.examine(3.0) if not check.ok]
    assert not [check for check in failed if not check.name.endswith(('rate', 'socket buffers'))], failed
    with Doctor(spec, profile, 'another_controller') as doctor:
        names = [check.name for check in doctor.examine(0.5) if not check.ok]
    assert 'another_controller/joint_trajectory controller' in names
    node.kill()
    with Doctor(spec, profile, 'panda_arm_controller') as doctor:
        failed = [check for check in doctor.examine(0.5) if not check.ok]
    assert {'joint_states', 'cameras/front/image_raw'} <= {check.name for check in failed}
