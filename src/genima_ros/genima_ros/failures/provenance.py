# SPDX-License-Identifier: Apache-2.0
"""What ran when something failed: the task, the policy with its whole contract, and the box in which spheres may be."""

from datetime import datetime, timezone
from typing import Any

from rclpy.node import Node

from genima.contract.spec import PolicySpec
from genima.errors import GenimaError
from genima.failures.layout import Flag
from genima.failures.reading import CONTRACT, WORKSPACE
from genima.guard.workspace import Workspace
from genima.rig.rig import Rig
from genima.robots.profile import RobotProfile
from genima_ros.core.parameters import declare
from genima_ros.recording.provenance import software
from genima_ros.rig.parameter import resolved


class FailureProvenance:
    """Parameters, some of which may change between two flags.

    Args:
        node: That has them.
        profile: The robot.
        rig: Topics of cameras and joints.
        policy: Directory of the policy; empty where none runs.
        spec: Its contract.

    Raises:
        GenimaError: if the workspace is no box.
    """

    def __init__(
        self, node: Node, profile: RobotProfile, rig: Rig, policy: str, spec: PolicySpec | None
    ) -> None:
        self._node, self._profile, self._rig, self._policy, self._spec = node, profile, rig, policy, spec
        declare(node, 'task', spec.task if spec else '', 'Name of the task.', live=True)
        declare(node, 'instruction', spec.instruction if spec else '', 'The task in words.', live=True)
        low = declare(node, 'workspace_min_m', list(Workspace.min_xyz_m), 'Where spheres may be: lowest x, y, z [m].')
        high = declare(node, 'workspace_max_m', list(Workspace.max_xyz_m), 'Where spheres may be: highest x, y, z [m].')
        self._workspace = [[float(value) for value in bound] for bound in (low, high)]
        if [len(bound) for bound in self._workspace] != [3, 3] or any(a >= b for a, b in zip(*self._workspace, strict=True)):
            raise GenimaError(
                f'parameters workspace_min_m, workspace_max_m: {self._workspace}; a box has three numbers each'
            )

    def flag(self, cause: str, note: str) -> Flag:
        """Return a flag that tells what runs now."""
        task, instruction = (str(self._node.get_parameter(name).value) for name in ('task', 'instruction'))
        contract = self._spec.hash() if self._spec else ''
        return Flag(cause, note, 0.0, task=task, instruction=instruction, policy=self._policy, contract=contract)

    def of_bag(self, simulated: bool) -> dict[str, Any]:
        """Return what the bag of a segment says of its origin."""
        flag = self.flag('', '')
        known: dict[str, Any] = {
            'robot': self._profile.name,
            'joint_names': list(self._profile.arm_joints),
            'cameras': list(self._rig.names),
            'rig': resolved(self._node, self._rig).to_dict(),
            'task': flag.task,
            'instruction': flag.instruction,
            'source': 'flagged failure',
            'simulated': simulated,
            'software': software(),
            'namespace': self._node.get_namespace(),
            'recorded_at': datetime.now(timezone.utc).isoformat(timespec='seconds'),
            WORKSPACE: self._workspace,
        }
        return known if self._spec is None else {**known, CONTRACT: self._spec.to_dict()}
