# SPDX-License-Identifier: Apache-2.0
"""Recorded episodes under another light, and a note of it in their metadata."""

import zlib
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from genima.episodes.episode import Episode
from genima.episodes.store import list_episodes, read_episode, write_episode
from genima.processes import in_processes
from genima.randomize.photometric import LIGHTING, Light, random_light, relight


def relit(episode: Episode, light: Light) -> Episode:
    """Return the same demonstration under another light; what its metadata say about diversity is carried on.

    Args:
        episode: With its views.
        light: For the whole episode, in all views: a lamp does not change from picture to picture.
    """
    noted = episode.metadata.get('diversity') or {}
    conditions = list(dict.fromkeys([*noted.get('conditions', ()), *LIGHTING]))
    diversity = {**noted, 'lighting': f'{light.describe()} (made from the recorded views)', 'conditions': conditions}
    return replace(
        episode,
        views={name: relight(images, light) for name, images in episode.views.items()},
        metadata={**episode.metadata, 'diversity': diversity},
    )


def relight_dataset(source: Path | str, out: Path | str, seed: int = 0, workers: int = 1) -> Iterator[str]:
    """Write every episode of a folder under a random light into another, and yield the names of those that were written.

    Args:
        source: Folder of episodes.
        out: Another folder; episodes that it has already are kept.
        seed: The light of an episode depends on it and on the episode's name alone.
        workers: Processes.

    Raises:
        DatasetError: if there are no episodes, or one cannot be read.
    """
    missing = [path for path in list_episodes(source) if not (Path(out) / path.name).exists()]
    yield from in_processes(partial(_relight_one, Path(out), seed), missing, workers)


def _relight_one(out: Path, seed: int, path: Path) -> str:
    rng = np.random.default_rng([seed, zlib.crc32(path.name.encode())])
    write_episode(out / path.name, relit(read_episode(path), random_light(rng)))
    return path.name
