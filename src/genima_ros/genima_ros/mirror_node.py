# SPDX-License-Identifier: Apache-2.0
"""Cameras for an arm that somebody else moves: renders what they would see of the joints in joint_states.

With ros2_control's mock hardware, a Franka that is simulated behind its own protocol, or a real arm without cameras, the
rest of the graph runs as in a lab.
"""

from typing import NoReturn

import numpy as np
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64, String

from genima.robots.profile import RobotProfile
from genima.robots.urdf import to_urdf
from genima.tasks.registry import find_task
from genima_msgs.msg import EpisodeStatus
from genima_msgs.srv import ResetEpisode
from genima_ros.conversions.messages import stamp
from genima_ros.core import qos
from genima_ros.core.diagnostics import refuse
from genima_ros.core.parameters import declare
from genima_ros.core.run import run
from genima_ros.core.sturdy import SturdyNode
from genima_ros.inputs.joint_states import JointStates, StaleJointsError
from genima_ros.sim.outputs import SceneOutputs, scene_fields

JOINT_AGE_S = 0.5
STATUS_STEPS = 10  # joint states: 10 Hz
FRAME_STEPS = 5  # 20 Hz


class MirrorNode(SturdyNode):
    """Draws the arm, the table and a task's objects: they stay where they are, or with `contacts` the fingers move them."""

    def __init__(self) -> None:
        super().__init__('mirror_node')
        robot = declare(self, 'robot', 'panda', 'Robot profile: a name in config/robots or a file.')
        seed = declare(self, 'seed', 0, 'Seed of the scene.', between=(0, 2**31 - 1))
        rate_hz = declare(
            self, 'image_rate_hz', 10.0, 'Images per second and camera [Hz]; 0: none.', between=(0.0, 30.0)
        )
        mock = declare(self, 'mock_hardware', False, "Publish robot_description, with ros2_control's mock hardware in it.")
        contacts = declare(self, 'contacts', False, 'Step the physics of fingers and objects; ~/reset sets the scene.')
        task = declare(self, 'task', '', 'Task whose objects lie there; empty: the default.')
        profile = RobotProfile.load(robot)
        self._load(profile, seed, task)
        if mock:
            self._description = self.create_publisher(String, 'robot_description', qos.LATCHED)
            self._description.publish(String(data=to_urdf(profile, mock_hardware=True)))
        self._joints = JointStates(self._simulation.profile, JOINT_AGE_S)
        self._gripper_open = 1.0
        self._seed, self._stepped = seed, 0
        self._done = False
        self._begun_s: float | None = None
        self.create_subscription(JointState, 'joint_states', self._on_joints, qos.COMMAND if contacts else qos.NEWEST)
        self.create_subscription(Float64, 'gripper/command', self._on_gripper, qos.COMMAND)
        self._contacts = contacts
        if contacts:
            self._episode = self.create_publisher(EpisodeStatus, 'episode', qos.LATCHED)
            self.create_service(ResetEpisode, '~/reset', self._on_reset)
        if rate_hz > 0.0:
            self.create_timer(1.0 / rate_hz, self._draw)

    def _load(self, profile: RobotProfile, seed: int, task: str) -> None:
        from genima.sim.followed import Followed
        from genima.sim.simulation import Simulation  # MuJoCo and its renderer take a moment; Ctrl-C works meanwhile

        self._simulation = Simulation(profile, seed, task=find_task(task))
        self._followed = Followed(self._simulation)
        self._still = self._simulation.state()
        self._outputs = SceneOutputs(self, self._simulation)
        self.get_logger().info(f'mirror of {profile.name} ready: cameras {", ".join(self._simulation.cameras)}')

    def close(self) -> None:
        """Free the renderer."""
        self._simulation.close()

    def _now_s(self) -> float:
        return 1e-9 * self.get_clock().now().nanoseconds

    def _on_joints(self, message: JointState) -> None:
        self._joints.add(message.name, message.position, message.header.stamp)
        if not self._contacts:
            return
        try:
            q_rad, stamp_s = self._joints.arm(self._now_s())
        except StaleJointsError:
            return  # the next one may be complete
        if self._begun_s is None:
            self._set_scene(q_rad, stamp_s)
        self._followed.follow(stamp_s, q_rad)
        self._done = self._done or self._simulation.success()
        self._stepped += 1
        if self._stepped % FRAME_STEPS == 0:
            self._outputs.frames(self._joints.stamp_of(stamp_s))
        if self._stepped % STATUS_STEPS == 0:
            self._report(stamp_s)

    def _on_gripper(self, message: Float64) -> None:
        self._gripper_open = min(1.0, max(0.0, float(message.data)))
        self._simulation.command_gripper(self._gripper_open)

    def _set_scene(self, q_rad: np.ndarray, stamp_s: float) -> None:
        """Put the objects where the seed has them, under the arm as it stands."""
        state = self._simulation.task.reset(np.random.default_rng(self._seed))
        self._followed.begin(stamp_s, q_rad, self._gripper_open, state)
        self._begun_s, self._done = stamp_s, False

    def _on_reset(self, request: ResetEpisode.Request, response: ResetEpisode.Response) -> ResetEpisode.Response:
        try:
            if request.seed < 0:
                raise StaleJointsError(f'seed must be >= 0, got {request.seed}')
            q_rad, stamp_s = self._joints.arm(self._now_s())
        except StaleJointsError as error:
            response.success, response.message = False, str(error)
            return response
        self._seed = request.seed
        self._set_scene(q_rad, stamp_s)
        response.success, response.message = True, f'the objects of seed {request.seed} are on the table'
        return response

    def _report(self, stamp_s: float) -> None:
        assert self._begun_s is not None
        message = EpisodeStatus(
            seed=self._seed,
            elapsed_s=stamp_s - self._begun_s,
            **scene_fields(self._simulation),
            success=bool(self._simulation.success()),
            done=bool(self._done),
        )
        message.header.stamp = stamp(stamp_s)
        message.header.frame_id = self._simulation.profile.base_link
        self._episode.publish(message)

    def _draw(self) -> None:
        try:
            q_rad, stamp_s = self._joints.arm(self._now_s())
        except StaleJointsError as error:
            refuse(self, 'joint states', f'nothing to show: {error}')
            return
        observed = self._joints.stamp_of(stamp_s)
        if not self._contacts:
            self._simulation.show(q_rad, self._gripper_open, self._still)
            self._outputs.frames(observed)
        self._outputs.images(observed)


def main() -> NoReturn:
    """Run the node."""
    run(MirrorNode)


if __name__ == '__main__':
    main()
