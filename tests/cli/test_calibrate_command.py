# SPDX-License-Identifier: Apache-2.0
"""`genima calibrate` from pictures in folders to a verdict, through the real detector."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from genima.calibration.boards import Board
from genima.calibration.camera_info import camera_info_to_dict
from genima.calibration.file import read_calibration
from genima.calibration.poses import difference
from genima.calibration.samples import SampleFolder
from genima.calibration.synthetic import Rig, lens_sightings, make_rig, picture, random_joints, random_view
from genima.cameras.model import CameraModel
from genima.cli.main import app
from genima.errors import CalibrationError
from genima.robots.profile import RobotProfile

BOARD = Board.parse('charuco:6x5:40:30:DICT_4X4_50')
CAMERA = CameraModel(
    'front', 400, 300, np.array([[380.0, 0, 199], [0, 381, 151], [0, 0, 1]]), np.array([0.05, -0.1, 0, 0, 0.0]), 'plumb_bob'
)
RIGS = {'eye_to_hand': 12, 'eye_in_hand': 12}


def _run(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, ['calibrate', *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def _samples(rig: Rig, q_rad: np.ndarray, folder: Path) -> None:
    samples = SampleFolder(folder)
    for q, T in zip(q_rad, rig.board_poses(q_rad), strict=True):
        samples.add(picture(rig.board, rig.camera, T), dict(zip(rig.profile.arm_joints, q, strict=True)))


@pytest.mark.parametrize('mount', RIGS)
def test_a_folder_of_samples_becomes_a_calibration(panda: RobotProfile, tmp_path: Path, mount: str) -> None:
    rng = np.random.default_rng(0)
    rig = make_rig(mount, panda, BOARD, CAMERA, rng)
    _samples(rig, random_joints(rig, RIGS[mount], rng), tmp_path / 'samples')
    (tmp_path / 'lens.yaml').write_text(yaml.safe_dump(camera_info_to_dict(CAMERA)))
    out, figures = tmp_path / 'front.yaml', tmp_path / 'figures.json'
    text = _run('hand-eye', 'front', '--intrinsics', tmp_path / 'lens.yaml', '--mount', mount, '--samples',
                tmp_path / 'samples', '--board', BOARD.text, '--keep-intrinsics', '--out', out, '--json', figures,
                '--serial', '42')  # fmt: skip
    calibration = read_calibration(out)
    d = difference(calibration.camera.T_parent_camera, rig.T_parent_camera)
    assert 1e3 * np.linalg.norm(d[:3]) < 1.5 and np.degrees(np.linalg.norm(d[3:])) < 0.15
    assert calibration.camera.parent_link == rig.parent_link and calibration.serial == '42' and calibration.kind == mount
    assert calibration.residuals.reprojection_px < 0.3 and calibration.robot == 'panda' and calibration.board == BOARD.text
    assert 'FAIL' not in text and json.loads(figures.read_text())['ok'] and out.with_suffix('.json').is_file()
    shown = _run('show', out, '--demonstrations', 60, code=1)
    assert 'calibrate again every 50' in shown and calibration.id in shown


def test_a_calibration_that_is_not_good_enough_takes_nobodys_place(panda: RobotProfile, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rig = make_rig('eye_to_hand', panda, BOARD, CAMERA, rng)
    _samples(rig, random_joints(rig, RIGS['eye_to_hand'], rng), tmp_path / 'samples')
    (tmp_path / 'lens.yaml').write_text(yaml.safe_dump(camera_info_to_dict(CAMERA)))
    (tmp_path / 'strict.yaml').write_text('reprojection_px: 0.001\n')
    out = tmp_path / 'front.yaml'
    out.write_text('the one from before')
    text = _run('hand-eye', 'front', '--intrinsics', tmp_path / 'lens.yaml', '--mount', 'eye_to_hand', '--samples',
                tmp_path / 'samples', '--board', BOARD.text, '--keep-intrinsics', '--out', out,
                '--thresholds', tmp_path / 'strict.yaml', code=1)  # fmt: skip
    assert 'FAIL' in text and 'refused' in text and out.read_text() == 'the one from before'
    assert read_calibration(tmp_path / 'front.yaml.refused').name == 'front' and not out.with_suffix('.json').exists()


def test_a_folder_of_pictures_becomes_a_lens(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    folder = SampleFolder(tmp_path / 'lens')
    folder.add(np.full((300, 400, 3), 90, np.uint8), {})
    while len(folder.samples()) < 15:
        folder.add(picture(BOARD, CAMERA, random_view(BOARD, CAMERA, rng)), {})
    out = tmp_path / 'front_lens.yaml'
    text = _run('intrinsics', 'front', '--samples', tmp_path / 'lens', '--board', BOARD.text, '--out', out,
                '--json', tmp_path / 'figures.json')  # fmt: skip
    assert 'not used: 000.png: fewer than 6 corners' in text
    assert json.loads((tmp_path / 'figures.json').read_text())['ok']
    K = np.array(yaml.safe_load(out.read_text())['camera_matrix']['data'])
    assert np.abs(K - CAMERA.K.ravel()).max() < 4


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        (['--board', 'checkerboard:8x6:30'], 'half a turn'),
        (['--mount', 'on_the_wall'], 'allowed: eye_to_hand'),
        (['--hand', 'foot'], 'no link'),
    ],
)
def test_what_cannot_be_is_said(tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / 'lens.yaml').write_text(yaml.safe_dump(camera_info_to_dict(CAMERA)))
    base = ['hand-eye', 'front', '--intrinsics', tmp_path / 'lens.yaml', '--samples', tmp_path]
    with pytest.raises(ValueError, match=said):
        _run(*base, *(['--mount', 'eye_to_hand'] if '--mount' not in arguments else []), *arguments)


def test_pictures_of_another_size_are_refused(tmp_path: Path) -> None:
    SampleFolder(tmp_path).add(np.zeros((200, 300, 3), np.uint8), {'panda_joint1': 0.0})
    (tmp_path / 'lens.yaml').write_text(yaml.safe_dump(camera_info_to_dict(CAMERA)))
    with pytest.raises(CalibrationError, match='300x200 px, expected 400x300'):
        _run('hand-eye', 'front', '--intrinsics', tmp_path / 'lens.yaml', '--mount', 'eye_to_hand', '--samples', tmp_path)


def test_a_board_is_printed_and_another_programs_calibration_imported(tmp_path: Path) -> None:
    text = _run('board', tmp_path / 'board.svg')
    assert 'measure a square' in text and (tmp_path / 'board.svg').read_text().startswith('<svg')
    (tmp_path / 'lens.yaml').write_text(yaml.safe_dump(camera_info_to_dict(CAMERA)))
    parameters = {'calibration_type': 'eye_on_base', 'robot_base_frame': 'panda_link0', 'robot_effector_frame': 'panda_hand'}
    transform = {'translation': {'x': 1.0, 'y': 0.0, 'z': 0.5}, 'rotation': {'x': 0.0, 'y': 0.0, 'z': 0.0, 'w': 1.0}}
    (tmp_path / 'x.calib').write_text(yaml.safe_dump({'parameters': parameters, 'transform': transform}))
    _run(
        'import', tmp_path / 'x.calib', '--intrinsics', tmp_path / 'lens.yaml', '--out', tmp_path / 'front.yaml',
        '--optical', '0 0 0 0 0 0 1',
    )  # fmt: skip
    assert read_calibration(tmp_path / 'front.yaml').camera.parent_link == 'panda_link0'


def test_samples_are_kept_in_order_and_read_again(tmp_path: Path, panda: RobotProfile) -> None:
    folder, rng = SampleFolder(tmp_path), np.random.default_rng(0)
    pictures = [rng.integers(0, 255, (4, 6, 3), dtype=np.uint8) for _ in range(3)]
    for index, one in enumerate(pictures):
        folder.add(one, {'a': 0.1 * index})
    again: Callable[[], list] = folder.samples  # type: ignore[type-arg]
    assert [sample.path.name for sample in again()] == ['000.png', '001.png', '002.png']
    assert [sample.joints_rad['a'] for sample in again()] == [0.0, 0.1, 0.2]
    from genima.calibration.samples import arm_pose, read_picture

    assert np.array_equal(read_picture(again()[1].path), pictures[1])
    with pytest.raises(CalibrationError, match='panda_joint1'):
        arm_pose(panda, {'a': 0.0}, 'panda_link0', 'panda_hand')
    (tmp_path / 'samples.yaml').write_text('- image: 1')
    with pytest.raises(CalibrationError, match='expected a list'):
        folder.samples()


def test_synthetic_pictures_show_what_is_projected() -> None:
    seen = lens_sightings(BOARD, CAMERA, 3, 0.0, np.random.default_rng(0))
    assert len(seen) == 3 and all((one.pixels > 0).all() for one in seen.values())
