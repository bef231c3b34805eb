# SPDX-License-Identifier: Apache-2.0
"""The doctor on a live graph: a rig that is well, and one where everything is missing."""

from collections.abc import Callable
from pathlib import Path

from diagnostic_msgs.msg import DiagnosticArray
from genima_bringup.doctor import Doctor
from genima_ros.core import qos

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
    diagnostics = probe.listen(DiagnosticArray, '/diagnostics', qos.RELIABLE)
    start('doctor_node', policy=policy, controller='panda_arm_controller', period_s=3.0)
    probe.spin_until(lambda: sum(len(message.status) > 3 for message in diagnostics) >= 2)
    told = {status.name.removeprefix('doctor_node: ') for message in diagnostics for status in message.status}
    assert {'joint_states rate', 'panda_arm_controller/controller_state rate', 'controller parameters'} <= told
    with Doctor(spec, profile, 'another_controller') as doctor:
        names = [check.name for check in doctor.examine(0.5) if not check.ok]
    assert 'another_controller/joint_trajectory controller' in names
    node.kill()
    with Doctor(spec, profile, 'panda_arm_controller') as doctor:
        failed = [check for check in doctor.examine(0.5) if not check.ok]
    assert {'joint_states', 'cameras/front/image_raw'} <= {check.name for check in failed}
