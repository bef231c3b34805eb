# SPDX-License-Identifier: Apache-2.0
"""A painter into `exported/painter`: its step and its decoder, held against torch, with the views of the self-check."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn

from genima.backends.compare import center_shifts_px, difference, psnr_db
from genima.backends.convert import SUFFIXES, convert, convert_int8
from genima.backends.exported import ExportedFile, Exports, described, sha256, versions, write_manifest, written_exports
from genima.backends.runners import load_form
from genima.errors import GenimaError
from genima.painter.folder import DIRECTORY, LORA, elsewhere
from genima.painter.networks import DecoderNetwork, ExportedNetworks, StepNetwork, TorchNetworks, step_inputs
from genima.painter.painter import Painter
from genima.painter.parts import NETWORKS

SIDE, CHECK = 'painter', 'check.safetensors'


def painter_sources(policy_dir: Path | str) -> dict[str, str]:
    """Return the SHA-256 of every file that an exported painter depends on: weights and configurations."""
    directory = Path(policy_dir) / DIRECTORY
    folders = {name: directory / name for name in (*NETWORKS, LORA) if name != 'text_encoder'}
    folders.update({name: folder for name, folder in elsewhere(directory).items() if name in folders})
    files = {
        f'{name}/{path.name}': path
        for name, folder in folders.items()
        if folder.is_dir()
        for path in sorted(folder.iterdir())
        if path.suffix in ('.json', '.safetensors')
    }
    return {name: sha256(path) for name, path in files.items()}


def export_painter(
    policy_dir: Path | str, forms: Sequence[str], calibration: Sequence[NDArray[np.uint8]] = (), int8: bool = False
) -> Exports:
    """Export the painter of a policy, and hold each network against torch in float32.

    Args:
        policy_dir: The policy directory.
        forms: Of `backends.convert.FORMS`.
        calibration: Views (V, S, S, 3) as cameras see them, for int8 and for the self-check; the latter is made with
            drawn patches if there are none.
        int8: Also export both in int8, from 'onnx'.

    Returns:
        What was written, with the largest difference of each network.

    Raises:
        PolicyError: if there is no whole painter.
        GenimaError: if a package is missing.
    """
    if int8 and 'onnx' not in forms:
        raise GenimaError('an export to int8 is made from one to onnx: export both')
    painter = Painter.load(policy_dir, dtype=torch.float32)
    views = list(calibration) or [patches(painter)]
    networks: dict[str, nn.Module] = {'step': StepNetwork(painter.pipeline), 'decoder': DecoderNetwork(painter.pipeline)}
    inputs = _recorded(painter, views)
    files: list[ExportedFile] = []
    figures: dict[str, float] = {}
    with written_exports(policy_dir, SIDE) as folder:
        for name, network in networks.items():
            for form in forms:
                convert(network.eval(), inputs[name][0], form, folder / f'{name}{SUFFIXES[form]}')
                files.append(_entry(folder, name, form, network, inputs[name][0]))
            if int8:
                convert_int8(folder / f'{name}.onnx', folder / f'{name}.int8.onnx', inputs[name])
                files.append(_entry(folder, name, 'onnx-int8', network, inputs[name][0]))
        if int8:
            figures = _int8_figures(painter, folder, views)
        save_file({'views': torch.from_numpy(np.ascontiguousarray(views[0]))}, folder / CHECK)
        files.append(described(folder, 'check', 'safetensors', CHECK, None))
        exports = Exports(folder, painter_sources(policy_dir), versions(), figures, tuple(files))
        write_manifest(exports)
    return exports


def patches(painter: Painter) -> NDArray[np.uint8]:
    """Return views (V, S, S, 3) of patches in random colours, for a self-check where nobody gave an image."""
    count, size = len(painter.spec.cameras), painter.spec.view_size_px
    coarse = np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    rows = np.arange(size) * 8 // size
    return coarse[:, rows][:, :, rows]


class _Recorder(TorchNetworks):
    """The networks in float32, remembering what they were given."""

    def __init__(self, painter: Painter) -> None:
        super().__init__(painter.pipeline, half=False)
        self.inputs: dict[str, list[dict[str, Tensor]]] = {'step': [], 'decoder': []}

    def predict(self, noisy: Tensor, time_step: Tensor, prompt: Tensor, control: Tensor) -> Tensor:
        self.inputs['step'].append(step_inputs(noisy, time_step, prompt, control))
        return super().predict(noisy, time_step, prompt, control)

    def decode(self, latents: Tensor) -> Tensor:
        self.inputs['decoder'].append({'latents': latents.contiguous()})
        return super().decode(latents)


def _recorded(painter: Painter, views: Sequence[NDArray[np.uint8]]) -> dict[str, list[dict[str, Tensor]]]:
    """Return what both networks are given while some views are painted."""
    recorder = _Recorder(painter)
    for each in views:
        painter.paint_with(recorder, each)
    # tensors of inference mode cannot be traced
    return {
        name: [{key: value.clone() for key, value in each.items()} for each in given]
        for name, given in recorder.inputs.items()
    }


def _entry(folder: Path, name: str, form: str, network: nn.Module, inputs: dict[str, Tensor]) -> ExportedFile:
    """Run an exported network once, and describe its file."""
    path = folder / f'{name}{SUFFIXES[form]}'
    with torch.inference_mode():
        expected = [network(*inputs.values())]
        got = load_form(form, path)(inputs)
    return described(folder, name, form, path.name, difference(expected, got))


def _int8_figures(painter: Painter, folder: Path, views: Sequence[NDArray[np.uint8]]) -> dict[str, float]:
    """Return how far images painted in int8 are from those of torch in float32."""
    step, decoder = (load_form('onnx-int8', folder / f'{name}.int8.onnx') for name in ('step', 'decoder'))
    exact, int8 = TorchNetworks(painter.pipeline, half=False), ExportedNetworks(step, decoder)
    pairs = [[painter.paint_with(networks, each) for networks in (exact, int8)] for each in views]
    shifts = [shift for one, other in pairs for shift in center_shifts_px(painter.spec, one, other)]
    figures = {'int8_psnr_db': float(np.median([psnr_db(one, other) for one, other in pairs])), 'int8_images': len(views)}
    if shifts:
        figures |= {'int8_center_median_px': float(np.median(shifts)), 'int8_center_max_px': float(np.max(shifts))}
    return figures
