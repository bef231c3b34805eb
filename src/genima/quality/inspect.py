# SPDX-License-Identifier: Apache-2.0
"""Everything that can be said about one episode file without its neighbours, and what they will be compared by."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from genima.episodes.episode import FAILURES, MAX_RATE_HZ, Episode
from genima.episodes.frames import open_views
from genima.episodes.labels import faults
from genima.episodes.store import read_episode
from genima.errors import DatasetError, ProfileError
from genima.quality.findings import ERROR, Finding
from genima.quality.gripper import check_gripper
from genima.quality.images import check_calibration, check_look, look
from genima.quality.motion import check_joints, check_times
from genima.quality.structure import check_file
from genima.robots.profile import RobotProfile

REQUIRED = ('robot', 'task', 'instruction', 'joint_names', 'rate_hz', 'success')
"""Metadata that training, filters and converters ask for; docs/dataset.md lists the others."""


@dataclass(frozen=True, eq=False)
class Inspection:
    """One episode: what is wrong, and what it is compared by.

    Attributes:
        file: Its name.
        findings: In the order of the checks.
        content_sha256: Of its contents as they are now; empty where they cannot be read.
        motion_sha256: Of times and joints alone: a copy under other metadata has the same.
        metadata: As in the file.
        looks: Camera name to its mean picture, (16, 16, 3).
    """

    file: str
    findings: tuple[Finding, ...]
    content_sha256: str = ''
    motion_sha256: str = ''
    metadata: dict[str, Any] = field(default_factory=dict)
    looks: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def readable(self) -> bool:
        """True where the contents could be compared."""
        return bool(self.content_sha256)


def inspect(path: Path) -> Inspection:
    """Check one episode file."""
    findings, digest = check_file(path)
    if any(finding.severity == ERROR and finding.code != 'digest-differs' for finding in findings):
        return Inspection(path.name, tuple(findings))
    try:
        episode = read_episode(path, images=False)
    except DatasetError as error:
        return Inspection(path.name, (*findings, Finding('file-damaged', path.name, str(error))))
    if not len(episode):
        return Inspection(path.name, (*findings, Finding('episode-empty', path.name, 'there is no step in it')))
    looks: dict[str, np.ndarray] = {}
    findings += check_metadata(episode.metadata, path.name)
    findings += _check_numbers(episode, path.name)
    findings += _check_views(episode, path, looks)
    motion = hashlib.sha256(episode.q_rad.tobytes() + np.diff(episode.timestamps_s).tobytes()).hexdigest()
    return Inspection(path.name, tuple(findings), digest, motion, episode.metadata, looks)


def check_metadata(metadata: dict[str, Any], where: str) -> Iterator[Finding]:
    """Yield what the metadata of an episode lack, and values that make no sense."""
    missing = [name for name in REQUIRED if name not in metadata]
    if missing:
        yield Finding('metadata-missing', where, f'the metadata do not say {", ".join(missing)}')
    rate_hz, success, failure = metadata.get('rate_hz'), metadata.get('success'), metadata.get('failure')
    number = isinstance(rate_hz, (int, float)) and not isinstance(rate_hz, bool)
    if rate_hz is not None and not (number and 0 < rate_hz <= MAX_RATE_HZ):
        yield Finding('metadata-value', where, f'rate_hz is {rate_hz!r}; it is a number above 0, at most {MAX_RATE_HZ:g}')
    if success is not None and not isinstance(success, bool):
        yield Finding('metadata-value', where, f'success is {success!r}; it is true, false, or null where nobody judged')
    if failure and (failure not in FAILURES or success is not False):
        text = (
            f'failure is {failure!r} with success {success}; it goes with success false and is one of {", ".join(FAILURES)}'
        )
        yield Finding('metadata-value', where, text)
    for text in faults(metadata):
        yield Finding('metadata-value', where, text)


@lru_cache(maxsize=16)
def load_profile(robot: str) -> RobotProfile | None:
    """Return the profile of a robot, None where there is none."""
    try:
        return RobotProfile.named(robot or 'unnamed')
    except ProfileError:
        return None


def _check_numbers(episode: Episode, where: str) -> Iterator[Finding]:
    broken = [
        name
        for name in ('timestamps_s', 'q_rad', 'gripper_open', 'q_command_rad', 'plan_q_rad')
        if getattr(episode, name) is not None and not np.isfinite(getattr(episode, name)).all()
    ]
    broken += [f'capture_s of {name}' for name, times_s in episode.capture_s.items() if not np.isfinite(times_s).all()]
    if broken:
        yield Finding('not-finite', where, f'{", ".join(broken)} hold NaN or infinity')
        return
    profile = load_profile(str(episode.metadata.get('robot') or ''))
    yield from check_times(episode, where)
    yield from check_gripper(episode, profile, where)
    if profile is None:
        yield Finding('robot-unknown', where, f'there is no profile of robot {episode.metadata.get("robot")!r}')
    else:
        yield from check_joints(episode, profile, where)


def _check_views(episode: Episode, path: Path, looks: dict[str, np.ndarray]) -> Iterator[Finding]:
    with open_views(path) as views:
        yield from check_calibration({name: frames.shape for name, frames in views.items()}, episode.cameras, path.name)
        for name, frames in views.items():
            seen = look(frames)
            looks[name] = seen.mean
            yield from check_look(seen, name, episode.timestamps_s, episode.q_rad, path.name)
