# SPDX-License-Identifier: Apache-2.0
"""The statistics that LeRobot normalises with: of one episode, and of all episodes together.

Source: huggingface/lerobot 0.4.4, `datasets/compute_stats.py`. Quantiles are exact here, not estimated from histograms.
"""

from typing import Any

import numpy as np

Stats = dict[str, np.ndarray]

QUANTILES = {'q01': 0.01, 'q10': 0.10, 'q50': 0.50, 'q90': 0.90, 'q99': 0.99}
_FEWEST_FRAMES, _MOST_FRAMES = 100, 10_000
_SMALL_PX, _TARGET_PX = 300, 150


def number_stats(values: np.ndarray) -> Stats:
    """Return the statistics of (T,) or (T, k) numbers, each as (k,), and `count` as (1,)."""
    rows = values.reshape(len(values), -1).astype(np.float64)
    quantiles = np.quantile(rows, list(QUANTILES.values()), axis=0)
    return {
        'min': rows.min(axis=0),
        'max': rows.max(axis=0),
        'mean': rows.mean(axis=0),
        'std': rows.std(axis=0),
        'count': np.array([len(rows)]),
        **dict(zip(QUANTILES, quantiles, strict=True)),
    }


def color_counts(frame: np.ndarray) -> np.ndarray:
    """Return how often each value occurs in each channel of a picture (H, W, 3) uint8, as (3, 256); large ones thinned.

    Every k-th pixel of a picture of 300 or more counts, so that its longer side keeps about 150, as in LeRobot.
    """
    longer = max(frame.shape[:2])
    step = 1 if longer < _SMALL_PX else longer // _TARGET_PX
    pixels = frame[::step, ::step].reshape(-1, 3)
    return np.stack([np.bincount(pixels[:, channel], minlength=256) for channel in range(3)])


def image_stats(counts: np.ndarray, frames: int) -> Stats:
    """Return the statistics of pictures from their summed `color_counts`, each (3, 1, 1) on the scale 0 to 1."""
    values, total = np.arange(256) / 255, counts.sum(axis=1)
    seen = counts > 0
    mean = counts @ values / total
    cumulated = counts.cumsum(axis=1)
    stats = {
        'min': values[seen.argmax(axis=1)],
        'max': values[255 - seen[:, ::-1].argmax(axis=1)],
        'mean': mean,
        'std': np.sqrt((counts * (values - mean[:, None]) ** 2).sum(axis=1) / total),
        **{name: values[(cumulated >= share * total[:, None]).argmax(axis=1)] for name, share in QUANTILES.items()},
    }
    return {**{key: value.reshape(3, 1, 1) for key, value in stats.items()}, 'count': np.array([frames])}


def sampled_frames(steps: int) -> np.ndarray:
    """Return which frames of an episode stand for all of it."""
    wanted = max(min(_FEWEST_FRAMES, steps), min(int(steps**0.75), _MOST_FRAMES))
    return np.round(np.linspace(0, steps - 1, wanted)).astype(int)


def aggregate(parts: list[Stats]) -> Stats:
    """Return the statistics of all episodes; quantiles are averages weighted by the count, as LeRobot has them."""
    counts = np.array([part['count'][0] for part in parts], dtype=np.float64)

    def average(values: list[np.ndarray]) -> np.ndarray:
        return np.tensordot(counts / counts.sum(), np.stack(values), axes=1)

    mean = average([part['mean'] for part in parts])
    variance = average([part['std'] ** 2 + (part['mean'] - mean) ** 2 for part in parts])
    return {
        'min': np.min([part['min'] for part in parts], axis=0),
        'max': np.max([part['max'] for part in parts], axis=0),
        'mean': mean,
        'std': np.sqrt(variance),
        'count': np.array([int(counts.sum())]),
        **{key: average([part[key] for part in parts]) for key in QUANTILES},
    }


def to_lists(stats: dict[str, Stats]) -> dict[str, dict[str, Any]]:
    """Return the statistics of every feature as plain lists, for JSON and Parquet."""
    return {key: {name: value.tolist() for name, value in each.items()} for key, each in stats.items()}


def to_arrays(stats: dict[str, dict[str, Any]]) -> dict[str, Stats]:
    """Return what `to_lists` gave as arrays again."""
    return {key: {name: np.array(value) for name, value in each.items()} for key, each in stats.items()}
