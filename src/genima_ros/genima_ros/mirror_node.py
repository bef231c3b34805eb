# SPDX-License-Identifier: Apache-2.0
"""Cameras for an arm that somebody else moves: renders what they would see of the joints in joint_states.

With ros2_control's mock hardware, or a real arm without cameras, the rest of the graph runs as in a lab.
"""

from typing import NoReturn

import numpy as np
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64, String

from genima.robots.profile import RobotProfile
from genima.robots.transforms import quaternion_xyzw
from genima.robots.urdf import to_urdf
from genima_ros import qos
from genima_ros._run import run
from genima_ros.diagnostics import refuse
from genima_ros.joint_states import JointStates, StaleJointsError
from genima_ros.parameters import declare
from genima_ros.sim_outputs import SceneOutputs
from genima_ros.sturdy import SturdyNode

JOINT_AGE_S = 0.5


class MirrorNode(SturdyNode):
    """Draws the arm, the table and a cube that stays where it is; there are no contacts."""

    def __init__(self) -> None:
        super().__init__('mirror_node')
        robot = declare(self, 'robot', 'panda', 'Robot profile: a name in config/robots or a file.')
        seed = declare(self, 'seed', 0, 'Seed of the scene.', between=(0, 2**31 - 1))
        rate_hz = declare(self, 'image_rate_hz', 10.0, 'Images per second and camera [Hz].', between=(1.0, 30.0))
        mock = declare(self, 'mock_hardware', False, "Publish robot_description, with ros2_control's mock hardware in it.")
        profile = RobotProfile.load(robot)
        self._load(profile, seed)
        if mock:
            self._description = self.create_publisher(String, 'robot_description', qos.LATCHED)
            self._description.publish(String(data=to_urdf(profile, mock_hardware=True)))
        self._joints = JointStates(self._simulation.profile, JOINT_AGE_S)
        self._gripper_open = 1.0
        self.create_subscription(JointState, 'joint_states', self._on_joints, qos.NEWEST)
        self.create_subscription(Float64, 'gripper/command', self._on_gripper, qos.COMMAND)
        self.create_timer(1.0 / rate_hz, self._draw)

    def _load(self, profile: RobotProfile, seed: int) -> None:
        from genima.sim.simulation import Simulation  # MuJoCo and its renderer take a moment; Ctrl-C works meanwhile

        self._simulation = Simulation(profile, seed)
        T_base_cube = self._simulation.cube_pose()
        self._cube = np.concatenate((T_base_cube[:3, 3], quaternion_xyzw(T_base_cube[:3, :3])))
        self._outputs = SceneOutputs(self, self._simulation)
        self.get_logger().info(f'mirror of {profile.name} ready: cameras {", ".join(self._simulation.cameras)}')

    def close(self) -> None:
        """Free the renderer."""
        self._simulation.close()

    def _on_joints(self, message: JointState) -> None:
        self._joints.add(message.name, message.position, message.header.stamp)

    def _on_gripper(self, message: Float64) -> None:
        self._gripper_open = min(1.0, max(0.0, float(message.data)))

    def _draw(self) -> None:
        now_s = 1e-9 * self.get_clock().now().nanoseconds
        try:
            q_rad, stamp_s = self._joints.arm(now_s)
        except StaleJointsError as error:
            refuse(self, 'joint states', f'nothing to show: {error}')
            return
        self._simulation.show(q_rad, self._gripper_open, self._cube)
        observed = self._joints.stamp_of(stamp_s)
        self._outputs.frames(observed)
        self._outputs.images(observed)


def main() -> NoReturn:
    """Run the node."""
    run(MirrorNode)


if __name__ == '__main__':
    main()
