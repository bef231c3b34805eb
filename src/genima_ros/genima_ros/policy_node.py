# SPDX-License-Identifier: Apache-2.0
"""Any policy as a node: views and joints in, chunks out at the control rate, or as fast as the policy answers.

It stands in place of diffusion_node and act_node: a policy of `genima serve` on another computer, or another package's.
The guard judges its chunks as it judges ours.
"""

import time
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Image, JointState

from genima.cameras.views import tile
from genima.errors import GenimaError
from genima.policy.protocols import Observation, Policy
from genima.policy.registry import SERVERS, contract_of, load_policy, split
from genima.robots.profile import RobotProfile
from genima_msgs.msg import ActionChunk, NodeStats, TargetImage
from genima_ros.conversions.images import image_message
from genima_ros.conversions.messages import stamp
from genima_ros.conversions.trajectories import chunk_message
from genima_ros.core import qos
from genima_ros.core.devices import check_device
from genima_ros.core.diagnostics import refuse
from genima_ros.core.parameters import declare
from genima_ros.core.run import CONTROLLER_PRIORITY, run
from genima_ros.core.sturdy import SturdyNode
from genima_ros.core.worker import LatestWorker
from genima_ros.inputs.joint_states import JointStates
from genima_ros.inputs.view_inputs import ViewInputs
from genima_ros.inputs.views import ImageSet

JOINTS_PATIENCE_S = 0.05


class PolicyNode(SturdyNode):
    """Asks the policy at every tick on which it is free, in a thread of its own."""

    def __init__(self) -> None:
        super().__init__('policy_node')
        address = declare(self, 'policy', '', 'Policy directory, or name:directory of another package; its contract counts.')
        server = declare(self, 'server', '', 'ws://host:port of `genima serve`, which runs it; empty: it runs here.')
        token = declare(self, 'token_file', '', 'File with the token of the server, where it needs one.')
        robot = declare(self, 'robot', '', 'Robot profile (name or file); empty: the one that the policy names.')
        device = declare(self, 'device', 'cpu', 'Torch device of a policy that runs here: cpu or cuda.')
        threads = declare(self, 'threads', 2, 'CPU threads of a policy that runs here.', between=(1, 256))
        max_joint_age_s = declare(
            self, 'max_joint_age_s', 0.1, 'Joint positions older than this are not used [s].', between=(0.005, 5.0)
        )
        self.spec = contract_of(address)
        self.profile = RobotProfile.load(robot or self.spec.robot)
        self.spec.check_robot(self.profile)
        declare(self, 'instruction', self.spec.instruction, 'The task in words; may change at run time.', live=True)
        self._joints = JointStates(self.profile, max_joint_age_s)
        self._views = ViewInputs(self, self.spec, 'acting')
        self._ticks = self._ticks_without_input = 0
        self._chunk = self.create_publisher(ActionChunk, 'action_chunk', qos.COMMAND)
        self._target = self.create_publisher(TargetImage, 'target_image', qos.COMMAND)
        self._image = self.create_publisher(Image, 'target_image/image', qos.COMMAND)
        self._stats = self.create_publisher(NodeStats, 'node_stats', qos.STATISTICS)
        self._policy = self._load(address, server, token, device, threads)
        self.create_subscription(JointState, 'joint_states', self._on_joints, qos.NEWEST)
        self._views.listen()
        self._worker = LatestWorker(self._tick, 'policy')
        self._period_s = 1.0 / self.spec.control_rate_hz
        self._timer = self.create_timer(self._period_s, self._on_timer)

    def close(self) -> None:
        """Let the policy finish its chunk, for a moment."""
        self._worker.close()

    def _load(self, address: str, server: str, token_file: str, device: str, threads: int) -> Policy:
        where = server or address
        if server:
            from genima.policy.remote import RemotePolicy

            if split(server)[0] not in SERVERS:
                raise GenimaError(f'server: got {server!r}, allowed: ws://host:port or wss://host:port')
            policy: Policy = RemotePolicy(server, _token(token_file), want_targets=True)
            self.spec.require_same(policy.spec.hash(), server)
        else:
            import torch  # takes seconds to import; Ctrl-C works meanwhile

            torch.set_num_threads(threads)
            policy = load_policy(address, check_device(device), self.profile.name)
        self.get_logger().info(f'policy ready: {where}, contract {self.spec.hash()}, robot {self.profile.name}')
        return policy

    def _on_joints(self, message: JointState) -> None:
        self._joints.add(message.name, message.position, message.header.stamp)

    def _on_timer(self) -> None:
        next_tick_s = self._now_s() + 1e-9 * (self._timer.time_until_next_call() or 0)
        self._worker.submit(next_tick_s - self._period_s)  # when it was due, not when this machine got round to it

    def _tick(self, tick_s: float) -> None:
        images = self._views.newest()
        if images is None:  # what is missing is told by the second
            return
        started_s = time.perf_counter()
        self._ticks += 1
        try:
            self._infer(images)
        except GenimaError as error:
            self._ticks_without_input += 1
            refuse(self, 'tick', f'no chunk: {error}')
            self._report(tick_s, {})
            return
        infer_s, age_s = time.perf_counter() - started_s, self._now_s() - images.stamp_s
        self._report(tick_s, {'infer': infer_s, 'target_age': age_s})

    def _infer(self, images: ImageSet) -> None:
        views = self._views.prepare(images)
        q_rad, observed_s = self._joints.arm(self._now_s(), JOINTS_PATIENCE_S)
        opening = self._joints.gripper_open(self._now_s())
        observation = Observation(observed_s, views, images.stamp_s, q_rad, opening)
        instruction = self.get_parameter('instruction').value
        chunk = self._policy.infer(observation, instruction)
        if self._worker.closing:
            return
        if self._policy.targets is not None:
            self._publish_target(images, self._policy.targets, instruction)
        message = chunk_message(chunk, self.profile, self.spec.hash(), instruction)
        message.header.stamp = self._joints.stamp_of(observed_s)
        self._chunk.publish(message)

    def _publish_target(self, images: ImageSet, targets: NDArray[np.uint8], instruction: str) -> None:
        image = image_message(tile(targets), stamp(images.stamp_ns), '')
        self._image.publish(image)
        self._target.publish(
            TargetImage(
                header=image.header, contract=self.spec.hash(), instruction=instruction, cameras=list(self.spec.cameras),
                image=image,
                unchanged_s=list(images.unchanged_s), horizon_s=self.spec.horizon_steps / self.spec.control_rate_hz,
            )
        )  # fmt: skip

    def _report(self, tick_s: float, stages_s: dict[str, float]) -> None:
        message = NodeStats(
            tick=stamp(tick_s), node=self.get_name(), stages=list(stages_s),
            milliseconds=[1e3 * each for each in stages_s.values()], ticks=self._ticks,
            ticks_without_input=self._ticks_without_input,
        )  # fmt: skip
        message.header.stamp = stamp(self._now_s())
        self._stats.publish(message)

    def _now_s(self) -> float:
        return 1e-9 * self.get_clock().now().nanoseconds


def _token(path: str) -> str:
    """Return the token in a file: on a command line everybody on the computer could read it."""
    if not path:
        return ''
    try:
        with open(path, encoding='utf-8') as file:
            return file.read(1000).strip()
    except (OSError, UnicodeDecodeError) as error:
        text = f'token_file: {path} cannot be read ({error}); write the token of `genima serve` there'
        raise GenimaError(text) from error


def main() -> NoReturn:
    """Run the node."""
    run(PolicyNode, CONTROLLER_PRIORITY)


if __name__ == '__main__':
    main()
