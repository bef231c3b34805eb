# SPDX-License-Identifier: Apache-2.0
"""Which edge of tf a calibration becomes, and whether camera_info agrees with it."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from genima.calibration.camera_info import camera_info_to_dict
from genima.calibration.file import CameraCalibration, write_calibration
from genima.calibration.mounting import UnknownLinkError, edge_for, largest_difference_px, lens_disagreement, read_folder
from genima.calibration.poses import moved
from genima.cameras.model import CameraModel, MountedCamera
from genima.cameras.tree import PoseTree
from genima.errors import CalibrationError

K = np.array([[600.0, 0, 318], [0, 602, 243], [0, 0, 1]])
MODEL = CameraModel('front', 640, 480, K, np.array([0.1, -0.2, 0.001, -0.001, 0.05]), 'plumb_bob')
T = moved(np.eye(4), np.array([1.0, 0.2, 0.5, 0.3, -0.4, 2.0]))
CALIBRATION = CameraCalibration(MountedCamera(MODEL, 'hand', T), '2026-05-01T12:00:00Z')


def _tree(*edges: tuple[str, str, np.ndarray]) -> PoseTree:
    tree = PoseTree()
    for parent, child, pose in edges:
        x, y, z, w = Rotation.from_matrix(pose[:3, :3]).as_quat()
        shift = SimpleNamespace(**dict(zip('xyz', pose[:3, 3], strict=True)))
        turn = SimpleNamespace(x=x, y=y, z=z, w=w)
        transform = SimpleNamespace(translation=shift, rotation=turn)
        header = SimpleNamespace(frame_id=parent)
        tree.add_transforms([SimpleNamespace(header=header, child_frame_id=child, transform=transform)])
    return tree


def test_a_frame_without_parent_gets_the_link() -> None:
    for tree in (_tree(), _tree(('base', 'hand', np.eye(4)))):
        parent, child, pose = edge_for(CALIBRATION, 'optical', tree)
        assert (parent, child) == ('hand', 'optical') and np.allclose(pose, T)


def test_a_driver_with_its_own_tree_is_hung_up_by_its_root() -> None:
    inner = moved(np.eye(4), np.array([0.01, 0.02, 0.0, 1.2, -1.2, 1.2]))
    tree = _tree(('base', 'hand', np.eye(4)), ('camera_link', 'color', np.eye(4)), ('color', 'optical', inner))
    parent, child, pose = edge_for(CALIBRATION, 'optical', tree)
    assert (parent, child) == ('hand', 'camera_link') and np.allclose(pose @ inner, T)


def test_a_frame_that_hangs_on_the_robot_is_refused_with_numbers() -> None:
    other = T.copy()
    other[0, 3] += 0.012
    tree = _tree(('base', 'hand', np.eye(4)), ('hand', 'optical', other))
    with pytest.raises(CalibrationError, match=r'already has the parent hand, which puts it 12\.0 mm and 0\.00 degrees'):
        edge_for(CALIBRATION, 'optical', tree)
    through_world = _tree(('world', 'hand', np.eye(4)), ('world', 'optical', other))
    with pytest.raises(CalibrationError, match='already has the parent world'):
        edge_for(CALIBRATION, 'optical', through_world)


def test_nothing_is_decided_before_the_robot_is_known() -> None:
    with pytest.raises(UnknownLinkError, match='not in tf yet'):
        edge_for(CALIBRATION, 'optical', _tree(('base', 'optical', T)))


def test_lenses_are_compared_in_pixels() -> None:
    assert largest_difference_px(MODEL, MODEL) < 1e-6 and lens_disagreement(MODEL, MODEL, 1.0) is None
    shifted = replace(MODEL, K=np.array([[600.0, 0, 321], [0, 602, 243], [0, 0, 1]]))
    assert largest_difference_px(MODEL, shifted) == pytest.approx(3.0, abs=1e-6)
    assert '3.0 px' in (lens_disagreement(MODEL, shifted, 1.0) or '')
    assert '320x240' in (lens_disagreement(MODEL, MODEL.resized(320, 240), 1.0) or '')
    assert largest_difference_px(MODEL, MODEL.pinhole()) > 5


def test_a_folder_is_read_whole_and_intrinsics_are_passed_over(tmp_path: Path) -> None:
    import yaml

    with pytest.raises(CalibrationError, match='hand-eye'):
        read_folder(tmp_path)
    write_calibration(tmp_path / 'front.yaml', CALIBRATION)
    (tmp_path / 'front_lens.yaml').write_text(yaml.safe_dump(camera_info_to_dict(MODEL)))
    assert list(read_folder(tmp_path)) == ['front']
    write_calibration(tmp_path / 'front_2.yaml', CALIBRATION)
    with pytest.raises(CalibrationError, match='another file'):
        read_folder(tmp_path)
    (tmp_path / 'front_2.yaml').write_text('a: 1')
    with pytest.raises(CalibrationError, match='front_2'):
        read_folder(tmp_path)
