# SPDX-License-Identifier: Apache-2.0
"""Back ends of one policy, in turn in one process: time, likeness to torch, and spheres against the true targets."""

import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from genima.backends.compare import psnr_db
from genima.backends.runners import BACK_ENDS, TORCH
from genima.controller.backend import SIDE as CONTROLLER
from genima.controller.backend import ControllerSide
from genima.controller.controller import Controller
from genima.controller.networks import ControllerNetwork, TorchNetwork
from genima.errors import GenimaError
from genima.evaluate.painter_error import Tally, compare
from genima.painter.backend import PainterSide
from genima.painter.exporting import SIDE as PAINTER
from genima.painter.networks import PainterNetworks, TorchNetworks
from genima.painter.painter import Painter
from genima.robots.profile import RobotProfile
from genima.train.samples import Samples, load_samples

REFERENCE = 'torch float32'
Row = dict[str, Any]


def bench_backends(policy: Path, data: Path, moments: int, threads: int = 1) -> tuple[list[Row], dict[str, str]]:
    """Measure every back end that can be used here.

    Args:
        policy: Policy directory, exported.
        data: Episodes that it was not trained on.
        moments: Spread over all episodes.
        threads: CPU threads.

    Returns:
        A row for each network and back end, and why others are missing. Times are processor time of the process [ms],
        medians; `ratio` is the reference's time by that of the row.
    """
    painter, controller = Painter.load(policy, threads=threads), Controller.load(policy)
    samples = load_samples(data, painter.spec, RobotProfile.load(painter.spec.robot))
    indices = [int(each) for each in np.unique(np.linspace(0, len(samples) - 1, moments).astype(int))]
    missing: dict[str, str] = {}
    painters: dict[str, PainterNetworks] = {REFERENCE: TorchNetworks(painter.pipeline, half=False), TORCH: painter.networks}
    painters |= _usable(PainterSide(policy, painter), missing)
    controllers: dict[str, ControllerNetwork] = {
        REFERENCE: TorchNetwork(controller.model, half=False), TORCH: controller.network,
    }  # fmt: skip
    controllers |= _usable(ControllerSide(policy, controller), missing)
    rows = _painter_rows(painter, painters, samples, indices)
    return rows + _controller_rows(controller, controllers, samples, indices), missing


def _usable(side: Any, missing: dict[str, str]) -> dict[str, Any]:
    """Return the checked networks of one side by back end."""
    found = {}
    for name in BACK_ENDS:
        try:
            exports = side.exports()
            network = side.open(exports, name)
            side.check(exports, name, network)
            found[name] = network
        except GenimaError as error:
            missing[f'{side.name}, {name}'] = str(error)
    return found


def _painter_rows(
    painter: Painter, networks: dict[str, PainterNetworks], samples: Samples, indices: list[int]
) -> list[Row]:
    times: dict[str, list[float]] = defaultdict(list)
    likeness: dict[str, list[float]] = defaultdict(list)
    tallies: dict[str, dict[str, Tally]] = {name: defaultdict(Tally) for name in networks}
    for network in networks.values():  # the first call prepares weights
        painter.paint_with(network, samples.views[indices[0]])
    for index in indices:
        painted = {}
        for name, network in networks.items():
            painted[name], spent_ms = _timed(partial(painter.paint_with, network, samples.views[index]))
            times[name].append(spent_ms)
            compare(samples, index, painted[name], tallies[name])
        for name, views in painted.items():
            likeness[name].append(psnr_db(painted[REFERENCE], views))
    rows = _timing_rows(PAINTER, times)
    for row in rows:
        figures = tallies[row['back_end']]['all'].figures()
        row['psnr_db'] = float(np.median(likeness[row['back_end']]))
        row.update({name: figures[name] for name in ('median_px', 'p90_px', 'missed_share')})
    return rows


def _controller_rows(
    controller: Controller, networks: dict[str, ControllerNetwork], samples: Samples, indices: list[int]
) -> list[Row]:
    times: dict[str, list[float]] = defaultdict(list)
    off_rad: dict[str, float] = defaultdict(float)
    for number, index in enumerate([indices[0], *indices]):  # the first call prepares weights
        chunks = {}
        targets = samples.target_views(index)
        for name, network in networks.items():
            controller.network = network
            moment = (targets, samples.q_rad[index], float(samples.gripper_open[index]), 0.1)
            chunks[name], spent_ms = _timed(partial(controller.act, *moment))
            if number:
                times[name].append(spent_ms)
        for name, chunk in chunks.items():
            off_rad[name] = max(off_rad[name], float(np.abs(chunk.q_rad - chunks[REFERENCE].q_rad).max()))
    rows = _timing_rows(CONTROLLER, times)
    return [{**row, 'off_rad': off_rad[row['back_end']]} for row in rows]


def _timed(run: Callable[[], Any]) -> tuple[Any, float]:
    """Return what `run` returns and the processor time that it took [ms]: another program's share does not count."""
    begun = time.process_time()
    result = run()
    return result, 1e3 * (time.process_time() - begun)


def _timing_rows(side: str, times: dict[str, list[float]]) -> list[Row]:
    medians = {name: float(np.median(each)) for name, each in times.items()}
    reference_ms = medians[REFERENCE]
    return [
        {'network': side, 'back_end': name, 'ms': value, 'ratio': reference_ms / value} for name, value in medians.items()
    ]
