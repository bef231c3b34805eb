# SPDX-License-Identifier: Apache-2.0
"""The painter's side of the choice of a back end: its exports, and the views that each back end has to paint right."""

from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from genima.backends.choose import Choice, choose
from genima.backends.compare import psnr_db
from genima.backends.exported import Exports, read_exports, remedy
from genima.backends.runners import AUTO, BACK_ENDS
from genima.borders.files import border
from genima.borders.weights import stored_shapes
from genima.contract.spec import PolicySpec
from genima.errors import BorderError, GenimaError, PolicyError
from genima.painter.door import ViewPainter, is_ours, open_painter
from genima.painter.exporting import SIDE, painter_sources
from genima.painter.networks import ExportedNetworks, PainterNetworks, TorchNetworks
from genima.painter.painter import Painter

EXACT_DB, ROUNDED_DB = 60.0, 35.0
"""Least likeness to torch in float32: of a back end that computes in float32, of one in int8 or bfloat16."""


def load_painter(
    policy_dir: Path | str, device: str = 'cpu', threads: int | None = None, back_end: str = 'torch'
) -> tuple[Painter, Choice[PainterNetworks]]:
    """Load a painter with what runs its networks.

    Args:
        policy_dir: The policy directory.
        device: Torch device.
        threads: CPU threads, for the whole process; unchanged if None.
        back_end: Of `backends.runners.NAMES`.

    Raises:
        PolicyError: if a file is missing or damaged, or the exports were made from other weights.
        ContractError: if the contract cannot be understood, or the painter is not the one that it describes.
        GenimaError: if the back end is not there, or does not paint what torch paints.
    """
    painter = Painter.load(policy_dir, device, threads)
    choice = choose(back_end, PainterSide(Path(policy_dir), painter), device)
    painter.networks = choice.network
    return painter, choice


def load_any_painter(
    policy_dir: Path | str, device: str = 'cpu', threads: int | None = None, back_end: str = AUTO
) -> tuple[ViewPainter, str]:
    """Load a painter, ours or another package's, and say what runs it; see `load_painter`.

    Raises:
        GenimaError: as `load_painter` does, or if a back end is named for a painter that is not ours.
    """
    spec = PolicySpec.load(policy_dir)
    if is_ours(policy_dir, spec):
        ours, choice = load_painter(policy_dir, device, threads, back_end)
        return ours, choice.words
    name = spec.base_model.name
    if back_end != AUTO:
        raise GenimaError(f'backend: got {back_end}, allowed: {AUTO}; painter {name} is not ours and runs itself')
    return open_painter(policy_dir, device, threads), f'that of painter {name}'


class PainterSide:
    """A painter, as `choose` sees it."""

    name = SIDE

    def __init__(self, policy_dir: Path, painter: Painter) -> None:
        self._policy_dir, self._painter = policy_dir, painter
        self.torch: PainterNetworks = painter.networks
        self.threads = torch.get_num_threads()
        self._check_views: NDArray[np.uint8] | None = None
        self._painted: NDArray[np.uint8] | None = None

    def exports(self) -> Exports:
        """Return what was exported; raises a PolicyError if nothing usable was."""
        return read_exports(self._policy_dir, SIDE, partial(painter_sources, self._policy_dir))

    def open(self, exports: Exports, back_end: str) -> PainterNetworks:
        """Load step and decoder; raises a GenimaError if they cannot be."""
        how = BACK_ENDS[back_end]
        step, decoder = (how.load(exports.path(name, how.form), self.threads) for name in ('step', 'decoder'))
        return ExportedNetworks(step, decoder)

    def check(self, exports: Exports, back_end: str, network: PainterNetworks) -> str:
        """Paint the views of the self-check; raises a PolicyError if the images are not those of torch in float32."""
        views = self._views(exports)
        try:
            got = self._painter.paint_with(network, views)
        except Exception as error:  # each library has errors of its own
            raise PolicyError(f'{back_end} does not run ({str(error)[:300]}); {remedy(exports.directory)}') from error
        likeness_db = psnr_db(self._expected(views), got)
        exact = BACK_ENDS[back_end].exact and self._painter.pipeline.unet.dtype == torch.float32
        least_db = EXACT_DB if exact else ROUNDED_DB
        if likeness_db < least_db:
            raise PolicyError(
                f'{back_end} paints another image than torch: PSNR {likeness_db:.1f} dB, allowed from {least_db:.0f}; '
                f'take backend torch, or {remedy(exports.directory)}'
            )
        return f'checked against torch: PSNR {likeness_db:.1f} dB'

    def run(self, exports: Exports, network: PainterNetworks) -> None:
        """Paint once."""
        self._painter.paint_with(network, self._views(exports))

    def _views(self, exports: Exports) -> NDArray[np.uint8]:
        if self._check_views is None:
            self._check_views = self._read_views(exports)
        return self._check_views

    def _read_views(self, exports: Exports) -> NDArray[np.uint8]:
        path = exports.path('check', 'safetensors')
        spec = self._painter.spec
        wanted = (len(spec.cameras), spec.view_size_px, spec.view_size_px, 3)
        with border(path, remedy(exports.directory), PolicyError):
            if stored_shapes(path) != {'views': wanted}:
                raise BorderError(f'{path} does not hold views of shape {wanted}')
            views = load_file(path)['views'].numpy()
            if views.dtype != np.uint8:
                raise BorderError(f'{path} holds {views.dtype}, not uint8')
        return views

    def _expected(self, views: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self._painted is None:
            self._painted = self._painter.paint_with(TorchNetworks(self._painter.pipeline, half=False), views)
        return self._painted
