# SPDX-License-Identifier: Apache-2.0
"""Listens to a rig for a few seconds and judges it: `genima doctor`."""

import time

from genima_ros.rig.checks import Check
from genima_ros.rig.listener import RigListener

from genima.contract.spec import PolicySpec
from genima.rig.rig import Rig
from genima.robots.profile import RobotProfile
from genima_bringup.client_node import ClientNode

DISCOVERY_S = 1.5
SPIN_S = 0.02


class Doctor(ClientNode):
    """A visitor of a graph. Use it as a context manager.

    Args:
        spec: Contract of the policy that is to run.
        profile: The robot.
        controller: Name of the joint_trajectory_controller.
        rig: Topics of cameras and joints; our own names by default.
    """

    def __init__(self, spec: PolicySpec, profile: RobotProfile, controller: str, rig: Rig | None = None) -> None:
        super().__init__('genima_doctor', use_sim_time=False)
        self._listener = RigListener(self._node, spec, profile, controller, rig)

    def examine(self, listen_s: float) -> list[Check]:
        """Listen for `listen_s` seconds and return all checks."""
        self._spin(DISCOVERY_S)
        self._listener.begin()
        self._spin(listen_s)
        return self._listener.judge()

    def _spin(self, duration_s: float) -> None:
        end_s = time.monotonic() + duration_s
        while time.monotonic() < end_s:
            self._executor.spin_once(timeout_sec=SPIN_S)
