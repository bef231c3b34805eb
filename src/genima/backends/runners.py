# SPDX-License-Identifier: Apache-2.0
"""What runs an exported network: ONNX Runtime and OpenVINO, on the CPU."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from genima.backends.convert import need
from genima.errors import GenimaError, PolicyError


class Runner(Protocol):
    """A network, loaded."""

    def __call__(self, inputs: Mapping[str, Tensor]) -> list[Tensor]:
        """Return its outputs; the inputs have the shapes that it was exported with."""


@dataclass(frozen=True)
class BackEnd:
    """A way to run an exported network.

    Attributes:
        form: The file that it takes.
        package: Needed for it; the extra of that name installs it.
        exact: Whether it computes in float32 as torch does; else only the result is held against torch.
        open: File and threads to the loaded network.
    """

    form: str
    package: str
    exact: bool
    open: Callable[[Path, int], Runner]

    @property
    def is_installed(self) -> bool:
        """Return whether its package is there."""
        return find_spec(self.package) is not None

    def load(self, path: Path, threads: int) -> Runner:
        """Load a file.

        Raises:
            GenimaError: if the package is missing.
            PolicyError: if the file is none that it can run.
        """
        need([self.package], self.package, 'this back end')
        try:
            return self.open(path, threads)
        except Exception as error:  # each library has errors of its own
            raise PolicyError(f'{self.package} cannot load {path} ({str(error)[:300]}); export it again') from error


class _OnnxRuntime:
    def __init__(self, path: Path, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = threads, 3
        # a thread that waits leaves its core to the other nodes
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        self._session = onnxruntime.InferenceSession(str(path), options, providers=['CPUExecutionProvider'])

    def __call__(self, inputs: Mapping[str, Tensor]) -> list[Tensor]:
        outputs = self._session.run(None, {name: value.numpy() for name, value in inputs.items()})
        return [torch.from_numpy(each) for each in outputs]


class _OpenVino:
    def __init__(self, path: Path, threads: int, precision: str) -> None:
        core = _core()
        # without the hint it computes with bfloat16 wherever the processor can
        settings = {'INFERENCE_PRECISION_HINT': precision, 'INFERENCE_NUM_THREADS': threads, 'PERFORMANCE_HINT': 'LATENCY'}
        self._request = core.compile_model(core.read_model(path), 'CPU', settings).create_infer_request()

    def __call__(self, inputs: Mapping[str, Tensor]) -> list[Tensor]:
        outputs: Any = self._request.infer({name: value.numpy() for name, value in inputs.items()})
        return [torch.from_numpy(each.copy()) for each in outputs.values()]


@cache
def _core() -> Any:
    """Return the one engine of this process.

    An engine gives the thread a signal stack of its own, and takes it away when it ends. After two of them have ended, the
    thread is left with a stack that was freed, and the next signal (Ctrl-C) kills the process (seen with 2026.4.1).
    """
    import openvino

    return openvino.Core()


def _openvino(precision: str) -> Callable[[Path, int], Runner]:
    return lambda path, threads: _OpenVino(path, threads, precision)


BACK_ENDS: dict[str, BackEnd] = {
    'onnxruntime': BackEnd('onnx', 'onnxruntime', True, _OnnxRuntime),
    'onnxruntime-int8': BackEnd('onnx-int8', 'onnxruntime', False, _OnnxRuntime),
    'openvino': BackEnd('onnx', 'openvino', True, _openvino('f32')),
    'openvino-bf16': BackEnd('onnx', 'openvino', False, _openvino('bf16')),
}


def load_form(form: str, path: Path) -> Runner:
    """Load an exported network of any form, for a comparison right after it was written."""
    if form == 'torchscript':
        script = torch.jit.load(str(path))  # what was written a moment ago, and nothing else
        return lambda inputs: _as_list(script(*inputs.values()))
    return BACK_ENDS['onnxruntime-int8' if form == 'onnx-int8' else 'onnxruntime'].load(path, 1)


def _as_list(outputs: Tensor | tuple[Tensor, ...]) -> list[Tensor]:
    return [outputs] if isinstance(outputs, Tensor) else list(outputs)


TORCH, AUTO = 'torch', 'auto'
NAMES = (AUTO, TORCH, *BACK_ENDS)
_NOT_THERE = {
    'cuda-graph': 'it needs a CUDA device and has not been written: use torch with device cuda',
    'tensorrt': 'it needs a CUDA device and has not been written: use torch with device cuda',
}


def check_name(name: str, device: str) -> None:
    """Refuse what is no back end, or none for a device.

    Raises:
        GenimaError: with what is allowed.
    """
    if name in _NOT_THERE:
        raise GenimaError(f'back end {name!r}: {_NOT_THERE[name]}')
    if name not in NAMES:
        raise GenimaError(f'back end {name!r}: allowed are {", ".join(NAMES)}')
    if name in BACK_ENDS and torch.device(device).type != 'cpu':
        raise GenimaError(f'back end {name!r} runs on the CPU here, not on {device!r}: use torch, or device cpu')
