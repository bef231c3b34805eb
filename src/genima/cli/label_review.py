# SPDX-License-Identifier: Apache-2.0
"""Episodes one by one in a terminal, with some of their images, to be judged by a key."""

from pathlib import Path

import cv2
import numpy as np
import typer
from numpy.typing import NDArray
from rich.text import Text

from genima.cli.output import console
from genima.episodes.episode import FAILURES
from genima.episodes.frames import open_views
from genima.episodes.label_file import apply, find_episode, now
from genima.episodes.labels import Label, read_labels
from genima.episodes.store import list_episodes, read_episode

MOMENTS, CAMERAS = 4, 2
WIDEST = 160  # characters


def review(folder: Path, annotator: str, only: str = '') -> None:
    """Ask for a label of each episode that this annotator has not judged; each answer is written at once.

    Args:
        folder: The dataset.
        annotator: Who judges; the labels of others are not shown, so that they cannot influence.
        only: Number or name of one episode, which is asked for even if it was judged.
    """
    Label(annotator, True)  # a name that is not allowed fails before the work
    paths = [find_episode(folder, only)] if only else list_episodes(folder)
    for number, path in enumerate(paths, start=1):
        episode = read_episode(path, images=False)
        if not only and annotator in {each.annotator for each in read_labels(episode.metadata)}:
            continue
        task = episode.metadata.get('instruction') or episode.metadata.get('task') or 'no task named'
        seconds = float(episode.timestamps_s[-1] - episode.timestamps_s[0]) if len(episode) else 0.0
        console.print(f'{path.name} ({number} of {len(paths)}): {task}, {seconds:.1f} s', markup=False)
        _show(path)
        answer = _ask('s success, f failure, k skip, q quit', 'sfkq')
        if answer == 'q':
            return
        if answer != 'k':
            cause = _cause() if answer == 'f' else ''
            apply(folder, [(path.name, Label(annotator, answer == 's', cause, at=now()))])


def blocks(image: NDArray[np.uint8]) -> Text:
    """Return an image (H, W, 3) as characters: each shows two pixels, one above the other."""
    text = Text()
    for upper, lower in zip(image[: len(image) // 2 * 2 : 2], image[1::2], strict=True):
        for above, below in zip(upper, lower, strict=True):
            text.append('▀', f'rgb({above[0]},{above[1]},{above[2]}) on rgb({below[0]},{below[1]},{below[2]})')
        text.append('\n')
    return text


def _show(path: Path) -> None:
    width = min(console.width, WIDEST) // MOMENTS - 1
    with open_views(path) as views:
        for name, frames in list(views.items())[:CAMERAS]:
            steps = np.linspace(0, len(frames) - 1, min(MOMENTS, len(frames))).astype(int)
            size = width, max(2, round(width * frames.shape[1] / frames.shape[2]))
            row = [np.pad(_small(frames[int(step)], size), ((0, 0), (0, 1), (0, 0))) for step in steps]
            console.print(name, markup=False)
            console.print(blocks(np.concatenate(row, axis=1)), end='')


def _small(frame: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _cause() -> str:
    keys = '0' + ''.join(str(number) for number in range(1, len(FAILURES) + 1))
    named = ', '.join(f'{number} {name}' for number, name in enumerate(FAILURES, start=1))
    answer = int(_ask(f'why? {named}, 0 not known', keys))
    return FAILURES[answer - 1] if answer else ''


def _ask(question: str, keys: str) -> str:
    while True:
        answer = str(typer.prompt(question)).strip().lower()
        if len(answer) == 1 and answer in keys:
            return answer
        console.print(f'one of {", ".join(keys)}')
