# SPDX-License-Identifier: Apache-2.0
"""`genima doctor` as a node: judges the rig again and again, for whoever shows /diagnostics."""

from typing import NoReturn

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus

from genima.contract.spec import PolicySpec
from genima.errors import GenimaError
from genima.rig.rig import Rig
from genima.robots.profile import RobotProfile
from genima_ros.conversions.messages import stamp
from genima_ros.core import qos
from genima_ros.core.parameters import declare
from genima_ros.core.run import run
from genima_ros.core.sturdy import SturdyNode
from genima_ros.rig.checks import Check
from genima_ros.rig.listener import RigListener


class DoctorNode(SturdyNode):
    """Only listens; says what changed in its log."""

    def __init__(self) -> None:
        super().__init__('doctor_node')
        policy = declare(self, 'policy', '', 'Policy directory.')
        robot = declare(self, 'robot', '', 'Robot profile (name or file); empty: the one that the policy names.')
        controller = declare(self, 'controller', '', 'Name of the joint_trajectory_controller.')
        rig = declare(self, 'rig', '', 'Rig (name or file) with the topics; empty: our own names.')
        period_s = declare(self, 'period_s', 5.0, 'Time between two judgements [s].', between=(1.0, 600.0))
        spec = PolicySpec.load(policy)
        profile = RobotProfile.load(robot or spec.robot)
        spec.check_robot(profile)
        if not controller:
            raise GenimaError(f'parameter controller is empty; {profile.name} has {profile.controllers}')
        self._hardware = profile.name
        self._failed: set[str] = set()
        self._listener = RigListener(self, spec, profile, controller, Rig.load(rig) if rig else None)
        self._publisher = self.create_publisher(DiagnosticArray, '/diagnostics', qos.RELIABLE)
        self.create_timer(period_s, self._judge)
        self.get_logger().info(f'doctor ready: looks at {profile.name} every {period_s:.0f} s')

    def _judge(self) -> None:
        checks = self._listener.judge()
        message = DiagnosticArray(status=[self._status(check) for check in checks])
        message.header.stamp = stamp(self.get_clock().now().nanoseconds)
        self._publisher.publish(message)
        for check in checks:
            if not check.ok and check.name not in self._failed:
                self.get_logger().warning(f'{check.name}: {check.finding} -> {check.remedy}')
        self._failed = {check.name for check in checks if not check.ok}
        self._listener.begin()

    def _status(self, check: Check) -> DiagnosticStatus:
        level = DiagnosticStatus.OK if check.ok else DiagnosticStatus.ERROR
        text = check.finding if check.ok else f'{check.finding} -> {check.remedy}'
        return DiagnosticStatus(level=level, name=f'doctor_node: {check.name}', message=text, hardware_id=self._hardware)


def main() -> NoReturn:
    """Run the node."""
    run(DoctorNode)


if __name__ == '__main__':
    main()
