# SPDX-License-Identifier: Apache-2.0
"""The driver of a Franka arm without ROS 2: what franka_ros2 with a joint_trajectory_controller offers, over the FCI.

The loop at 1 kHz is a process of its own (`genima.fci.loop`); this node only translates.
"""

import threading
from typing import NoReturn

import rclpy
from control_msgs.msg import JointTrajectoryControllerState
from rclpy.clock import Clock as RosClock
from rclpy.clock import ClockType
from rclpy.executors import SingleThreadedExecutor
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from genima.errors import GenimaError
from genima.fci.door import N_JOINTS, is_loopback
from genima.fci.packets import LoopState
from genima.fci.process import LoopProcess
from genima.robots.profile import RobotProfile
from genima.robots.urdf import to_urdf
from genima_ros.conversions.messages import duration, stamp
from genima_ros.conversions.trajectories import trajectory_arrays
from genima_ros.core import qos
from genima_ros.core.diagnostics import health, refuse
from genima_ros.core.parameters import declare
from genima_ros.core.run import GUARD_PRIORITY, run
from genima_ros.core.sturdy import SturdyNode
from genima_ros.drivers.fci_hand import FciHand

BEAT_S = 0.05
EVERY = 2  # states of the loop: 100 Hz
SPIN_S = 0.05


class FciNode(SturdyNode):
    """Hands trajectories to the loop and publishes what it says; nothing moves unless a trajectory comes.

    Publishes joint_states always, and controller_state only while the arm is commanded, as a controller that is inactive
    is silent. After a reflex the arm stays as it is until somebody calls ~/recover.
    """

    def __init__(self) -> None:
        super().__init__('fci_node')
        robot = declare(self, 'robot', 'fr3', 'Robot profile: a name in config/robots or a file.')
        controller = declare(self, 'controller', 'fr3_arm_controller', 'Name that the trajectory controller goes by.')
        robot_ip = declare(self, 'robot_ip', '', 'Address of the robot.')
        hand = declare(self, 'hand', True, 'Whether a Franka Hand is mounted, and served here.')
        realtime = declare(
            self, 'realtime', '', 'enforce: only with real-time scheduling; ignore; empty: enforce, but for this computer.'
        )
        clock = declare(
            self, 'clock', '', "wall: ROS time is this computer's; robot: it is the robot's, on /clock; empty: the former,"
            ' but for a robot that is simulated on this computer.',
        )  # fmt: skip
        self.profile = RobotProfile.load(robot)
        if not robot_ip:
            raise GenimaError('parameter robot_ip is empty: give the address of the robot')
        if self.profile.n_joints != N_JOINTS:
            raise GenimaError(f'robot {robot} has {self.profile.n_joints} joints; fci_node drives a Franka arm, which has 7')
        here = is_loopback(robot_ip)
        wall = _one_of('clock', clock, ('wall', 'robot'), here) == 'wall'
        self._published = 0
        self._ended = threading.Event()
        self._joints = self.create_publisher(JointState, 'joint_states', qos.RELIABLE)
        self._state = self.create_publisher(
            JointTrajectoryControllerState, f'{controller}/controller_state', qos.RELIABLE
        )
        self._clock = None if wall else self.create_publisher(Clock, '/clock', qos.CLOCK)
        self._description = self.create_publisher(String, 'robot_description', qos.LATCHED)
        self._description.publish(String(data=to_urdf(self.profile)))
        self._hand = FciHand(self, robot_ip, self.profile.gripper) if hand else None
        enforce = _one_of('realtime', realtime, ('enforce', 'ignore'), here) == 'enforce'
        self._loop = LoopProcess(robot_ip, robot, enforce, wall)
        self.create_subscription(JointTrajectory, f'{controller}/joint_trajectory', self._on_trajectory, qos.COMMAND)
        self.create_service(Trigger, '~/recover', self._on_recover)
        self.create_timer(BEAT_S, self._loop.beat, clock=RosClock(clock_type=ClockType.STEADY_TIME))
        threading.Thread(target=self._listen, name='loop', daemon=True).start()
        whose = 'this computer' if wall else 'the robot'
        self.get_logger().info(f'{self.profile.name} at {robot_ip} as {controller}; time is that of {whose}')

    def run(self) -> None:
        """Serve until the context ends.

        Raises:
            GenimaError: if the loop has ended by itself.
        """
        executor = SingleThreadedExecutor()
        executor.add_node(self)
        while rclpy.ok():
            executor.spin_once(timeout_sec=SPIN_S)
            if self._ended.is_set():
                raise GenimaError(health(self).trouble or 'the control loop ended')

    def close(self) -> None:
        """Bring the arm to rest and let the robot go."""
        if hasattr(self, '_loop'):
            self._loop.close()

    def _listen(self) -> None:
        for said in self._loop.said():
            if not rclpy.ok():
                continue
            if isinstance(said, LoopState):
                self._publish(said)
            elif said[0]:
                health(self).trouble = said[1]
                if said[1]:
                    self.get_logger().error(said[1])
            else:
                self.get_logger().info(said[1])
        self._ended.set()

    def _publish(self, state: LoopState) -> None:
        if self._clock is not None:
            self._clock.publish(Clock(clock=stamp(state.time_s)))
        self._published += 1
        if self._published % EVERY:
            return
        fingers_m = self._hand.fingers_m if self._hand is not None else ()
        joints = JointState(
            name=[*self.profile.arm_joints, *self.profile.gripper.joints[: len(fingers_m)]],
            position=[*state.q_rad, *fingers_m],
            velocity=[*state.dq_rad_s, *(0.0 for _ in fingers_m)],
        )
        joints.header.stamp = stamp(state.time_s)
        self._joints.publish(joints)
        if state.active:
            self._state.publish(self._controller_state(state))

    def _controller_state(self, state: LoopState) -> JointTrajectoryControllerState:
        error_rad = [wanted - measured for wanted, measured in zip(state.reference_rad, state.q_rad, strict=True)]
        message = JointTrajectoryControllerState(
            joint_names=list(self.profile.arm_joints),
            reference=JointTrajectoryPoint(
                positions=list(state.reference_rad),
                velocities=list(state.reference_rad_s),
                time_from_start=duration(state.since_start_s),
            ),
            feedback=JointTrajectoryPoint(positions=list(state.q_rad), velocities=list(state.dq_rad_s)),
            error=JointTrajectoryPoint(positions=error_rad),
            speed_scaling_factor=1.0,
        )
        message.header.stamp = stamp(state.time_s)
        return message

    def _on_trajectory(self, message: JointTrajectory) -> None:
        try:
            self._loop.send(*trajectory_arrays(message, self.profile.arm_joints))
        except GenimaError as error:
            refuse(self, 'joint trajectory', f'joint_trajectory refused: {error}', severe=True)

    def _on_recover(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._loop.recover()
        response.success, response.message = True, 'asked the robot to recover; /diagnostics says whether it did'
        return response


def _one_of(name: str, value: str, choices: tuple[str, str], here: bool) -> str:
    """Return a choice: the second one for a simulated robot where nothing was said, else the first."""
    if value not in ('', *choices):
        raise GenimaError(f'parameter {name}: {value!r}; allowed are {", ".join(choices)}')
    return value or choices[here]


def main() -> NoReturn:
    """Run the node."""
    run(FciNode, GUARD_PRIORITY, closing_s=3.0)


if __name__ == '__main__':
    main()
