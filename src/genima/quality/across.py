# SPDX-License-Identifier: Apache-2.0
"""What only shows when the episodes of a folder are laid side by side: swaps, copies, odd ones out."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from genima.quality.findings import Finding
from genima.quality.inspect import Inspection

FEWEST_TO_COMPARE = 3
"""With two episodes that differ nobody can say which is the odd one."""
_SWAPPED = 0.7


def check_across(episodes: Sequence[Inspection]) -> Iterator[Finding]:
    """Yield what is wrong between readable episodes of one folder."""
    yield from _check_copies(episodes)
    yield from _check_seeds(episodes)
    if len(episodes) >= FEWEST_TO_COMPARE:
        yield from _check_camera_sets(episodes)
        yield from _check_swapped_cameras(episodes)
    for key in ('robot', 'rate_hz', 'joint_names'):
        values = Counter(str(episode.metadata.get(key)) for episode in episodes)
        if len(values) > 1:
            text = ', '.join(f'{value} in {count}' for value, count in values.most_common(4))
            yield Finding('episodes-mixed', '.', f'the episodes have different {key}: {text}')


def _check_copies(episodes: Sequence[Inspection]) -> Iterator[Finding]:
    for kind in ('content_sha256', 'motion_sha256'):
        groups: dict[str, list[str]] = defaultdict(list)
        for episode in episodes:
            groups[getattr(episode, kind)].append(episode.file)
        for files in groups.values():
            contents = {episode.content_sha256 for episode in episodes if episode.file in files}
            if len(files) > 1 and (kind == 'content_sha256' or len(contents) == len(files)):
                what = 'contents' if kind == 'content_sha256' else 'times and joints (other metadata)'
                yield Finding('episode-duplicate', files[1], f'{", ".join(files)} have the same {what}')


def _check_seeds(episodes: Sequence[Inspection]) -> Iterator[Finding]:
    """Yield files whose seed or index is the number of another file, where most files are named by theirs."""
    for key in ('seed', 'index'):
        numbers = {episode.file: _number(episode.file) for episode in episodes}
        stated = {episode.file: episode.metadata[key] for episode in episodes if isinstance(episode.metadata.get(key), int)}
        odd = [file for file, value in stated.items() if numbers[file] != value]
        if len(odd) > 0.5 * len(stated):
            continue  # the files were numbered anew
        owner = {number: file for file, number in numbers.items()}
        for file in odd:
            if stated[file] in owner:
                text = f'its metadata say {key} {stated[file]}, which is the number of {owner[stated[file]]}'
                yield Finding('episodes-swapped', file, text)


def _check_camera_sets(episodes: Sequence[Inspection]) -> Iterator[Finding]:
    counts = Counter(name for episode in episodes for name in episode.looks)
    usual = {name for name, count in counts.items() if count > 0.5 * len(episodes)}
    for episode in episodes:
        for name in sorted(usual - set(episode.looks)):
            text = f'it has no camera {name}, which {counts[name]} of {len(episodes)} episodes have'
            yield Finding('camera-missing', episode.file, text)


def _check_swapped_cameras(episodes: Sequence[Inspection]) -> Iterator[Finding]:
    """Compare the mean picture of each camera with the usual ones of all cameras."""
    names = sorted(set.intersection(*(set(episode.looks) for episode in episodes)))
    if len(names) < 2:
        return
    looks = np.array([[_normal(episode.looks[name]) for name in names] for episode in episodes])
    usual = np.median(looks, axis=0)
    for episode, own in zip(episodes, looks, strict=True):
        cost = np.sqrt(((own[:, None] - usual[None]) ** 2).mean(axis=-1))
        order = linear_sum_assignment(cost)[1]
        moved = np.flatnonzero(order != np.arange(len(names)))
        if len(moved) and cost[moved, order[moved]].sum() < _SWAPPED * cost[moved, moved].sum():
            text = ', '.join(f'{names[index]} looks like {names[order[index]]}' for index in moved)
            yield Finding('cameras-swapped', episode.file, f'compared with the other episodes {text}')


def _normal(picture: np.ndarray) -> np.ndarray:
    """Return a picture as one row without its brightness and contrast."""
    row = picture.ravel() - picture.mean()
    return row / max(float(row.std()), 1.0)


def _number(file: str) -> int | None:
    found = re.search(r'(\d+)\.h5$', file)
    return int(found.group(1)) if found else None
