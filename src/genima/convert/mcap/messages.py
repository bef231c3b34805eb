# SPDX-License-Identifier: Apache-2.0
"""Messages to write into a recording, as CDR and without ROS."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from genima.align.grid import NS_PER_S, to_nanoseconds
from genima.cameras.model import CameraModel
from genima.recording.rosbag2 import Topic, qos_text
from genima.recording.schemas import ACTION_CHUNK as ACTION_CHUNK
from genima.recording.schemas import CONTROLLER_STATE, POINTS
from genima.recording.schemas import standard_store as _store

_MULTI_DOF_POINT = 'trajectory_msgs/msg/MultiDOFJointTrajectoryPoint'


def topic(name: str, kind: str, latched: bool = False) -> Topic:
    """Return the description of a topic to write, `kind` being 'sensor_msgs/msg/Image' and the like."""
    return Topic(name, kind, _store().generate_msgdef(kind, ros_version=2)[0], qos_text(10, reliable=True, latched=latched))


def cdr(kind: str, **fields: Any) -> bytes:
    """Return a message with these fields, all of them, as CDR."""
    return bytes(_store().serialize_cdr(_store().types[kind](**fields), kind))


def part(kind: str, **fields: Any) -> Any:
    """Return a message to be part of another one."""
    return _store().types[kind](**fields)


def header(time_s: float, frame: str = '') -> Any:
    """Return a std_msgs/Header."""
    sec, nanosec = divmod(to_nanoseconds(time_s), NS_PER_S)
    return part('std_msgs/msg/Header', stamp=part('builtin_interfaces/msg/Time', sec=sec, nanosec=nanosec), frame_id=frame)


def point(positions: np.ndarray, after_s: float = 0.0) -> Any:
    """Return a trajectory_msgs/JointTrajectoryPoint with positions (n,) only."""
    sec, nanosec = divmod(to_nanoseconds(after_s), NS_PER_S)
    none = np.zeros(0)
    return part(
        'trajectory_msgs/msg/JointTrajectoryPoint',
        positions=np.asarray(positions, dtype=np.float64),
        velocities=none,
        accelerations=none,
        effort=none,
        time_from_start=part('builtin_interfaces/msg/Duration', sec=sec, nanosec=nanosec),
    )


def transform(time_s: float, parent: str, child: str, T_parent_child: np.ndarray) -> Any:
    """Return a geometry_msgs/TransformStamped."""
    x, y, z, w = Rotation.from_matrix(T_parent_child[:3, :3]).as_quat().tolist()
    shift = dict(zip('xyz', T_parent_child[:3, 3].tolist(), strict=True))
    return part(
        'geometry_msgs/msg/TransformStamped',
        header=header(time_s, parent),
        child_frame_id=child,
        transform=part(
            'geometry_msgs/msg/Transform',
            translation=part('geometry_msgs/msg/Vector3', **shift),
            rotation=part('geometry_msgs/msg/Quaternion', x=x, y=y, z=z, w=w),
        ),
    )


def image(pixels: np.ndarray, time_s: float, frame: str) -> bytes:
    """Return an rgb8 sensor_msgs/Image of a picture (H, W, 3) as CDR."""
    height, width, _ = pixels.shape
    return cdr(
        'sensor_msgs/msg/Image',
        header=header(time_s, frame),
        height=height,
        width=width,
        encoding='rgb8',
        is_bigendian=0,
        step=3 * width,
        data=np.ascontiguousarray(pixels).ravel(),
    )


def camera_info(camera: CameraModel, time_s: float, frame: str) -> bytes:
    """Return the sensor_msgs/CameraInfo of a camera as CDR."""
    K = np.asarray(camera.K, dtype=np.float64)
    pinhole = camera.model == 'pinhole'
    return cdr(
        'sensor_msgs/msg/CameraInfo',
        header=header(time_s, frame),
        height=camera.height_px,
        width=camera.width_px,
        distortion_model='plumb_bob' if pinhole else camera.model,
        d=np.zeros(5) if pinhole else np.asarray(camera.D, dtype=np.float64),
        k=K.ravel(),
        r=np.eye(3).ravel(),
        p=np.hstack([K, np.zeros((3, 1))]).ravel(),
        binning_x=0,
        binning_y=0,
        roi=part('sensor_msgs/msg/RegionOfInterest', x_offset=0, y_offset=0, height=0, width=0, do_rectify=False),
    )


def joint_state(time_s: float, names: Sequence[str], positions: np.ndarray) -> bytes:
    """Return a sensor_msgs/JointState with positions only as CDR."""
    return cdr(
        'sensor_msgs/msg/JointState',
        header=header(time_s),
        name=list(names),
        position=np.asarray(positions, dtype=np.float64),
        velocity=np.zeros(0),
        effort=np.zeros(0),
    )


def controller_state(time_s: float, names: Sequence[str], q_command_rad: np.ndarray) -> bytes:
    """Return a control_msgs/JointTrajectoryControllerState with its reference only as CDR."""
    nothing, zero = point(np.zeros(0)), part('builtin_interfaces/msg/Duration', sec=0, nanosec=0)
    none = part(_MULTI_DOF_POINT, transforms=[], velocities=[], accelerations=[], time_from_start=zero)
    return cdr(
        CONTROLLER_STATE,
        header=header(time_s),
        joint_names=list(names),
        reference=point(q_command_rad),
        multi_dof_joint_names=[],
        **dict.fromkeys(('feedback', 'error', 'output'), nothing),
        **{f'multi_dof_{name}': none for name in POINTS},
        speed_scaling_factor=1.0,
    )
