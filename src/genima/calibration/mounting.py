# SPDX-License-Identifier: Apache-2.0
"""A calibration on a live graph: which edge of tf it becomes, and whether the driver's camera_info says the same."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genima.calibration.camera_info import read_yaml
from genima.calibration.file import CameraCalibration, read_calibration
from genima.calibration.lens_file import is_lens_file
from genima.calibration.poses import difference
from genima.cameras import distortion
from genima.cameras.model import CameraModel
from genima.cameras.tree import PoseTree
from genima.errors import CalibrationError
from genima.robots.transforms import inverse

GRID = 12  # places on each side of the picture where two lenses are compared


class UnknownLinkError(CalibrationError):
    """The robot's link is not in tf yet, so that nobody can say whether the camera hangs on it already."""


def read_folder(folder: Path | str) -> dict[str, CameraCalibration]:
    """Return all calibrations of a folder by the name of the camera; files that only have intrinsics are passed over.

    Raises:
        CalibrationError: if the folder is missing or has none, a file is damaged, or two are of the same camera.
    """
    found: dict[str, CameraCalibration] = {}
    for path in sorted(Path(folder).glob('*.yaml')):
        if is_lens_file(read_yaml(path)):
            continue
        calibration = read_calibration(path)
        if calibration.name in found:
            raise CalibrationError(f"{path}: another file of this folder calibrates camera '{calibration.name}'; keep one")
        found[calibration.name] = calibration
    if not found:
        raise CalibrationError(f'{folder}: no calibration with a pose (*.yaml); run genima calibrate hand-eye')
    return found


def edge_for(calibration: CameraCalibration, frame: str, tree: PoseTree) -> tuple[str, str, NDArray[np.float64]]:
    """Return the edge of tf (parent, child, T_parent_child) that gives a camera its place.

    The child is the optical frame. Where a driver has a tree of its own under which that frame hangs, the child is the
    root of that tree, so that no frame gets a second parent.

    Args:
        calibration: Of the camera.
        frame: Its optical frame.
        tree: What tf says so far.

    Raises:
        CalibrationError: if the camera hangs on the robot already; says how far from the calibration.
        UnknownLinkError: if that cannot be told yet.
    """
    link, T_link_frame = calibration.camera.parent_link, calibration.camera.T_parent_camera
    root, T_root_frame = tree.to_root(frame)
    if root == frame and root != tree.to_root(link)[0]:
        return link, frame, T_link_frame
    if not tree.knows(link):
        raise UnknownLinkError(f"{frame} hangs on {root}, and link '{link}' is not in tf yet; does the robot's driver run?")
    if root == tree.to_root(link)[0]:
        d = difference(T_link_frame, tree.lookup(link, frame))
        raise CalibrationError(
            f"camera '{calibration.name}': {frame} already has the parent {tree.parent(frame)}, which puts it "
            f'{1e3 * np.linalg.norm(d[:3]):.1f} mm and {np.degrees(np.linalg.norm(d[3:])):.2f} degrees from the calibration'
            '; stop whoever publishes that, or take the file away'
        )
    return link, root, T_link_frame @ inverse(T_root_frame)


def lens_disagreement(calibrated: CameraModel, published: CameraModel, limit_px: float) -> str | None:
    """Return in what a driver's camera_info differs from a calibration, None if it is the same lens within `limit_px`."""
    one, other = ((camera.width_px, camera.height_px) for camera in (calibrated, published))
    if one != other:
        return (
            f'pictures have {other[0]}x{other[1]} px, the calibration is for {one[0]}x{one[1]}; set the driver to that mode'
        )
    difference_px = largest_difference_px(calibrated, published)
    if difference_px <= limit_px:
        return None
    numbers = ' and '.join(f'fx {K[0, 0]:.1f} cx {K[0, 2]:.1f} cy {K[1, 2]:.1f}' for K in (published.K, calibrated.K))
    return (
        f'camera_info and calibration show a thing up to {difference_px:.1f} px apart (allowed {limit_px:g}; {numbers})'
        '; give the calibration file to the driver as its camera_info_url'
    )


def largest_difference_px(calibrated: CameraModel, published: CameraModel) -> float:
    """Return how far apart two lenses of the same picture size show the same direction, at most, anywhere in the picture.

    Infinite where one of them shows a direction that the other cannot.
    """
    u, v = np.meshgrid(np.linspace(0, calibrated.width_px - 1, GRID), np.linspace(0, calibrated.height_px - 1, GRID))
    pixels = np.stack([u, v], axis=-1)
    flat = (pixels - calibrated.K[:2, 2]) / calibrated.K[[0, 1], [0, 1]]
    rays = distortion.to_rays(calibrated.model, calibrated.D, flat)
    shown = rays.any(axis=-1)
    distances = np.linalg.norm(published.project(rays[shown])[0] - pixels[shown], axis=-1)
    return float(np.max(np.nan_to_num(distances, nan=np.inf), initial=0.0))
