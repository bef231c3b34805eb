# SPDX-License-Identifier: Apache-2.0
"""A network of torch into a file: ONNX, ONNX in int8, TorchScript."""

import io
import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from genima.backends.exported import MAX_FILE_BYTES
from genima.errors import GenimaError

FORMS = ('onnx', 'torchscript')
SUFFIXES = {'onnx': '.onnx', 'onnx-int8': '.int8.onnx', 'torchscript': '.pt'}


def need(packages: Sequence[str], extra: str, what: str) -> None:
    """Refuse to go on without packages of an extra.

    Raises:
        GenimaError: with the line that installs it.
    """
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise GenimaError(f"{what} needs {', '.join(missing)}, not installed here: pip install 'genima[{extra}]'")


@torch.no_grad()
def convert(network: nn.Module, inputs: Mapping[str, Tensor], form: str, path: Path) -> None:
    """Write a network whose inputs have fixed shapes.

    Args:
        network: In evaluation mode and float32.
        inputs: An example for each argument of `forward`, in its order.
        form: Of `FORMS`.
        path: File to write.

    Raises:
        GenimaError: if a package is missing, or the network is too large for a file of ONNX.
    """
    if form == 'torchscript':
        with _quiet():
            torch.jit.trace(network, tuple(inputs.values()), check_trace=False).save(str(path))
        return
    need(['onnx', 'onnxscript'], 'export', 'an export to ONNX')
    size = sum(each.numel() * each.element_size() for each in network.parameters())
    if size >= MAX_FILE_BYTES:
        raise GenimaError(f'a network of {size / 1e9:.1f} GB is too large for one file of ONNX (2.1 GB): torch runs it')
    with _quiet():
        program: Any = torch.onnx.export(
            network, tuple(inputs.values()), input_names=list(inputs), dynamo=True, external_data=False, verbose=False
        )
        program.save(str(path))


def convert_int8(source: Path, path: Path, calibration: Sequence[Mapping[str, Tensor]]) -> None:
    """Write an ONNX file whose convolutions have static QDQ: weights of int8 per channel, activations by their ranges.

    Args:
        source: The ONNX file in float32.
        path: File to write.
        calibration: Inputs of the network that give the ranges, a mapping for each example.

    Raises:
        GenimaError: if onnxruntime is missing.
    """
    need(['onnx', 'onnxruntime'], 'export', 'an export to int8')
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Examples(CalibrationDataReader):
        def __init__(self) -> None:
            self._examples = iter([{name: value.numpy() for name, value in each.items()} for each in calibration])

        def get_next(self) -> dict[str, Any] | None:
            return next(self._examples, None)

    with tempfile.TemporaryDirectory() as folder, _quiet():
        prepared = Path(folder) / 'prepared.onnx'
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared), str(path), Examples(), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, op_types_to_quantize=['Conv'],
            # weights of 7 bits: on processors without VNNI sums of two 8-bit products overflow 16 bits
            reduce_range=True,
        )  # fmt: skip


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what exporters say about operators that nobody asked for from the terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter('ignore')
            yield
    finally:
        logging.disable(before)
