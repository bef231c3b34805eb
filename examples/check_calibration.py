# SPDX-License-Identifier: Apache-2.0
"""Check the calibration of a camera, and see what an error of it does to the image.

    python examples/check_calibration.py --file out/calibration/front.yaml
    python examples/check_calibration.py                # without a file: numbers of another tool are written as one
"""

from pathlib import Path

import numpy as np
import typer

from genima import CameraModel, GenimaError, MountedCamera, RobotProfile
from genima.calibration.file import CameraCalibration, now_text, read_calibration, write_calibration
from genima.calibration.verdict import judge, load_thresholds
from genima.robots.kinematics import tcp_pose
from genima.robots.transforms import inverse


def looking(from_m: np.ndarray, at_m: np.ndarray) -> np.ndarray:
    """Return the pose (4, 4) of an optical frame (x right, y down, z forward) that looks from a point at another."""
    forward = (at_m - from_m) / np.linalg.norm(at_m - from_m)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    T = np.eye(4)
    T[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    T[:3, 3] = from_m
    return T


def from_numbers(profile: RobotProfile, out: Path) -> Path:
    """Write a calibration from numbers that another tool gave, and return its path."""
    K = np.array([[615.0, 0.0, 319.5], [0.0, 615.0, 239.5], [0.0, 0.0, 1.0]])
    lens = CameraModel('front', 640, 480, K, np.array([0.04, -0.1, 0.0, 0.0, 0.0]), 'plumb_bob')
    T_base_camera = looking(from_m=np.array([1.4, 0.0, 0.9]), at_m=np.array([0.4, 0.0, 0.3]))
    mounted = MountedCamera(lens, profile.base_link, T_base_camera)
    write_calibration(out, CameraCalibration(mounted, now_text(), robot=profile.name))
    return out


def main(file: Path | None = None, robot: str = 'panda') -> None:
    """Judge a calibration, and print by how many pixels the TCP moves when the camera moves by 5 mm or 0.5 degrees."""
    profile = RobotProfile.load(robot)
    calibration = read_calibration(file or from_numbers(profile, Path('front.yaml')))
    print(f'{calibration.name}, calibration {calibration.id} of {calibration.date} on {calibration.camera.parent_link}')
    for finding in judge(calibration, load_thresholds()):
        print('  ok ' if finding.ok else '  NOT', finding.text)

    camera, home_rad = calibration.camera, profile.home_rad
    T_camera_base = inverse(camera.T_base_camera(profile, home_rad))
    tcp_m = (T_camera_base @ tcp_pose(profile, home_rad)[:, 3])[:3]
    pixel, depth_m = camera.model.project(tcp_m)
    if not np.isfinite(pixel).all():
        raise GenimaError(f'{calibration.name} does not see the TCP in the home pose: is its pose in the right frame?')
    print(f'the TCP at home is at pixel {np.round(pixel, 1)}, {depth_m:.2f} m away')
    shifted, _ = camera.model.project(tcp_m + np.array([0.005, 0.0, 0.0]))
    angle_rad = np.radians(0.5)
    turn = np.array([[np.cos(angle_rad), 0, np.sin(angle_rad)], [0, 1, 0], [-np.sin(angle_rad), 0, np.cos(angle_rad)]])
    turned, _ = camera.model.project(turn @ tcp_m)
    print(f'5 mm to the side moves it by {np.linalg.norm(shifted - pixel):.1f} px')
    print(f'a turn of 0.5 degrees moves it by {np.linalg.norm(turned - pixel):.1f} px')


if __name__ == '__main__':
    typer.run(main)
