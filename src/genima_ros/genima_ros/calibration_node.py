# SPDX-License-Identifier: Apache-2.0
"""Puts calibrated cameras into tf_static, under their robot links, and never gives a frame a second parent."""

from functools import partial
from typing import NoReturn

from sensor_msgs.msg import CameraInfo
from tf2_ros import StaticTransformBroadcaster, TransformListener

from genima.calibration.mounting import UnknownLinkError, edge_for, lens_disagreement, read_folder
from genima.calibration.verdict import judge, load_thresholds
from genima.errors import GenimaError
from genima.rig.rig import info_topic
from genima_ros.conversions.frames import FrameTree, optical_frame, refuse_frame, transform_messages
from genima_ros.conversions.messages import camera_model
from genima_ros.core import qos
from genima_ros.core.diagnostics import refuse
from genima_ros.core.parameters import declare
from genima_ros.core.run import run
from genima_ros.core.sturdy import SturdyNode


class CalibrationNode(SturdyNode):
    """Listens to tf and camera_info for a moment, then publishes what is missing in tf_static. It offers nothing else."""

    def __init__(self) -> None:
        super().__init__('calibration_node')
        folder = declare(self, 'folder', '', 'Folder of calibration files, as genima calibrate hand-eye writes them.')
        wait_s = declare(self, 'wait_s', 3.0, 'How long to listen before a frame is published [s].', between=(0.1, 60.0))
        self._limit_px = declare(
            self, 'max_lens_difference_px', 1.0, 'Warn if camera_info differs by more [px].', between=(0.0, 1000.0)
        )
        self._waiting = read_folder(folder)
        self._calibrations = dict(self._waiting)
        self._frames = FrameTree(partial(refuse_frame, self), self._on_edge)
        self._names: dict[str, str] = {}  # of the optical frames, by camera
        self._edges: dict[str, str] = {}  # what this node publishes: parent by child
        self._broadcaster = StaticTransformBroadcaster(self)
        TransformListener(self._frames, self)
        for name in self._waiting:
            self.create_subscription(CameraInfo, info_topic(name), lambda m, name=name: self._on_info(name, m), qos.NEWEST)
        for name, calibration in self._calibrations.items():
            for finding in judge(calibration, load_thresholds()):
                if not finding.ok:
                    self.get_logger().warning(f'{name}: {finding.text}')
        self.create_timer(wait_s, self._publish)
        self.get_logger().info(
            f'calibration of {", ".join(self._waiting)} from {folder}; listening {wait_s:.1f} s first'
        )

    def _on_edge(self, child: str, parent: str) -> None:
        mine = self._edges.get(child)
        if mine is not None and mine != parent:
            self.get_logger().error(
                f'{child} now has two parents: {mine} from here and {parent} from someone else; stop one of the two',
                throttle_duration_sec=10.0,
            )

    def _on_info(self, camera: str, message: CameraInfo) -> None:
        if camera in self._names:
            return
        self._names[camera] = message.header.frame_id or optical_frame(camera)
        try:
            published = camera_model(message, camera, info_topic(camera))
            reason = lens_disagreement(self._calibrations[camera].camera.model, published, self._limit_px)
        except GenimaError as error:
            reason = str(error)
        if reason:
            self.get_logger().warning(f'{camera}: {reason}')

    def _publish(self) -> None:
        """Publish the cameras whose place in tf is now certain; refuse those that have one."""
        edges, tree = [], self._frames.snapshot()
        for name, calibration in list(self._waiting.items()):
            frame = self._names.get(name, optical_frame(name))
            try:
                parent, child, T_parent_child = edge_for(calibration, frame, tree)
                if child in self._edges:
                    raise GenimaError(
                        f'{child} got the parent {self._edges[child]} from another file; keep one'
                    )
            except UnknownLinkError as error:
                self.get_logger().warning(f'{name}: waiting: {error}', throttle_duration_sec=10.0)
                continue
            except GenimaError as error:
                refuse(self, f'calibration of {name}', f'not published: {error}', severe=True)
                del self._waiting[name]
                continue
            del self._waiting[name]
            self._edges[child] = parent
            edges.append((parent, child, T_parent_child))
            heard = '' if name in self._names else f' (no camera_info on {info_topic(name)} yet: its usual frame)'
            self.get_logger().info(f'{name}: {parent} -> {child}, calibration {calibration.id} of {calibration.date}{heard}')
        if edges:
            self._broadcaster.sendTransform(transform_messages(edges, 1e-9 * self.get_clock().now().nanoseconds))


def main() -> NoReturn:
    """Run the node."""
    run(CalibrationNode)


if __name__ == '__main__':
    main()
