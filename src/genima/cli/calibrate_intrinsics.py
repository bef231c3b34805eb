# SPDX-License-Identifier: Apache-2.0
"""`genima calibrate intrinsics`: the lens of one camera."""

from pathlib import Path
from typing import Annotated

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
    print_missing,
    print_rejected,
    print_verdict,
    print_written,
)
from genima.cli.output import JsonOption, console, write_json


def intrinsics(
    camera: Annotated[str, typer.Argument(help='Name of the camera.')],
    samples: SamplesOption = None,
    board: BoardOption = '',
    model: Annotated[str, typer.Option(help='plumb_bob, rational_polynomial, or equidistant (fisheye).')] = 'plumb_bob',
    out: Annotated[Path | None, typer.Option(help='File to write; out/calibration/<camera>_lens.yaml by default.')] = None,
    live: LiveOption = False,
    automatic: AutomaticOption = False,
    pictures: PicturesOption = 30,
    thresholds: ThresholdsOption = None,
    hardware: HardwareOption = '',
    serial: SerialOption = '',
    json_path: JsonOption = None,
) -> None:
    """Calibrate the lens of a camera from images of a board; refused, with exit code 1, if it is not good enough."""
    from genima.calibration.coverage import Shown, measure_coverage
    from genima.calibration.intrinsics import calibrate_intrinsics
    from genima.calibration.lens_file import write_intrinsics
    from genima.calibration.verdict import as_figures, judge_lens, load_thresholds
    from genima.cli.calibrate_pictures import find_all, sample_folder, take_pictures

    made, folder = parse_board(board), sample_folder(samples, f'{camera}_lens', live)
    target, limits = out or Path('out/calibration') / f'{camera}_lens.yaml', load_thresholds(thresholds)
    if live:
        take_pictures(camera, folder, made, pictures, automatic, None)
    seen, unseen, size_px = find_all(folder, made, None)
    coverage = measure_coverage(made.corners_m(), list(seen.values()), size_px)
    found = calibrate_intrinsics(made.corners_m(), {s.path.name: one for s, one in seen.items()}, size_px, model, camera)
    print_rejected({**unseen, **found.rejected})
    console.print(f'{len(found.errors_px)} images, {100 * coverage.share:.0f} % of the image seen')
    print_missing(coverage.missing(Shown()))
    findings = judge_lens(found, limits)
    good = print_verdict(findings)
    write_intrinsics(path_for(target, good), found, made.text, hardware, serial)
    print_written(target, path_for(target, good))
    figures = {'errors_px': found.errors_px, 'rejected': found.rejected, 'coverage': coverage.share}
    write_json(json_path, {**as_figures(findings), **figures})
    if not good:
        raise typer.Exit(1)
