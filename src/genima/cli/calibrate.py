# SPDX-License-Identifier: Apache-2.0
"""`genima calibrate`: boards, lenses, where cameras are, and what a calibration is worth."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genima.cli.calibrate_hand_eye import hand_eye
from genima.cli.calibrate_intrinsics import intrinsics
from genima.cli.calibrate_output import BoardOption, ThresholdsOption, parse_board, print_calibration, print_verdict
from genima.cli.output import JsonOption, console, write_json
from genima.errors import CalibrationError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

app = typer.Typer(help='Calibrate cameras: print a board, then intrinsics, then hand-eye.', no_args_is_help=True)
app.command('intrinsics')(intrinsics)
app.command('hand-eye')(hand_eye)


@app.command()
def board(
    out: Annotated[Path, typer.Argument(help='Where it goes: .svg (to scale everywhere) or .png.')] = Path('out/board.svg'),
    kind: BoardOption = '',
    dpi: Annotated[float, typer.Option(min=30.0, max=2400.0, help='Dots per inch of a PNG.')] = 300.0,
) -> None:
    """Write a calibration board for printing."""
    from genima.calibration.printing import write_board

    made = parse_board(kind)
    write_board(made, out, dpi)
    width, height = made.size_m
    console.print(
        f'{out}: {made.text}, pattern {1e3 * width:.0f} x {1e3 * height:.0f} mm; print it at 100 %, measure a square, and '
        'give what you measured with --board; glue it to something flat',
        soft_wrap=True,
    )
    if made.ambiguous:
        console.print('turned by half a turn it looks the same: good for intrinsics, refused for hand-eye', soft_wrap=True)


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help='Calibration of one camera (YAML).', exists=True, dir_okay=False)],
    demonstrations: Annotated[int, typer.Option(min=0, help='Demonstrations recorded since.')] = 0,
    data: Annotated[Path | None, typer.Option(help='Or: count the episodes in this folder that are younger.')] = None,
    thresholds: ThresholdsOption = None,
    opencv: Annotated[Path | None, typer.Option(help='Also write it as JSON that OpenCV reads.')] = None,
    json_path: JsonOption = None,
) -> None:
    """Show a calibration, and say whether it is good enough; exit code 1 if not."""
    from genima.calibration.camera_info import write_opencv_json
    from genima.calibration.file import parse_date, read_calibration
    from genima.calibration.verdict import as_figures, judge, load_thresholds

    calibration = read_calibration(file)
    if data is not None:
        since_s = parse_date(calibration.date).timestamp()
        demonstrations = sum(path.stat().st_mtime > since_s for path in data.rglob('episode_*.h5'))
    print_calibration(calibration)
    findings = judge(calibration, load_thresholds(thresholds), demonstrations)
    good = print_verdict(findings)
    if opencv is not None:
        write_opencv_json(opencv, calibration.camera.model, calibration.camera.T_parent_camera)
    write_json(json_path, {'id': calibration.id, **as_figures(findings)})
    if not good:
        raise typer.Exit(1)


@app.command('import')
def import_(
    file: Annotated[Path, typer.Argument(help='What easy_handeye2 saved (.calib or .yaml).', exists=True, dir_okay=False)],
    intrinsics_file: Annotated[Path, typer.Option('--intrinsics', help='Camera calibration (YAML), from us or from ROS.')],
    out: Annotated[Path, typer.Option(help='Where our file goes.')],
    camera: Annotated[str, typer.Option(help='Name of the camera; by default, that of the intrinsics.')] = '',
    optical: Annotated[
        str | None,
        typer.Option(help='Pose of the optical frame in the tracking_base_frame, "x y z qx qy qz qw", if it differs.'),
    ] = None,
) -> None:
    """Take over a hand-eye calibration of easy_handeye2."""
    from dataclasses import replace

    from genima.calibration.easy_handeye import read_easy_handeye
    from genima.calibration.file import write_calibration
    from genima.calibration.lens_formats import read_camera_info

    model = read_camera_info(intrinsics_file, camera)
    model = replace(model, name=camera or model.name)
    calibration = read_easy_handeye(file, model, None if optical is None else _pose_from(optical))
    write_calibration(out, calibration)
    print_calibration(calibration)
    console.print(
        f'written to {out}; easy_handeye2 does not say how good it is: check it with genima calibrate hand-eye',
        soft_wrap=True,
    )


def _pose_from(text: str) -> 'NDArray[np.float64]':
    import numpy as np
    from scipy.spatial.transform import Rotation

    try:
        numbers = [float(part) for part in text.split()]
        T = np.eye(4)
        T[:3, :3], T[:3, 3] = Rotation.from_quat(numbers[3:]).as_matrix(), numbers[:3]
    except ValueError as error:
        raise CalibrationError(f'pose {text!r}; expected seven numbers, x y z qx qy qz qw') from error
    return T
