# SPDX-License-Identifier: Apache-2.0
"""A robot that is not there: the topics, types and semantics of a Franka driver with a joint_trajectory_controller."""

import time
from typing import NoReturn

import rclpy
from rclpy.executors import SingleThreadedExecutor
from std_msgs.msg import Float64
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from genima.errors import LimitError
from genima.robots.profile import RobotProfile
from genima.tasks.base import Task
from genima.tasks.registry import find_task
from genima_msgs.msg import ActionChunk, GuardStatus, NodeStats, TargetImage
from genima_msgs.srv import ResetEpisode
from genima_ros.conversions.messages import seconds
from genima_ros.conversions.trajectories import trajectory_arrays
from genima_ros.core import qos
from genima_ros.core.diagnostics import refuse
from genima_ros.core.parameters import declare
from genima_ros.core.run import run
from genima_ros.core.sturdy import SturdyNode
from genima_ros.sim.gripper import SimGripper
from genima_ros.sim.outputs import SimOutputs
from genima_ros.sim.pacer import Pace, Pacer

TICK_S = 0.005  # clock at 200 Hz
JOINT_STATE_TICKS = 2  # 100 Hz
FRAME_TICKS = 10  # 20 Hz, as robot_state_publisher does
STATUS_TICKS = 20  # 10 Hz
CONTROLLER_STATE_TICKS = 4  # 50 Hz, as a joint_trajectory_controller does
RESTART_TICKS = 60  # 0.3 s
HOLD_POLL_S = 0.02
CONTROLLERS = ('act_node', 'policy_node', 'operator_node')  # what time waits for
SLOWEST_S = 0.02


class SimNode(SturdyNode):
    """Steps the simulation and is its clock; one thread, so that a callback never meets a half-made step."""

    def __init__(self) -> None:
        super().__init__('sim_node')
        robot = declare(self, 'robot', 'panda', 'Robot profile: a name in config/robots or a file.')
        controller = declare(self, 'controller', 'panda_arm_controller', 'Name of the joint_trajectory_controller.')
        seed = declare(self, 'seed', 0, 'Seed of the first episode.', between=(0, 2**31 - 1))
        task = declare(self, 'task', '', 'What is to be done; empty: the default task.')
        self._episode_s = declare(self, 'episode_s', 20.0, 'Longest episode [s].', between=(1.0, 3600.0))
        image_hz = declare(self, 'image_rate_hz', 10.0, 'Images per second and camera [Hz].', between=(1.0, 30.0))
        width_px = declare(self, 'width_px', 128, 'Width of the images [px].', between=(16, 4096))
        height_px = declare(self, 'height_px', 128, 'Height of the images [px].', between=(16, 4096))
        self._cameras = declare(self, 'cameras', '', 'front, or NAME=front under another name, by commas; empty: all four.')
        pace = declare(self, 'pace', True, 'Hold simulated time rather than starve the policy on a slow machine.')
        self._pacer = Pacer(self._declare_pace(), self._tell_give_up)
        self._images_per_tick = image_hz * TICK_S
        self._tick_count = self._restart_until = 0
        self._done = False
        self._load(robot, seed, find_task(task), (width_px, height_px))
        words = f'{image_hz:g} images per second, {"waiting" if pace else "not waiting"} for the policy'
        cameras = ', '.join(self._simulation.cameras)
        self.get_logger().info(f'simulated {robot}: {self._simulation.task.name}, seed {seed}, cameras {cameras}, {words}')
        self._outputs = SimOutputs(self, self._simulation, controller)
        self.create_subscription(JointTrajectory, f'{controller}/joint_trajectory', self._on_trajectory, qos.COMMAND)
        self.create_subscription(Float64, 'gripper/command', self._on_gripper, qos.COMMAND)
        self._hand = SimGripper(self, self._simulation) if self._simulation.profile.gripper.is_there else None
        self.create_service(ResetEpisode, '~/reset', self._on_reset)
        self.create_service(Trigger, '~/restart_controller', self._on_restart)
        if pace:
            self.create_subscription(
                TargetImage, 'target_image', lambda m: self._pacer.target_seen(seconds(m.header.stamp)), qos.COMMAND
            )
            self.create_subscription(
                ActionChunk,
                'action_chunk',
                lambda m: self._pacer.chunk_seen(self.time_s, seconds(m.header.stamp)),
                qos.COMMAND,
            )
            self.create_subscription(NodeStats, 'node_stats', self._on_stats, qos.STATISTICS)
            self.create_subscription(
                GuardStatus, 'guard/status', lambda m: self._pacer.chunk_judged(seconds(m.chunk)), qos.LATCHED
            )

    def _declare_pace(self) -> Pace:
        return Pace(
            real_time_factor=declare(
                self, 'real_time_factor', 1.0, 'Simulated seconds per second, at most.', between=(0.01, 100.0)
            ),
            rate_hz=declare(self, 'rate_hz', 10.0, 'Control rate of the policy [Hz].', between=(0.1, 200.0)),
            max_chunk_lag_s=declare(
                self, 'max_chunk_lag_s', 0.035, 'Time is held when a chunk is later [s].', between=(0.005, 10.0)
            ),
            max_target_lag_s=declare(
                self,
                'max_target_lag_s',
                0.35,
                'Time is held when the newest target is older [s].',
                between=(0.05, 10.0),
            ),
            patience_s=declare(self, 'patience_s', 2.0, 'Longest hold in wall time [s].', between=(0.0, 60.0)),
        )

    def _load(self, robot: str, seed: int, task: Task, size_px: tuple[int, int]) -> None:
        from genima.sim.simulation import Simulation  # MuJoCo and its renderer take a moment; Ctrl-C works meanwhile

        profile, (width_px, height_px) = RobotProfile.load(robot), size_px
        self._simulation = Simulation(profile, seed, True, task, width_px, height_px, self._cameras)
        self._origin_s = -self._simulation.time_s
        self._start_s = 0.0
        self._seed = seed

    def close(self) -> None:
        """Free the renderer."""
        self._simulation.close()

    @property
    def time_s(self) -> float:
        """Simulated time since the node started; it never jumps back, not at a reset either [s]."""
        return self._tick_count * TICK_S

    def run(self) -> None:
        """Step, publish and listen until the context ends."""
        executor = SingleThreadedExecutor()
        executor.add_node(self)
        while rclpy.ok():
            wait_s = self._pacer.wait_s(self.time_s + TICK_S, time.monotonic())
            if wait_s is None:
                self._outputs.clock(self.time_s)  # who missed the last one would be waited for in vain
                executor.spin_once(timeout_sec=HOLD_POLL_S)
            elif wait_s > 0.0:
                executor.spin_once(timeout_sec=min(wait_s, SLOWEST_S))
            else:
                self._step()
                executor.spin_once(timeout_sec=0.0)

    def _step(self) -> None:
        self._tick_count += 1
        self._simulation.step_to(self.time_s - self._origin_s)
        self._pacer.stepped(TICK_S, time.monotonic())
        if self._hand is not None:
            self._hand.tick(self.time_s)
        self._outputs.clock(self.time_s)
        if self._tick_count == self._restart_until:
            self._simulation.restart_controller()
        if self._tick_count % CONTROLLER_STATE_TICKS == 0 and self._controller_active:
            self._outputs.controller(self.time_s, self.time_s - self._origin_s)
        if self._tick_count % JOINT_STATE_TICKS == 0:
            self._outputs.joints(self.time_s)
        if self._tick_count % FRAME_TICKS == 0:
            self._outputs.frames(self.time_s)
        if self._images_due(self._tick_count) > self._images_due(self._tick_count - 1):
            self._outputs.images(self.time_s)
        if self._tick_count % STATUS_TICKS == 0:
            self._report()

    def _images_due(self, ticks: int) -> int:
        """Return how many pictures each camera has taken by a tick; 30 Hz means now six, now seven ticks apart."""
        return int(ticks * self._images_per_tick + 1e-9)

    @property
    def _controller_active(self) -> bool:
        return self._tick_count >= self._restart_until

    def _tell_give_up(self, missing: str) -> None:
        self.get_logger().warning(f'waited {self._pacer.pace.patience_s:.1f} s for {missing} in vain; time goes on')

    def _report(self) -> None:
        elapsed_s = self.time_s - self._start_s
        success = self._simulation.success()
        self._done = self._done or success or elapsed_s >= self._episode_s
        self._outputs.episode(self.time_s, self._seed, elapsed_s, success, self._done, self._pacer)

    def _on_trajectory(self, message: JointTrajectory) -> None:
        if not self._controller_active:
            return
        try:
            stamp_s, times_s, q_rad, v_rad_s = trajectory_arrays(message, self._simulation.profile.arm_joints)
            stamp_s = 0.0 if stamp_s == 0.0 else stamp_s - self._origin_s
            now_s = self.time_s - self._origin_s
            self._simulation.controller.set_trajectory(now_s, stamp_s, times_s, q_rad, v_rad_s)
        except LimitError as error:
            refuse(self, 'joint trajectory', f'joint_trajectory refused: {error}', severe=True)

    def _on_stats(self, message: NodeStats) -> None:
        if message.node in CONTROLLERS:
            self._pacer.tick_seen(seconds(message.tick))

    def _on_gripper(self, message: Float64) -> None:
        if message.data == message.data:  # not NaN
            self._simulation.command_gripper(min(1.0, max(0.0, message.data)))

    def _on_restart(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Deactivate the trajectory controller, and activate it again a moment later."""
        self._simulation.restart_controller()
        self._restart_until = self._tick_count + RESTART_TICKS
        response.success, response.message = True, f'the controller is back in {RESTART_TICKS * TICK_S:.1f} s'
        return response

    def _on_reset(self, request: ResetEpisode.Request, response: ResetEpisode.Response) -> ResetEpisode.Response:
        if request.seed < 0:
            response.success, response.message = False, f'seed must be >= 0, got {request.seed}'
            return response
        self._simulation.reset(request.seed)
        self._origin_s = self.time_s - self._simulation.time_s
        self._start_s, self._seed, self._done = self.time_s, request.seed, False
        self._report()
        response.success, response.message = True, f'episode with seed {request.seed} starts at {self.time_s:.3f} s'
        return response


def main() -> NoReturn:
    """Run the node."""
    run(SimNode)


if __name__ == '__main__':
    main()
