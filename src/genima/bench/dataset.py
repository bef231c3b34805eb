# SPDX-License-Identifier: Apache-2.0
"""How fast datasets are converted, targets rendered and samples loaded, per core.

A conversion of recordings of S seconds that takes C seconds of processor time, child processes included, runs at S / C
times real time per core. Everything runs in one process; encoders that use threads of their own are counted, too.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from genima.bench.loader import BATCH, one_thread, tiled_samples
from genima.convert.formats import FORMATS, NATIVE, plan
from genima.episodes.index import describe
from genima.episodes.store import list_episodes, read_episode
from genima.errors import GenimaError
from genima.randomize.textures import make_pool
from genima.train.controller_data import ControllerData
from genima.train.controller_views import draw_batch
from genima.train.render import RenderOptions, render_targets, target_blocks
from genima.train.samples import Samples, to_tensor

Row = dict[str, Any]

VARIANTS: dict[str, tuple[dict[str, str], ...]] = {
    'lerobot': ({'images': 'video'}, {'images': 'h264'}, {'images': 'png'}),
}
SAMPLES = 400
BACKGROUNDS = 50


def bench_dataset(data: Path | str, episodes: int = 5, recipe: str = 'small') -> Iterator[Row]:
    """Yield rows with what was measured, its value and unit, as they are known.

    Args:
        data: Folder of native episodes.
        episodes: Take so many of them.
        recipe: Of the contract for targets and samples.

    Raises:
        DatasetError: if there are no episodes.
    """
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / 'native'
        source.mkdir()
        for path in list_episodes(data)[:episodes]:
            shutil.copyfile(path, source / path.name)
        recorded_s = sum(_seconds(path) for path in list_episodes(source))
        for kind in FORMATS:
            if kind != NATIVE:
                yield from _conversions(source, Path(name), kind, recorded_s)
        try:
            with one_thread():
                yield from _loading(source, Path(name), recipe)
        except GenimaError as error:  # the conversions were measured all the same
            yield {'what': f'rendering and loading under recipe {recipe}', 'value': None, 'unit': str(error)}


def _seconds(path: Path) -> float:
    """Return how long an episode is: the last step lasts as long as the others do."""
    entry = describe(path)
    if entry.error:
        raise GenimaError(f'{path}: {entry.error}')
    return entry.seconds * entry.steps / max(entry.steps - 1, 1)


def _conversions(source: Path, folder: Path, kind: str, recorded_s: float) -> Iterator[Row]:
    """Convert to a format and back."""
    for number, options in enumerate(VARIANTS.get(kind, ({},))):
        there, back = folder / f'{kind}_{number}', folder / f'{kind}_{number}_native'
        words = ' '.join(['', *options.values()])
        yield _conversion(f'{NATIVE} to {kind}{words}', source, there, kind, options, recorded_s)
        if there.exists():
            yield _conversion(f'{kind}{words} to {NATIVE}', there, back, NATIVE, {}, recorded_s)


def _conversion(what: str, source: Path, out: Path, to: str, options: dict[str, str], recorded_s: float) -> Row:
    """Run one conversion; what cannot be done here is a row that says why."""
    try:
        (step,) = plan(source, out, to)
        started_s, cpu_s = time.perf_counter(), _cpu_s()
        step.run(lambda name: None, 1, options)
    except (GenimaError, ImportError) as error:
        return {'what': what, 'value': None, 'unit': str(error)}
    cpu_s, wall_s = _cpu_s() - cpu_s, time.perf_counter() - started_s
    return {'what': what, 'value': recorded_s / cpu_s, 'unit': 'x real time per core', 'wall_x': recorded_s / wall_s}


def _cpu_s() -> float:
    """Return processor time of this process and of the children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _loading(source: Path, folder: Path, recipe: str) -> Iterator[Row]:
    """Render targets and load samples."""
    samples = tiled_samples(source, recipe, len(list_episodes(source)))
    spec, profile, options = samples.spec, samples.profile, RenderOptions()
    path = list_episodes(source)[0]
    episode = read_episode(path, images=False)

    def blocks() -> int:
        return sum(len(block) * len(spec.cameras) for _, block in target_blocks(path, episode, spec, profile, options))

    def files() -> int:
        return sum(count for _, count in render_targets(source, folder / 'png', spec))

    blocks()  # compiles
    yield _rate('views read and drawn', 'views/s per core', blocks)
    yield _rate('views read, drawn and written as PNG', 'views/s per core', files)
    chosen = np.random.default_rng(0).integers(0, len(samples), SAMPLES)
    yield _rate('painter: views and targets as tensors', 'samples/s per core', lambda: _painter(samples, chosen))
    yield from _controller(source, samples)


def _painter(samples: Samples, chosen: np.ndarray) -> int:
    for start in range(0, len(chosen), BATCH):
        indices = chosen[start : start + BATCH]
        to_tensor(samples.images(indices)), to_tensor(samples.targets(indices))
    return len(chosen)


def _controller(source: Path, samples: Samples) -> Iterator[Row]:
    data, rng = ControllerData.load(source, samples.spec), np.random.default_rng(0)
    backgrounds = make_pool(rng, BACKGROUNDS, samples.spec.view_size_px)
    draw_batch(data, samples.spec, samples.profile, backgrounds, rng, BATCH)

    def draw() -> int:
        draw_batch(data, samples.spec, samples.profile, backgrounds, rng, SAMPLES // 4)
        return SAMPLES // 4

    yield _rate('controller: spheres on random backgrounds', 'samples/s per core', draw)


def _rate(what: str, unit: str, work: Callable[[], int]) -> Row:
    """Return a row with how much `work` gets done per second of processor time."""
    cpu_s = _cpu_s()
    done = work()
    return {'what': what, 'value': done / (_cpu_s() - cpu_s), 'unit': unit}
