# SPDX-License-Identifier: Apache-2.0
"""How `genima calibrate` prints, and the options that its commands share."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from genima.cli.output import console

if TYPE_CHECKING:
    from genima.calibration.boards import Board
    from genima.calibration.file import CameraCalibration
    from genima.calibration.verdict import Finding

BoardOption = Annotated[
    str,
    typer.Option('--board', help='charuco:COLUMNSxROWS:SQUARE:MARKER:DICTIONARY or checkerboard:COLUMNSxROWS:SQUARE, mm.'),
]
ThresholdsOption = Annotated[
    Path | None, typer.Option(help='YAML with thresholds; config/calibration.yaml by default.')
]
HardwareOption = Annotated[str, typer.Option(help='Camera model, to be kept in the file.')]
SerialOption = Annotated[str, typer.Option(help='Serial number of the camera, to be kept in the file.')]
SamplesOption = Annotated[
    Path | None, typer.Option(help='Folder of images; with --live a new one in out/calibration, or one that gets more.')
]
LiveOption = Annotated[bool, typer.Option('--live', help='Take images from the topics of the camera first.')]
AutomaticOption = Annotated[bool, typer.Option('--automatic', help='Take one whenever all is still; otherwise press Enter.')]
PicturesOption = Annotated[int, typer.Option(min=3, max=500, help='Images to take, live.')]


def parse_board(text: str) -> 'Board':
    """Return the board of an option; the one for A4 paper if it is empty."""
    from genima.calibration.boards import DEFAULT, Board

    return Board.parse(text or DEFAULT)


def print_calibration(calibration: 'CameraCalibration') -> None:
    """Print who, where and when."""
    import numpy as np

    from genima.robots.transforms import quaternion_xyzw

    camera, T = calibration.camera, calibration.camera.T_parent_camera
    model = camera.model
    console.print(f'camera {calibration.name}, calibration {calibration.id}, {calibration.date}, {calibration.kind}')
    console.print(
        f'  {model.width_px}x{model.height_px}, {model.model}, fx fy cx cy {_row(model.K[[0, 1, 0, 1], [0, 1, 2, 2]])} px'
    )
    turn = ' '.join(f'{value:.5f}' for value in quaternion_xyzw(np.asarray(T[:3, :3])))
    console.print(f'  in {camera.parent_link}: {_row(1e3 * T[:3, 3])} mm, quaternion x y z w {turn}', soft_wrap=True)


def _row(values: Iterable[float]) -> str:
    return ' '.join(f'{value:.2f}' for value in values)


def print_verdict(findings: 'Sequence[Finding]') -> bool:
    """Print one line per finding; return whether all are good."""
    for one in findings:
        mark, style = ('ok  ', 'green') if one.ok else ('FAIL', 'bold red')
        console.print(Text(f'  {mark}', style) + Text(f'  {one.text}', 'default'), soft_wrap=True)
    return all(one.ok for one in findings)


def print_rejected(rejected: Mapping[str, str]) -> None:
    """Print which images were not used, and why."""
    for name, reason in rejected.items():
        console.print(f'  not used: {name}: {reason}', soft_wrap=True)


def print_missing(missing: Sequence[str]) -> None:
    """Print what to show next."""
    for sentence in missing:
        console.print(f'  wanted: {sentence}', soft_wrap=True)


def path_for(path: Path, good: bool) -> Path:
    """Return where a calibration is written; one that is not good enough takes nobody's place."""
    return path if good else path.with_name(f'{path.name}.refused')


def print_written(path: Path, target: Path) -> None:
    """Print where a calibration is now."""
    kept = f'{path} is as it was' if path.is_file() else f'there is no {path}'
    refused = f'refused: kept as {target} for a look, and {kept}; mend what says FAIL, or give other --thresholds'
    console.print(f'written to {path}' if target == path else refused, soft_wrap=True)
