# SPDX-License-Identifier: Apache-2.0
"""Look at native episodes before they are exported: do they fit into one LeRobot dataset, and what goes where?"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from genima.convert.lerobot.layout import Shape
from genima.episodes.episode import MAX_RATE_HZ, Episode
from genima.episodes.frames import open_views
from genima.episodes.index import describe
from genima.episodes.store import list_episodes, read_episode
from genima.errors import DatasetError


@dataclass(frozen=True)
class Job:
    """One episode to export.

    Attributes:
        source: The native file, and `content_sha256` of what is in it.
        episode_index: Place in the dataset; its rows start at `first_row`.
        steps: Number of rows.
        task: What is said to the policy, number `task_index` of the dataset's tasks.
    """

    source: Path
    content_sha256: str
    episode_index: int
    first_row: int
    steps: int
    task: str
    task_index: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, by which a finished part is recognised; where the source lies does not count."""
        return {**asdict(self), 'source': self.source.stem}


def survey(directory: Path) -> tuple[Shape, list[Job]]:
    """Return what the episodes of a native folder have in common, and one job each in the order of their names.

    Raises:
        DatasetError: if an episode is damaged, or differs from the first one in something that a LeRobot dataset has only
            once: robot, rate, joints, cameras, sizes of views.
    """
    shape: Shape | None = None
    jobs: list[Job] = []
    tasks: dict[str, int] = {}
    for path in list_episodes(directory):
        entry = describe(path)
        if entry.error:
            raise DatasetError(entry.error)
        episode = read_episode(path, images=False)
        own = _shape(path, episode)
        shape = own if shape is None else _common(path, shape, own)
        task = _task(episode)
        first_row = jobs[-1].first_row + jobs[-1].steps if jobs else 0
        index = tasks.setdefault(task, len(tasks))
        jobs.append(Job(path, entry.content_sha256, len(jobs), first_row, len(episode), task, index))
    assert shape is not None  # list_episodes returns at least one
    return shape, jobs


def tasks_of(jobs: Sequence[Job]) -> list[str]:
    """Return the tasks in the order of their indices."""
    return [task for _, task in sorted({job.task_index: job.task for job in jobs}.items())]


def _shape(path: Path, episode: Episode) -> Shape:
    metadata, n_joints = episode.metadata, episode.q_rad.shape[1]
    names = metadata.get('joint_names') or [f'joint{index + 1}' for index in range(n_joints)]
    if len(names) != n_joints:
        raise DatasetError(f'{path} names {len(names)} joints and holds {n_joints}; `genima dataset verify` says more')
    with open_views(path) as opened:
        sizes = {camera: frames.shape for camera, frames in opened.items()}
    for camera, size in sizes.items():
        if len(size) != 4 or size[3] != 3 or size[0] != len(episode):
            raise DatasetError(f'{path}: views of {camera} have shape {size}, ({len(episode)}, height, width, 3) is needed')
    return Shape(
        robot=str(metadata.get('robot') or ''),
        fps=_fps(path, episode),
        joint_names=tuple(names),
        views=tuple((camera, size[1], size[2]) for camera, size in sorted(sizes.items())),
        clocks=tuple(sorted(episode.capture_s)),
        plan_steps=0 if episode.plan_q_rad is None else episode.plan_q_rad.shape[1],
    )


def _fps(path: Path, episode: Episode) -> int:
    rate_hz = episode.metadata.get('rate_hz')
    if not rate_hz and len(episode) > 1:
        rate_hz = 1 / float(np.median(np.diff(episode.timestamps_s)))
    rate_hz = float(rate_hz or 0)
    fps = round(rate_hz) if 0 < rate_hz <= MAX_RATE_HZ else 0
    if fps < 1 or abs(rate_hz - fps) > 0.01 * fps:
        raise DatasetError(
            f'{path} has a rate of {rate_hz} Hz; LeRobot counts whole frames per second: align it again with a whole rate'
        )
    return fps


def _common(path: Path, shape: Shape, own: Shape) -> Shape:
    """Return the shape of both, which may differ in the length of the plans only."""
    for name, value in asdict(shape).items():
        if name != 'plan_steps' and getattr(own, name) != value:
            raise DatasetError(
                f'{path} has {name} {getattr(own, name)}, the episodes before it have {value}; a LeRobot dataset has one '
                'for all: convert them from folders of their own'
            )
    return replace(shape, plan_steps=max(shape.plan_steps, own.plan_steps))


def _task(episode: Episode) -> str:
    return str(episode.metadata.get('instruction') or episode.metadata.get('task') or '')
