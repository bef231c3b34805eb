# SPDX-License-Identifier: Apache-2.0
"""The controller as a node: the newest target image and the joints of this moment in, a chunk out, at a steady rate."""

import time
from typing import NoReturn

from sensor_msgs.msg import JointState

from genima.cameras.views import untile
from genima.contract.spec import PolicySpec
from genima.errors import ContractError, GenimaError
from genima.robots.profile import RobotProfile
from genima_msgs.msg import ActionChunk, NodeStats, TargetImage
from genima_ros.conversions.images import image_array
from genima_ros.conversions.messages import seconds, stamp
from genima_ros.conversions.trajectories import chunk_message
from genima_ros.core import qos
from genima_ros.core.beat import wait_until
from genima_ros.core.devices import BACK_END, check_device
from genima_ros.core.diagnostics import refuse
from genima_ros.core.parameters import declare
from genima_ros.core.run import CONTROLLER_PRIORITY, run
from genima_ros.core.sturdy import SturdyNode
from genima_ros.core.worker import LatestWorker
from genima_ros.inputs.joint_states import JointStates

MAX_AHEAD_S = 0.05
CLOCK_PATIENCE_S = 1.0  # simulated time may stand still for a while, in wall time
JOINTS_PATIENCE_S = 0.05  # joint states that wait in the queue of a busy machine are worth waiting for


class ActNode(SturdyNode):
    """Ticks at the policy's control rate on ROS time; a tick without valid input says why there is no chunk.

    The network runs in a thread of its own, so that joints and targets are the newest also after a slow tick.
    """

    def __init__(self) -> None:
        super().__init__('act_node')
        policy = declare(self, 'policy', '', 'Policy directory with policy.yaml and controller/.')
        robot = declare(self, 'robot', '', 'Robot profile (name or file); empty: the one that the policy names.')
        device = declare(self, 'device', 'cpu', 'Torch device of the controller: cpu or cuda.')
        threads = declare(self, 'threads', 1, 'CPU threads of the controller.', between=(1, 256))
        back_end = declare(self, 'backend', 'auto', BACK_END)
        max_joint_age_s = declare(
            self, 'max_joint_age_s', 0.1, 'Joint positions older than this are not used [s].', between=(0.005, 5.0)
        )
        delay_s = declare(self, 'publish_delay_s', 0.03, 'From tick to chunk, for a steady period [s].', between=(0.0, 0.1))
        self.spec = PolicySpec.load(policy)
        self.profile = RobotProfile.load(robot or self.spec.robot)
        self.spec.check_robot(self.profile)
        self._joints = JointStates(self.profile, max_joint_age_s)
        self._target: TargetImage | None = None
        self._seen_target = False
        self._ticks = self._ticks_without_input = 0
        self._chunk = self.create_publisher(ActionChunk, 'action_chunk', qos.COMMAND)
        self._stats = self.create_publisher(NodeStats, 'node_stats', qos.STATISTICS)
        self._load(policy, device, threads, back_end)
        self.create_subscription(JointState, 'joint_states', self._on_joints, qos.NEWEST)
        self.create_subscription(TargetImage, 'target_image', self._on_target, qos.COMMAND)
        self._worker = LatestWorker(self._tick, 'controller')
        self._period_s, self._delay_s = 1.0 / self.spec.control_rate_hz, delay_s
        self._timer = self.create_timer(self._period_s, self._on_timer)

    def close(self) -> None:
        """Let the controller finish its chunk, for a moment."""
        self._worker.close()

    def _load(self, policy: str, device: str, threads: int, back_end: str) -> None:
        import torch  # takes seconds to import; Ctrl-C works meanwhile

        from genima.controller.backend import load_controller

        torch.set_num_threads(threads)
        self._controller, choice = load_controller(policy, check_device(device), back_end)
        self.get_logger().info(
            f'controller ready: policy {policy}, contract {self.spec.hash()}, robot {self.profile.name},'
            f' {self.spec.control_rate_hz:g} Hz, device {device}, {threads} threads,'
            f' back end {choice.words}'
        )

    def _on_joints(self, message: JointState) -> None:
        self._joints.add(message.name, message.position, message.header.stamp)

    def _on_target(self, message: TargetImage) -> None:
        try:
            self.spec.require_same(message.contract, 'target_image')
            if tuple(message.cameras) != tuple(self.spec.cameras):
                raise ContractError(f'target_image: cameras {list(message.cameras)}, the policy has {self.spec.cameras}')
        except ContractError as error:
            refuse(self, 'target image', f'target image refused: {error}', severe=True)
            return
        self._target = message

    def _now_s(self) -> float:
        return 1e-9 * self.get_clock().now().nanoseconds

    def _on_timer(self) -> None:
        next_tick_s = self._now_s() + 1e-9 * (self._timer.time_until_next_call() or 0)
        self._worker.submit(next_tick_s - self._period_s)  # when it was due, not when this machine got round to it

    def _tick(self, tick_s: float) -> None:
        started_s = time.perf_counter()
        try:
            message, age_s = self._act(self._now_s())
        except GenimaError as error:
            self._ticks += self._seen_target
            self._ticks_without_input += self._seen_target
            refuse(self, 'tick', f'no chunk: {error}')
            self._report(tick_s, [], [])
            return
        act_s = time.perf_counter() - started_s
        wait_until(tick_s + self._delay_s, self._now_s, lambda: self._worker.closing, CLOCK_PATIENCE_S)
        if self._worker.closing:
            return
        self._chunk.publish(message)
        self._seen_target = True
        self._ticks += 1
        self._report(tick_s, ['act', 'target_age'], [1e3 * act_s, 1e3 * age_s])

    def _act(self, now_s: float) -> tuple[ActionChunk, float]:
        """Return the chunk message and the age of its target [s]; raises GenimaError where an input is not valid."""
        target = self._target
        if target is None:
            raise GenimaError('no target image yet; is diffusion_node running and does it see every camera?')
        q_rad, observed_s = self._joints.arm(now_s, JOINTS_PATIENCE_S)
        opening = self._joints.gripper_open(now_s)
        painted_s, allowed_s = seconds(target.header.stamp), self.spec.max_target_age_steps / self.spec.control_rate_hz
        if painted_s > now_s + MAX_AHEAD_S:
            raise GenimaError('the target image is stamped in the future; are the clocks of the machines in step?')
        age_s = observed_s - painted_s
        if age_s > allowed_s:
            raise GenimaError(f'the newest target image is {age_s:.3f} s old, allowed {allowed_s:.3f} s')
        views = untile(image_array(target.image, 'target_image'), len(self.spec.cameras))
        instruction = target.instruction or self.spec.instruction
        chunk = self._controller.act(views, q_rad, opening, max(age_s, 0.0), instruction, stamp_s=observed_s)
        message = chunk_message(chunk, self.profile, self.spec.hash(), instruction)
        message.header.stamp = self._joints.stamp_of(observed_s)
        return message, age_s

    def _report(self, tick_s: float, stages: list[str], milliseconds: list[float]) -> None:
        message = NodeStats(
            tick=stamp(tick_s),
            node=self.get_name(), stages=stages, milliseconds=milliseconds, ticks=self._ticks,
            ticks_without_input=self._ticks_without_input,
        )  # fmt: skip
        message.header.stamp = stamp(self._now_s())
        self._stats.publish(message)


def main() -> NoReturn:
    """Run the node."""
    run(ActNode, CONTROLLER_PRIORITY)


if __name__ == '__main__':
    main()
