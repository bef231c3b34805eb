# SPDX-License-Identifier: Apache-2.0
"""`genima export`: a policy's networks in the formats of other back ends, beside the policy."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from genima.cli.output import JsonOption, console, print_table, write_json

CALIBRATION_IMAGES = 8
LARGEST_DIFFERENCE, LARGEST_SHIFT_PX = 1e-5, 0.1


class Form(str, Enum):
    """What can be written."""

    onnx = 'onnx'
    torchscript = 'torchscript'


def export(
    policy: Annotated[Path, typer.Option(help='Policy directory; it gets exported/.')],
    to: Annotated[list[Form] | None, typer.Option(help='onnx or torchscript; may be given twice.')] = None,
    int8: Annotated[bool, typer.Option(help='Also the painter in int8 (ONNX); needs --calibration.')] = False,
    calibration: Annotated[
        Path | None, typer.Option(help=f'Episodes, of which {CALIBRATION_IMAGES} moments give the ranges for int8.')
    ] = None,
    json_path: JsonOption = None,
) -> None:
    """Export painter and controller, and report how far each is from torch; the policy itself is not changed."""
    from genima.controller.backend import export_controller
    from genima.errors import GenimaError
    from genima.painter.exporting import export_painter

    forms = list(dict.fromkeys(form.value for form in to or [Form.onnx]))
    if int8 and (calibration is None or 'onnx' not in forms):
        raise GenimaError('--int8 needs --calibration, a folder of episodes, and --to onnx')
    views = _views(policy, calibration) if calibration else ()
    painter, controller = export_painter(policy, forms, views, int8), export_controller(policy, forms)
    networks = [file for exports in (painter, controller) for file in exports.files if file.difference is not None]
    cells = [[each.network, each.form, f'{each.size_bytes / 1e6:.1f}', f'{each.difference:.1g}'] for each in networks]
    print_table(f'{policy / "exported"}', ['network', 'form', 'MB', 'difference to torch'], cells)
    for name, value in painter.figures.items():
        console.print(f'{name}: {value:.3g}')
    write_json(json_path, {
        'files': [{'network': each.network, 'form': each.form, 'difference': each.difference} for each in networks],
        'figures': painter.figures,
    })  # fmt: skip
    far = [each for each in networks if each.form != 'onnx-int8' and not (each.difference or 0.0) <= LARGEST_DIFFERENCE]
    for each in far:
        console.print(f'{each.network} as {each.form}: {each.difference:.1g}, allowed {LARGEST_DIFFERENCE:.0e}')
    shift_px = painter.figures.get('int8_center_median_px', 0.0)
    if shift_px > LARGEST_SHIFT_PX:
        console.print(f'int8 moves the centres of spheres by {shift_px:.2f} px, allowed {LARGEST_SHIFT_PX}')
    if far or shift_px > LARGEST_SHIFT_PX:
        raise typer.Exit(1)


def _views(policy: Path, data: Path) -> list:
    """Return the views of moments that are spread over all episodes."""
    import numpy as np

    from genima.contract.spec import PolicySpec
    from genima.robots.profile import RobotProfile
    from genima.train.samples import load_samples

    spec = PolicySpec.load(policy)
    samples = load_samples(data, spec, RobotProfile.load(spec.robot))
    rows = np.unique(np.linspace(0, len(samples) - 1, CALIBRATION_IMAGES).astype(int))
    return [np.array(samples.views[row]) for row in rows]
