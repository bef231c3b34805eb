# SPDX-License-Identifier: Apache-2.0
"""A second opinion before the arm moves: are the painted spheres where the chunk takes the arm?"""

from typing import NoReturn

from sensor_msgs.msg import CameraInfo, JointState

from genima.cameras.model import MountedCamera
from genima.cameras.views import untile
from genima.collision.obstacles import Obstacles
from genima.contract.spec import PolicySpec
from genima.errors import CalibrationError, GenimaError
from genima.guard.target_check import LIMIT_M, TargetCheck, check_target
from genima.guard.workspace import Workspace
from genima.rig.rig import info_topic
from genima.robots.profile import RobotProfile
from genima.spheres.render import compile_kernels
from genima_msgs.msg import ActionChunk, TargetImage
from genima_msgs.msg import TargetCheck as TargetCheckMessage
from genima_ros.conversions.frames import listen_to_frames
from genima_ros.conversions.images import image_array
from genima_ros.conversions.messages import camera_model, seconds
from genima_ros.conversions.trajectories import chunk_from_message
from genima_ros.core import qos
from genima_ros.core.diagnostics import refuse
from genima_ros.core.parameters import declare
from genima_ros.core.run import run
from genima_ros.core.sturdy import SturdyNode
from genima_ros.core.worker import LatestWorker
from genima_ros.inputs.joint_states import JointStates

JOINT_AGE_S = 1.0


class TargetCheckNode(SturdyNode):
    """Compares each chunk with the newest target image, in a thread of its own; the guard listens to the verdict."""

    def __init__(self) -> None:
        super().__init__('target_check_node')
        policy = declare(self, 'policy', '', 'Policy directory; its contract says which spheres and cameras.')
        robot = declare(self, 'robot', '', 'Robot profile (name or file); empty: the one that the policy names.')
        self._limit_m = declare(
            self, 'limit_m', LIMIT_M, 'Median distance of the spheres above which a check fails [m].', between=(0.001, 1.0)
        )
        self._patience = declare(self, 'in_a_row', 3, 'Failed checks one after another that hold the arm.', between=(1, 50))
        boxes = declare(self, 'obstacles', 'table', 'Where no sphere may be: a name in config/obstacles or a file.')
        self._obstacles = Obstacles.load(boxes)
        self.spec = PolicySpec.load(policy)
        self.profile = RobotProfile.load(robot or self.spec.robot)
        self.spec.check_robot(self.profile)
        self._frames = listen_to_frames(self)
        self._infos: dict[str, CameraInfo] = {}
        self._joints = JointStates(self.profile, JOINT_AGE_S)
        self._target: TargetImage | None = None
        self._failed = 0
        self._verdict = self.create_publisher(TargetCheckMessage, 'target_check', qos.COMMAND)
        compile_kernels()
        self._worker = LatestWorker(self._check, 'target check')
        self.create_subscription(JointState, 'joint_states', self._on_joints, qos.NEWEST)
        self.create_subscription(TargetImage, 'target_image', self._on_target, qos.COMMAND)
        self.create_subscription(ActionChunk, 'action_chunk', self._worker.submit, qos.COMMAND)
        for name in self.spec.cameras:
            self.create_subscription(CameraInfo, info_topic(name), lambda m, name=name: self._on_info(name, m), qos.NEWEST)
        one = '; one camera: compared across its view, nothing is known along its line of sight'
        across = one if len(self.spec.cameras) == 1 else ''
        self.get_logger().info(f'target check ready: {self.profile.name}, limit {1e3 * self._limit_m:.0f} mm{across}')

    def close(self) -> None:
        """Let the check at hand end, for a moment."""
        self._worker.close()

    def _on_joints(self, message: JointState) -> None:
        self._joints.add(message.name, message.position, message.header.stamp)

    def _on_target(self, message: TargetImage) -> None:
        self._target = message

    def _on_info(self, camera: str, message: CameraInfo) -> None:
        self._infos[camera] = message

    def _check(self, message: ActionChunk) -> None:
        target = self._target
        if target is None:
            return
        verdict = TargetCheckMessage(header=target.header, chunk=message.header.stamp, distance_m=float('inf'))
        try:
            check = self._compare(target, message)
            known = {s.name: float('inf') if s.distance_m is None else s.distance_m for s in check.spheres}
            verdict.spheres, verdict.distances_m = list(known), list(known.values())
            verdict.distance_m = float('inf') if check.distance_m is None else check.distance_m
            misplaced = check.misplaced(self._obstacles, Workspace(), self._limit_m)
            reason = misplaced or check.disagreement(self._limit_m)
        except GenimaError as error:
            reason = f'the target cannot be checked: {error}'
        self._failed = self._failed + 1 if reason else 0
        verdict.agrees = self._failed < self._patience
        verdict.reason = reason or ''
        if not self._worker.closing:
            self._verdict.publish(verdict)
        if not verdict.agrees:
            refuse(self, 'target', verdict.reason)

    def _compare(self, target: TargetImage, message: ActionChunk) -> TargetCheck:
        self.spec.require_same(target.contract, 'target_image')
        self.spec.require_same(message.contract, 'action_chunk')
        painted = untile(image_array(target.image, 'target_image'), len(self.spec.cameras))
        stamp_s = seconds(target.header.stamp)
        q_seen_rad = self._joints.arm_at(stamp_s)
        cameras = {name: self._mounted(name) for name in self.spec.cameras}
        chunk = chunk_from_message(message, self.profile)
        return check_target(self.spec, self.profile, cameras, painted, stamp_s, q_seen_rad, chunk)

    def _mounted(self, camera: str) -> MountedCamera:
        info = self._infos.get(camera)
        if info is None:
            raise CalibrationError(f'no calibration on {info_topic(camera)}')
        link, T_link_camera = self._frames.carrier(info.header.frame_id, self.profile.link_by_name)
        return MountedCamera(camera_model(info, camera, info_topic(camera)), link, T_link_camera)


def main() -> NoReturn:
    """Run the node."""
    run(TargetCheckNode)


if __name__ == '__main__':
    main()
