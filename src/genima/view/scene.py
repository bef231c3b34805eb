# SPDX-License-Identifier: Apache-2.0
"""A robot at work, as rerun shows it: links, cameras with the predicted spheres, the path of a chunk, joints, guard."""

from collections.abc import Sequence

import cv2
import numpy as np
import rerun as rr

from genima.cameras.model import CameraModel
from genima.chunks.plan import Chunk
from genima.contract.spec import PolicySpec
from genima.contract.targets import shown_in
from genima.robots.kinematics import tcp_pose
from genima.robots.profile import RobotProfile
from genima.robots.transforms import inverse
from genima.spheres.outline import outline_px
from genima.spheres.scene import Sphere, target_scene
from genima.view import layout
from genima.view.robot import ROOT, log_pose, log_shapes, placed
from genima.view.screen import Screen

JPEG_QUALITY = 90
INTENTION_S = 0.5  # an older one must not look like the present one
FRUSTUM_M = 0.15
AXIS_M = 0.08
PATH_RGB, PATH_M = (40, 215, 255), 0.004
MEASURED_RGB, CHUNK_RGB = (90, 160, 240), (250, 180, 60)


class Scene:
    """Logs what is known of a robot; times are ROS time.

    Args:
        screen: where to.
        spec: contract that says which spheres are shown, how far ahead, and in which camera.
        profile: the robot.
    """

    def __init__(self, screen: Screen, spec: PolicySpec, profile: RobotProfile) -> None:
        self.spec, self.profile = spec, profile
        self._screen = screen
        self._spheres: list[Sphere] = []
        self._spheres_s = float('-inf')
        self._cameras: dict[str, CameraModel] = {}
        self._guard: tuple[str, ...] | None = None
        self._target = False
        log_shapes(screen, profile)
        for joint in profile.arm_joints:
            self._screen.log(f'joints/{joint}/measured', layout.series('measured', MEASURED_RGB, 2.0), static=True)
            self._screen.log(f'joints/{joint}/chunk', layout.series('next of the chunk', CHUNK_RGB, 1.5), static=True)
        self._arrange()

    def joints(self, time_s: float, q_rad: np.ndarray, gripper_open: float) -> None:
        """Show measured positions (n,) and an opening in [0, 1]."""
        self._forget(time_s)
        log_pose(self._screen, self.profile, q_rad, gripper_open)
        for joint, position in zip(self.profile.arm_joints, q_rad.tolist(), strict=True):
            self._screen.log(f'joints/{joint}/measured', rr.Scalars(position))
        self._screen.log('gripper/measured', rr.Scalars(gripper_open))

    def picture(self, time_s: float, camera: CameraModel, T_base_camera: np.ndarray | None, pixels: np.ndarray) -> None:
        """Show a picture (H, W, 3) uint8 RGB with the outlines of the spheres.

        Args:
            time_s: when it was taken [s].
            camera: that took it.
            T_base_camera: (4, 4) where it was then; None where that is not known.
            pixels: of the picture.
        """
        entity = f'cameras/{camera.name}'
        if self._cameras.get(camera.name) != camera:
            self._cameras[camera.name] = camera
            size = [camera.width_px, camera.height_px]
            lens = rr.Pinhole(image_from_camera=camera.K, resolution=size, image_plane_distance=FRUSTUM_M)
            self._screen.log(entity, lens, static=True)
            self._arrange()
        self._forget(time_s)
        if T_base_camera is not None:
            self._screen.log(entity, placed(T_base_camera))
            self._outline(camera, T_base_camera)
        self._screen.log(f'{entity}/picture', encoded(pixels))

    def chunk(self, chunk: Chunk) -> None:
        """Show where the arm is about to go: spheres at the horizon, path of the tool centre point, next joint targets."""
        last = min(self.spec.horizon_steps, len(chunk.q_rad)) - 1
        opening = float(np.nan_to_num(chunk.gripper_open[last], nan=1.0))
        self._spheres = target_scene(self.spec.spheres, self.profile, chunk.q_rad[last], opening)
        self._spheres_s = chunk.stamp_s
        self._screen.at(chunk.stamp_s)
        centres = np.array([sphere.T_base_sphere[:3, 3] for sphere in self._spheres])
        radii, colors = [sphere.radius_m for sphere in self._spheres], [sphere.color_rgb for sphere in self._spheres]
        labels = [sphere.name for sphere in self._spheres]
        balls = rr.Points3D(centres, radii=radii, colors=colors, labels=labels, show_labels=False)
        self._screen.log('intention/spheres', balls)
        path = tcp_pose(self.profile, chunk.q_rad)[:, :3, 3]
        self._screen.log('intention/path', rr.LineStrips3D([path], radii=[PATH_M], colors=[PATH_RGB]))
        self._screen.at(chunk.stamp_s + chunk.dt_s)
        for joint, position in zip(self.profile.arm_joints, chunk.q_rad[0].tolist(), strict=True):
            self._screen.log(f'joints/{joint}/chunk', rr.Scalars(position))

    def guard(self, time_s: float, state: str, reasons: Sequence[str]) -> None:
        """Show what the guard says, where it changed."""
        if (state, *reasons) == self._guard:
            return
        self._guard = (state, *reasons)
        self._screen.at(time_s)
        self._screen.log('guard/state', rr.StateChange(state=state))
        self._screen.log('guard/reasons', rr.TextDocument('\n'.join([state, *reasons])))

    def target(self, time_s: float, pixels: np.ndarray) -> None:
        """Show a painted target image (H, W, 3) uint8 RGB."""
        if not self._target:
            self._target = True
            self._arrange()
        self._screen.at(time_s)
        self._screen.log(layout.TARGET, encoded(pixels))

    def frame(self, time_s: float, name: str, link: str, T_link_frame: np.ndarray) -> None:
        """Show a frame of tf as axes that go with the link that carries it."""
        self._screen.at(time_s)
        self._screen.log(f'{ROOT}/{link}/{name}', placed(T_link_frame), rr.TransformAxes3D(AXIS_M))

    def _forget(self, time_s: float) -> None:
        """Take an intention away that is too old, and leave the time at `time_s`."""
        self._screen.at(time_s)
        if self._spheres and time_s - self._spheres_s > INTENTION_S:
            self._spheres = []
            self._screen.log('intention', rr.Clear(recursive=True))

    def _outline(self, camera: CameraModel, T_base_camera: np.ndarray) -> None:
        shown = shown_in(self.spec, camera.name, self._spheres)
        lines = [outline_px(camera, inverse(T_base_camera), sphere) for sphere in shown]
        drawn = [(line, sphere) for line, sphere in zip(lines, shown, strict=True) if len(line)]
        strips = rr.LineStrips2D(
            [line for line, _ in drawn], colors=[sphere.color_rgb for _, sphere in drawn], radii=[rr.Radius.ui_points(2.0)]
        )
        self._screen.log(f'cameras/{camera.name}/spheres', strips)

    def _arrange(self) -> None:
        self._screen.arrange(layout.arrangement(self.profile.arm_joints, list(self._cameras), self._target))


def encoded(pixels: np.ndarray) -> rr.EncodedImage:
    """Return a picture (H, W, 3) uint8 RGB as JPEG: a minute of four cameras fits into a file that one can send."""
    _, code = cv2.imencode('.jpg', pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return rr.EncodedImage(contents=code.tobytes(), media_type='image/jpeg')
