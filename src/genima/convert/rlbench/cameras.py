# SPDX-License-Identifier: Apache-2.0
"""Calibration of RLBench's cameras in our conventions.

PyRep gives the pose of a camera in the world with x to the left, y up and z forward, and to that a camera matrix with
negative focal lengths, -width / (2 tan(angle / 2)), so that u = fx x/z + cx still grows to the right (PyRep 8f420be,
pyrep/objects/vision_sensor.py, `get_intrinsic_matrix` and `pointcloud_from_depth_and_camera_params`). Turned by 180 degrees
about z, x points right, y down, and the focal lengths are positive, as OpenCV and ROS have it. Its principal point is width
/ 2: pictures of OpenGL are symmetric about the optical axis, so with pixel centres at whole numbers it is (width - 1) / 2.
"""

import numpy as np
from scipy.spatial.transform import Rotation

from genima.cameras.model import CameraModel, MountedCamera
from genima.convert.rlbench.demo import Demo
from genima.errors import DatasetError
from genima.robots.kinematics import link_poses
from genima.robots.profile import RobotProfile

T_WORLD_BASE = np.array([[1, 0, 0, -0.267962], [0, 1, 0, -0.006392], [0, 0, 1, 0.750032], [0, 0, 0, 1]], dtype=float)
"""Where the Panda stands in RLBench: urdfs/panda/panda.urdf, frame of Pandajoint1, 0.333 m below it."""

BASE_TOLERANCE_M, MOUNT_TOLERANCE_M, MOUNT_TOLERANCE_RAD = 0.01, 0.01, 0.02
_TURN = np.diag([-1.0, -1.0, 1.0, 1.0])
_FORWARD_TOLERANCE = 1e-6


def mounted_cameras(demo: Demo, robot: RobotProfile, q_rad: np.ndarray, size_px: dict[str, tuple[int, int]]) -> dict[
    str, MountedCamera
]:  # fmt: skip
    """Return the cameras of a demonstration that it has the calibration of; the one at the wrist is mounted on the hand.

    Args:
        demo: The demonstration.
        robot: The Panda.
        q_rad: (T, 7) joint positions of the observations.
        size_px: Camera to width and height of its pictures.

    Raises:
        DatasetError: if the robot is not where it should be, a camera moves, or its matrix does not fit its pictures.
    """
    poses = link_poses(robot, q_rad)
    T_world_base = base_pose(demo, robot, poses)
    cameras = {}
    for name in demo.cameras:
        T_world_camera = demo.misc(f'{name}_camera_extrinsics', 4, 4)
        matrices = demo.misc(f'{name}_camera_intrinsics', 3, 3)
        if T_world_camera is None or matrices is None:
            continue
        link = robot.link(robot.gripper.tcp_link).parent if name == 'wrist' else robot.base_link
        assert link is not None  # a tool is fixed to something
        T_link_camera = np.linalg.inv(T_world_base @ poses[link]) @ T_world_camera @ _TURN
        cameras[name] = MountedCamera(_model(demo, name, matrices, size_px[name]), link, _mean(demo, name, T_link_camera))
    return cameras


def base_pose(demo: Demo, robot: RobotProfile, poses: dict[str, np.ndarray]) -> np.ndarray:
    """Return T_world_base (4, 4): from the joints' positions in the world where they are stored, RLBench's own otherwise.

    Raises:
        DatasetError: if the joints are not where forward kinematics has them.
    """
    found = demo.misc('joint_poses', robot.n_joints, 7)
    if found is None:
        return T_WORLD_BASE
    links = [link.name for link in robot.links if link.joint is not None and link.joint.name in robot.arm_joints]
    base = np.stack([poses[link][:, :3, 3] for link in links], axis=1).reshape(-1, 3)
    world = found[:, :, :3].reshape(-1, 3)
    rotation, _ = Rotation.align_vectors(world - world.mean(axis=0), base - base.mean(axis=0))
    T = np.eye(4)
    T[:3, :3] = rotation.as_matrix()
    T[:3, 3] = world.mean(axis=0) - T[:3, :3] @ base.mean(axis=0)
    error_m = float(np.linalg.norm(base @ T[:3, :3].T + T[:3, 3] - world, axis=1).max())
    if error_m > BASE_TOLERANCE_M:
        raise DatasetError(
            f'{demo.folder}: joints are up to {error_m * 1e3:.0f} mm from where robot {robot.name} has them '
            f'({BASE_TOLERANCE_M * 1e3:.0f} mm are allowed): was it recorded with another robot?'
        )
    return T


def _model(demo: Demo, name: str, matrices: np.ndarray, size_px: tuple[int, int]) -> CameraModel:
    width, height = size_px
    K = matrices[0] * np.array([[-1.0, 1, 1], [1, -1.0, 1], [1, 1, 1]])
    centre = np.array([width / 2, height / 2])
    if np.abs(matrices - matrices[0]).max() > _FORWARD_TOLERANCE or np.abs(K[:2, 2] - centre).max() > _FORWARD_TOLERANCE:
        raise DatasetError(
            f'{demo.folder}: the matrix of camera {name} changes, or has its centre at {K[:2, 2].tolist()} where that of '
            f'pictures of {width}x{height} is {centre.tolist()}: were the pictures resized?'
        )
    K[:2, 2] -= 0.5
    return CameraModel(name, width, height, K)


def _mean(demo: Demo, name: str, T_link_camera: np.ndarray) -> np.ndarray:
    """Return the mean of poses (T, 4, 4) that should be one and the same."""
    rotations = Rotation.from_matrix(T_link_camera[:, :3, :3])
    mean_rotation, mean_m = rotations.mean(), T_link_camera[:, :3, 3].mean(axis=0)
    off_m = float(np.linalg.norm(T_link_camera[:, :3, 3] - mean_m, axis=1).max())
    off_rad = float((mean_rotation.inv() * rotations).magnitude().max())
    if off_m > MOUNT_TOLERANCE_M or off_rad > MOUNT_TOLERANCE_RAD:
        raise DatasetError(
            f'{demo.folder}: camera {name} moves by {off_m * 1e3:.0f} mm and {off_rad:.3f} rad relative to what carries it; '
            f'{MOUNT_TOLERANCE_M * 1e3:.0f} mm and {MOUNT_TOLERANCE_RAD} rad are allowed'
        )
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = mean_rotation.as_matrix(), mean_m
    return T
