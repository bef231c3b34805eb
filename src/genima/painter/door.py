# SPDX-License-Identifier: Apache-2.0
"""The door of painters: ours of a policy directory, or another package's that the contract names."""

import time
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from genima.contract.base import SMALL
from genima.contract.spec import PolicySpec
from genima.errors import ContractError, PolicyError
from genima.painter.folder import DIRECTORY
from genima.painter.painter import Painter
from genima.plugins import Plugins

PAINTERS = Plugins('genima.painters', 'painter', PolicyError, attributes=('paint',), is_made=True, more=(SMALL,))
"""Each a callable (policy directory, contract, torch device) -> `PaintsViews`."""


class PaintsViews(Protocol):
    """What another package's painter does."""

    def paint(self, views: NDArray[np.uint8], instruction: str | None = None) -> NDArray[np.uint8]:
        """Return target views for camera views, both (V, S, S, 3) uint8 RGB; None: the contract's instruction."""


class ViewPainter(PaintsViews, Protocol):
    """A painter as nodes, evaluation and policies use it.

    Attributes:
        spec: The contract.
        last_timing_ms: How long the last `paint` took.
    """

    @property
    def spec(self) -> PolicySpec: ...

    @property
    def last_timing_ms(self) -> float: ...


class OtherPainter:
    """Another package's painter; what it paints is checked.

    Attributes:
        spec: The contract.
        last_timing_ms: How long the last `paint` took.
    """

    def __init__(self, name: str, painter: PaintsViews, spec: PolicySpec) -> None:
        self._name, self._painter = name, painter
        self.spec, self.last_timing_ms = spec, 0.0

    def paint(self, views: NDArray[np.uint8], instruction: str | None = None) -> NDArray[np.uint8]:
        """Paint where the arm should go.

        Raises:
            ContractError: if views or painted views are not as the contract says.
        """
        size_px = self.spec.view_size_px
        wanted = (len(self.spec.cameras), size_px, size_px, 3)
        _check('views for', self._name, views, wanted)
        begun = time.perf_counter()
        painted = self._painter.paint(views, instruction)
        self.last_timing_ms = 1e3 * (time.perf_counter() - begun)
        _check('what it painted,', self._name, painted, wanted)
        return painted


def open_painter(policy_dir: Path | str, device: str = 'cpu', threads: int | None = None) -> ViewPainter:
    """Load the painter of a policy: ours, or where the contract's base_model is the name of another package's, that.

    Args:
        policy_dir: The policy directory.
        device: Torch device.
        threads: CPU threads of torch, for the whole process; unchanged if None.

    Raises:
        PolicyError: if a file is missing or damaged, or there is no such painter.
        ContractError: if the contract cannot be understood, or the painter is not the one that it describes.
    """
    spec = PolicySpec.load(policy_dir)
    if is_ours(policy_dir, spec):
        return Painter.load(policy_dir, device, threads)
    name = spec.base_model.name
    return OtherPainter(name, PAINTERS.make(name, Path(policy_dir), spec, device), spec)


def is_ours(policy_dir: Path | str, spec: PolicySpec) -> bool:
    """Return whether the painter of a policy is a pipeline of ours, not one that the contract's base_model names."""
    # of its base model an old contract says no more than the name
    pipeline = (Path(policy_dir) / DIRECTORY / 'model_index.json').is_file()
    return spec.base_model.name == SMALL or spec.base_model.is_known or pipeline


def _check(what: str, name: str, views: object, wanted: tuple[int, ...]) -> None:
    if not isinstance(views, np.ndarray) or views.dtype != np.uint8 or views.shape != wanted:
        got = f'{views.dtype} {views.shape}' if isinstance(views, np.ndarray) else type(views).__name__
        raise ContractError(f'{what} painter {name}: got {got}, allowed: uint8 {wanted}')
