# SPDX-License-Identifier: Apache-2.0
"""The controller's exports, and its side of the choice of a back end."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genima.backends.choose import Choice, choose
from genima.backends.compare import difference
from genima.backends.convert import SUFFIXES, convert
from genima.backends.exported import (
    ExportedFile,
    Exports,
    described,
    read_exports,
    remedy,
    sha256,
    versions,
    write_manifest,
    written_exports,
)
from genima.backends.runners import BACK_ENDS, load_form
from genima.contract.spec import PolicySpec
from genima.contract.targets import sphere_colors
from genima.controller.controller import CONFIG_FILE, WEIGHTS_FILE, Controller, to_network
from genima.controller.networks import ActNetwork, ControllerNetwork, ExportedNetwork, TorchNetwork, network_inputs
from genima.errors import PolicyError

SIDE = 'controller'
LIMIT_RAD, LIMIT_OPEN = 2e-4, 1e-2
"""Most that a joint position and the gripper's opening may differ from those of torch in float32."""


def controller_sources(policy_dir: Path | str) -> dict[str, str]:
    """Return the SHA-256 of every file that an exported controller depends on."""
    return {name: sha256(Path(policy_dir) / name) for name in (CONFIG_FILE, WEIGHTS_FILE)}


def export_controller(policy_dir: Path | str, forms: Sequence[str]) -> Exports:
    """Export the controller of a policy, and hold it against torch in float32.

    It has no export in int8: the places of the spheres need more than 8 bits.

    Args:
        policy_dir: The policy directory.
        forms: Of `backends.convert.FORMS`.

    Raises:
        PolicyError: if there is no whole controller.
        GenimaError: if a package is missing.
    """
    controller = Controller.load(policy_dir)
    network, inputs = ActNetwork(controller.model).eval(), check_inputs(controller)
    files: list[ExportedFile] = []
    with written_exports(policy_dir, SIDE) as folder:
        for form in forms:
            path = folder / f'controller{SUFFIXES[form]}'
            convert(network, inputs, form, path)
            with torch.inference_mode():
                share = difference(network(*inputs.values()), load_form(form, path)(inputs))
            files.append(described(folder, SIDE, form, path.name, share))
        exports = Exports(folder, controller_sources(policy_dir), versions(), {}, tuple(files))
        write_manifest(exports)
    return exports


def load_controller(
    policy_dir: Path | str, device: str = 'cpu', back_end: str = 'torch'
) -> tuple[Controller, Choice[ControllerNetwork]]:
    """Load a controller with what runs its network.

    Args:
        policy_dir: The policy directory.
        device: Torch device.
        back_end: Of `backends.runners.NAMES`.

    Raises:
        PolicyError: if a file is missing or damaged, or the exports were made from other weights.
        ContractError: if the controller was made for another contract.
        GenimaError: if the back end is not there, or does not say what torch says.
    """
    controller = Controller.load(policy_dir, device)
    choice = choose(back_end, ControllerSide(Path(policy_dir), controller), device)
    controller.network = choice.network
    return controller, choice


class ControllerSide:
    """A controller, as `choose` sees it."""

    name = SIDE

    def __init__(self, policy_dir: Path, controller: Controller) -> None:
        self._policy_dir, self._controller = policy_dir, controller
        self.torch: ControllerNetwork = controller.network
        self.threads = torch.get_num_threads()

    def exports(self) -> Exports:
        """Return what was exported; raises a PolicyError if nothing usable was."""
        return read_exports(self._policy_dir, SIDE, partial(controller_sources, self._policy_dir))

    def open(self, exports: Exports, back_end: str) -> ControllerNetwork:
        """Load the network; raises a GenimaError if it cannot be."""
        how = BACK_ENDS[back_end]
        if how.form == 'onnx-int8':
            raise PolicyError('a controller is not exported in int8; take onnxruntime')
        return ExportedNetwork(how.load(exports.path(SIDE, how.form), self.threads))

    def check(self, exports: Exports, back_end: str, network: ControllerNetwork) -> str:
        """Act once; raises a PolicyError if the chunk is not that of torch in float32."""
        try:
            got = self._chunk(network)
        except Exception as error:  # each library has errors of its own
            raise PolicyError(f'{back_end} does not run ({str(error)[:300]}); {remedy(exports.directory)}') from error
        expected = self._chunk(TorchNetwork(self._controller.model, half=False))
        off_rad, off_open = (float(np.abs(a - b).max()) for a, b in zip(expected, got, strict=True))
        if not (off_rad <= LIMIT_RAD and off_open <= LIMIT_OPEN):
            raise PolicyError(
                f'{back_end} acts otherwise than torch: {off_rad:.1g} rad (allowed {LIMIT_RAD:.1g}), gripper {off_open:.1g} '
                f'(allowed {LIMIT_OPEN:.1g}); take backend torch, or {remedy(exports.directory)}'
            )
        return f'checked against torch: {off_rad:.1g} rad'

    def run(self, exports: Exports, network: ControllerNetwork) -> None:
        """Act once."""
        self._chunk(network)

    def _chunk(self, network: ControllerNetwork) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        with torch.inference_mode():
            delta, gripper_logit = network.predict(**check_inputs(self._controller))
        zero = np.zeros(delta.shape[-1])
        return self._controller.normalizer.decode(delta[0].numpy(), zero), gripper_logit[0].sigmoid().double().numpy()


def check_inputs(controller: Controller) -> dict[str, Tensor]:
    """Return one moment: discs in the colours of all spheres in every view, so that what is read off them counts."""
    spec = controller.spec
    state = np.linspace(-1.0, 1.0, len(spec.joint_names) + 1, dtype=np.float32)
    words = controller.model.instruction_input(controller.instructions, controller.instructions[0])
    views = torch.from_numpy(discs(spec))[None]
    return network_inputs(to_network(views), torch.from_numpy(state)[None], torch.tensor([0.4]), words)


def discs(spec: PolicySpec) -> NDArray[np.uint8]:
    """Return views (V, S, S, 3) that show a disc for each sphere, elsewhere in each view."""
    size = spec.view_size_px
    views = np.full((len(spec.cameras), size, size, 3), 90, dtype=np.uint8)
    rows, columns = np.mgrid[:size, :size] / size
    colors = [color for name, color in sphere_colors(spec) if name != 'gripper closed']
    for number, view in enumerate(views):
        for place, color in enumerate(colors):
            angle = 2 * np.pi * place / len(colors) + number
            off = (columns - 0.5 - 0.3 * np.cos(angle)) ** 2 + (rows - 0.5 - 0.3 * np.sin(angle)) ** 2
            view[off < 0.06**2] = color
    return views
