# SPDX-License-Identifier: Apache-2.0
"""`genima calibrate hand-eye`: where a camera is, on the base or on the hand."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genima.cli.calibrate_output import (
    AutomaticOption,
    BoardOption,
    HardwareOption,
    LiveOption,
    PicturesOption,
    SamplesOption,
    SerialOption,
    ThresholdsOption,
    parse_board,
    path_for,
    print_calibration,
    print_missing,
    print_rejected,
    print_verdict,
    print_written,
)
from genima.cli.output import JsonOption, write_json
from genima.errors import CalibrationError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from genima.calibration.file import CameraCalibration
    from genima.calibration.hand_eye import HandEye
    from genima.robots.profile import RobotProfile

MOUNTS = ('eye_to_hand', 'eye_in_hand')


def hand_eye(
    camera: Annotated[str, typer.Argument(help='Name of the camera.')],
    lens: Annotated[
        Path, typer.Option('--intrinsics', help='Camera calibration (YAML): genima calibrate intrinsics, or ROS.')
    ],
    mount: Annotated[str, typer.Option(help='eye_to_hand: camera stands, board on the hand; eye_in_hand: the reverse.')],
    robot: Annotated[str, typer.Option(help='Robot profile: a name in config/robots or a file.')] = 'panda',
    hand: Annotated[str, typer.Option(help='Link that carries the board or the camera; the tool by default.')] = '',
    samples: SamplesOption = None,
    board: BoardOption = '',
    keep_intrinsics: Annotated[
        bool, typer.Option('--keep-intrinsics', help='Take the intrinsics as exact instead of adjusting them as well.')
    ] = False,
    out: Annotated[Path | None, typer.Option(help='File to write; out/calibration/<camera>.yaml by default.')] = None,
    live: LiveOption = False,
    automatic: AutomaticOption = False,
    pictures: PicturesOption = 25,
    thresholds: ThresholdsOption = None,
    hardware: HardwareOption = '',
    serial: SerialOption = '',
    json_path: JsonOption = None,
) -> None:
    """Find where a camera is from images of a board and joint positions; not good enough is refused (exit code 1)."""
    from genima.calibration.hand_eye import calibrate_hand_eye
    from genima.calibration.lens_file import read_prior
    from genima.calibration.lens_formats import read_camera_info
    from genima.calibration.samples import view_of
    from genima.calibration.verdict import as_figures, judge, load_thresholds
    from genima.cli.calibrate_pictures import find_all, require_unambiguous, sample_folder, take_pictures
    from genima.robots.profile import RobotProfile

    made, profile, limits = parse_board(board), RobotProfile.load(robot), load_thresholds(thresholds)
    require_unambiguous(made)
    parent, other = _links(profile, mount, hand)
    model = replace(read_camera_info(lens, camera), name=camera)
    folder = sample_folder(samples, camera, live)
    if live:
        take_pictures(camera, folder, made, pictures, automatic, (profile, parent, other))
    seen, unseen, _ = find_all(folder, made, (model.width_px, model.height_px))
    views = [view_of(sample, sighting, profile, parent, other) for sample, sighting in seen.items()]
    found = calibrate_hand_eye(made.corners_m(), views, model, not keep_intrinsics, read_prior(lens))
    print_rejected({**unseen, **found.rejected})
    print_missing(_missing(found, made.corners_m()))
    calibration = replace(
        _calibration(found, parent, mount), hardware=hardware, serial=serial, board=made.text, robot=profile.name
    )
    print_calibration(calibration)
    findings = judge(calibration, limits)
    good = print_verdict(findings)
    _write(out or Path('out/calibration') / f'{camera}.yaml', calibration, good)
    write_json(json_path, {'id': calibration.id, **as_figures(findings), 'rejected': found.rejected})
    if not good:
        raise typer.Exit(1)


def _links(profile: 'RobotProfile', mount: str, hand: str) -> tuple[str, str]:
    """Return the link of the camera and the link of the board."""
    if mount not in MOUNTS:
        raise CalibrationError(f'mount {mount!r}; allowed: {", ".join(MOUNTS)}')
    link = profile.link(hand or profile.gripper.tcp_link).name
    return (profile.base_link, link) if mount == 'eye_to_hand' else (link, profile.base_link)


def _write(path: Path, calibration: 'CameraCalibration', good: bool) -> None:
    from genima.calibration.camera_info import write_opencv_json
    from genima.calibration.file import write_calibration

    target = path_for(path, good)
    write_calibration(target, calibration)
    if good:
        camera = calibration.camera
        write_opencv_json(path.with_suffix('.json'), camera.model, camera.T_parent_camera)
    print_written(path, target)


def _calibration(found: 'HandEye', parent: str, mount: str) -> 'CameraCalibration':
    from genima.calibration.file import CameraCalibration, Residuals, now_text
    from genima.cameras.model import MountedCamera

    fit, held_out, spread = found.fit, found.held_out, found.spread
    halves = {'spread_mm': spread.mm, 'spread_deg': spread.deg} if spread else {}
    measured = {'held_out_px': held_out.px, 'held_out_mm': held_out.mm, 'held_out_deg': held_out.deg, **halves}
    residuals = Residuals(reprojection_px=fit.rms_px, covariance=fit.covariance, **measured)
    return CameraCalibration(
        MountedCamera(fit.camera, parent, fit.T_parent_camera), now_text(), residuals, len(found.views), mount
    )


def _missing(found: 'HandEye', corners_m: 'NDArray[np.float64]') -> list[str]:
    import numpy as np

    from genima.calibration.diversity import Wanted, measure_diversity
    from genima.calibration.poses import predicted

    fit, arm = found.fit, [view.T_parent_other for view in found.views]
    centre = np.append(corners_m.mean(axis=0), 1.0)
    boards = predicted(fit.T_parent_camera, np.stack(arm), fit.T_other_board)
    distances_m = np.linalg.norm((boards @ centre)[:, :3], axis=1).tolist()
    return measure_diversity(arm, distances_m).missing(Wanted())
