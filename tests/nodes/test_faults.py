# SPDX-License-Identifier: Apache-2.0
"""A few of the faults of `genima faults` with the shipped policy; all of them are that command's business."""

import pytest
from genima_bringup.faults.cases import fault_cases
from genima_bringup.faults.detour import rerouted
from genima_bringup.faults.rig import FaultRig
from genima_bringup.faults.runner import READY_S, run_case
from genima_bringup.graph import controller_name, policy_dir, stack
from genima_bringup.processes import StackProcesses

from genima.contract.spec import PolicySpec

CHOSEN = ('action_chunk: NaN', 'action_chunk: old ones again', 'robot controller: restarted', 'controller: killed')
LINK = 'action_chunk'


@pytest.mark.slow
def test_faults_end_in_rest_inside_the_limits_and_the_arm_goes_on(node_environment: None) -> None:
    cases = {case.name: case for case in fault_cases()}
    policy, controller = policy_dir('models/panda_pick'), controller_name('panda')
    values = {'policy': str(policy), 'armed': 'false', 'overlay': 'false'}
    table = rerouted(stack('franka', values), controller, LINK)
    output: list[str] = []
    with (
        StackProcesses(table, {'sim_node': {'patience_s': 0.5}}, write=lambda name, line: output.append(line)) as processes,
        FaultRig(PolicySpec.load(policy), processes, controller) as rig,
    ):
        rig.wait_until_ready(READY_S)
        results = [run_case(rig, cases[name], seed=0) for name in CHOSEN]
    problems = [f'{result.case}: {problem}' for result in results for problem in result.problems]
    assert not problems, '\n'.join([*problems, *output])
    assert all(result.limits['acceleration'] > 0.1 for result in results), 'the arm moved'
    assert not any('Traceback' in line for line in output), '\n'.join(output)
