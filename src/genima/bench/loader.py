# SPDX-License-Identifier: Apache-2.0
"""Samples per second and core: our loader and the original's PNG folders, on the same moments, in one run.

Both sides give the same pixels; that is checked before anything is measured. Both find their data in memory (the system's
page cache), run on one thread, and take turns; what is counted is processor time, so that other work on the machine
disturbs neither. Ours draws the spheres anew in every sample, theirs were drawn before.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from genima.bench.png_folders import TARGETS, VIEWS, by_opencv, by_pil, read_pixels, read_tensors, write_png
from genima.contract.spec import PolicySpec
from genima.episodes.store import list_episodes, read_episode
from genima.errors import GenimaError
from genima.robots.profile import RobotProfile
from genima.train.samples import Samples, load_samples, to_tensor

BATCH = 8
Read = Callable[[list[int]], object]

TENSORS = 'views and targets, float tensors'
PIXELS = 'views and targets, pixels'
LATENTS = 'views only, float tensors (targets are kept as latents)'


def bench_loader(
    data: Path | str, recipe: str = 'small', moments: int = 200, rounds: int = 5, episodes: int = 10
) -> list[dict[str, Any]]:
    """Return one row per kind of output: samples per second and core of either side, and their ratio.

    Args:
        data: Folder of episodes.
        recipe: Of the contract; its views must be tiled, as the original's are.
        moments: Different samples.
        rounds: How often each side reads them all; the median counts.
        episodes: Read so many episodes at most.

    Raises:
        DatasetError: if the episodes do not fit the contract.
        GenimaError: if the two sides do not give the same.
    """
    samples = tiled_samples(data, recipe, episodes)
    chosen = np.random.default_rng(0).integers(0, len(samples), moments).tolist()
    with tempfile.TemporaryDirectory() as name, one_thread():
        folder = Path(name)
        for index in sorted(set(chosen)):
            write_png(folder, index, samples.images([index])[0], samples.targets([index])[0])
        _check_same(samples, folder, chosen[:BATCH])
        return [_row(output, *sides, chosen, rounds) for output, sides in _sides(samples, folder).items()]


def tiled_samples(data: Path | str, recipe: str, episodes: int) -> Samples:
    """Load the first episodes of a folder under the contract of a recipe for their robot.

    Raises:
        GenimaError: if the recipe's views are not tiled.
    """
    robot = read_episode(list_episodes(data)[0], images=False).metadata.get('robot', 'panda')
    profile = RobotProfile.load(robot)
    spec = PolicySpec.from_recipe(recipe, profile)
    if spec.tiling != 'tiled':
        raise GenimaError(f'recipe {recipe} has tiling {spec.tiling}; the original tiles its views: take a tiled recipe')
    return load_samples(data, spec, profile, limit=episodes)


def _sides(samples: Samples, folder: Path) -> dict[str, tuple[Read, Read, Read]]:
    """Return for each output how we read it, how the original does, and how PNG can be read faster."""

    def theirs(read: Callable[..., object], names: tuple[str, ...], decode: Callable[[bytes], np.ndarray]) -> Read:
        return lambda indices: [read(folder, name, indices, decode) for name in names]

    both, views = (VIEWS, TARGETS), (VIEWS,)
    return {
        TENSORS: (
            lambda indices: (to_tensor(samples.images(indices)), to_tensor(samples.targets(indices))),
            theirs(read_tensors, both, by_pil),
            theirs(read_tensors, both, by_opencv),
        ),
        PIXELS: (
            lambda indices: (samples.images(indices), samples.targets(indices)),
            theirs(read_pixels, both, by_pil),
            theirs(read_pixels, both, by_opencv),
        ),
        LATENTS: (
            lambda indices: to_tensor(samples.images(indices)),
            theirs(read_tensors, views, by_pil),
            theirs(read_tensors, views, by_opencv),
        ),
    }


def _check_same(samples: Samples, folder: Path, indices: list[int]) -> None:
    """Refuse to compare what is not the same: pixels to the bit, tensors to a ten-millionth."""
    for name, ours in ((VIEWS, samples.images(indices)), (TARGETS, samples.targets(indices))):
        for decode in (by_pil, by_opencv):
            theirs = read_tensors(folder, name, indices, decode)
            theirs = 2 * theirs - 1 if name == VIEWS else theirs
            same = (read_pixels(folder, name, indices, decode) == ours).all()
            if not same or not torch.allclose(theirs, to_tensor(ours), atol=1e-6):
                raise GenimaError(f'{name}: the PNG side does not give what ours gives; the bench is broken')


def _row(output: str, ours: Read, pil: Read, opencv: Read, chosen: list[int], rounds: int) -> dict[str, Any]:
    sides = {'ours': ours, 'png': pil, 'png_opencv': opencv}
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, read in sides.items():
            rates[name].append(_rate(read, chosen))
    figures = {f'{name}_per_s': statistics.median(values) for name, values in rates.items()}
    ratios = {
        'ratio': figures['ours_per_s'] / figures['png_per_s'],
        'ratio_opencv': figures['ours_per_s'] / figures['png_opencv_per_s'],
    }
    return {'output': output, **figures, **ratios}


def _rate(read: Read, chosen: list[int]) -> float:
    """Return samples per second of processor time."""
    started_s = time.process_time()
    for start in range(0, len(chosen), BATCH):
        read(chosen[start : start + BATCH])
    return len(chosen) / (time.process_time() - started_s)


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep the libraries here on one thread while the block runs."""
    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])
