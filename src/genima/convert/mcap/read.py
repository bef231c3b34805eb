# SPDX-License-Identifier: Apache-2.0
"""One recording as a native episode."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from genima.align.demonstration import Aligned, GridOptions, Moments, align
from genima.align.grid import to_nanoseconds, to_seconds
from genima.borders.files import border
from genima.cameras.model import MountedCamera
from genima.convert.mcap.choice import EXACT, Choice
from genima.convert.mcap.survey import Survey
from genima.convert.mcap.views import read_views
from genima.episodes.episode import Episode
from genima.episodes.store import write_episode
from genima.errors import DatasetError, GenimaError
from genima.recording.layout import is_finished, read_summary
from genima.recording.reader import Bag
from genima.robots.profile import RobotProfile

STAMP_S = 1e-6  # times that were exact may differ by so much from stamps in whole nanoseconds
POSE = 1e-9


@dataclass(frozen=True)
class Wanted:
    """What the user said about recordings.

    Attributes:
        robot: profile name or file; None: as the recording says.
        rate_hz: steps per second; None: as the episode had before it was exported, 10 otherwise.
        offsets_s: camera name to latency [s].
        options: the other limits.
        choice: which topics are the robot's.
    """

    robot: str | None = None
    rate_hz: float | None = None
    offsets_s: Mapping[str, float] = field(default_factory=dict)
    options: GridOptions = field(default_factory=GridOptions)
    choice: Choice = field(default_factory=Choice)


def load_recording(wanted: Wanted, out: Path, recording: tuple[str, Path]) -> tuple[str, str]:
    """Write one recording into a native folder.

    Args:
        wanted: how.
        out: the native folder.
        recording: the name of the episode and the folder of its bag.

    Returns:
        The name, and why it failed; empty if it did not.
    """
    name, folder = recording
    try:
        with border(folder, 'copy it again, or `genima dataset repair` it'):
            _load(wanted, out / f'{name}.h5', folder)
    except GenimaError as error:
        return name, f'{folder}: {error}'
    return name, ''


def robot_of(folder: Path, robot: str | None) -> str:
    """Return the profile of a recording's robot: `robot` if it is given, else what the recording says.

    Raises:
        DatasetError: if nobody says.
    """
    known = robot or (read_summary(folder)['provenance'].get('robot') if is_finished(folder) else None)
    if not known:
        raise DatasetError('the recording does not name its robot; name its profile with --robot')
    return str(known) if robot else RobotProfile.named(known).name


def _load(wanted: Wanted, path: Path, folder: Path) -> None:
    summary = read_summary(folder) if is_finished(folder) else {}
    provenance = dict(summary.get('provenance', {}))
    exact = provenance.pop(EXACT, None)
    profile, bag = RobotProfile.load(robot_of(folder, wanted.robot)), Bag(folder)
    survey = Survey(profile, wanted.offsets_s, wanted.choice)
    survey.read(bag)
    cameras = survey.cameras()
    if exact is None or wanted.rate_hz is not None or wanted.offsets_s:
        options = replace(wanted.options, rate_hz=wanted.rate_hz or wanted.options.rate_hz)
        aligned = align(survey.streams, options)
        metadata = _metadata(summary, provenance, profile, survey, aligned)
    else:
        aligned, cameras = _restored(survey, exact, cameras)
        metadata = provenance
    with tempfile.TemporaryDirectory(prefix='.frames-', dir=path.parent) as scratch:
        views, unread = read_views(bag, survey, aligned, cameras, Path(scratch))
        write_episode(path, _episode(replace(aligned, ignore=aligned.ignore | unread), views, cameras, metadata))


def _episode(
    aligned: Aligned, views: dict[str, np.ndarray], cameras: dict[str, MountedCamera], metadata: dict[str, Any]
) -> Episode:
    return Episode(
        timestamps_s=aligned.timestamps_s,
        views=views,
        q_rad=aligned.q_rad,
        gripper_open=aligned.gripper_open,
        q_command_rad=aligned.q_command_rad,
        gripper_command_open=aligned.gripper_command_open,
        cameras=cameras,
        metadata=metadata,
        plan_q_rad=aligned.plan_q_rad,
        plan_gripper_open=aligned.plan_gripper_open,
        capture_s=aligned.capture_s,
        ignore=aligned.ignore,
    )


def _metadata(
    summary: dict[str, Any], provenance: dict[str, Any], profile: RobotProfile, survey: Survey, aligned: Aligned
) -> dict[str, Any]:
    """Return the metadata of an episode that was recorded."""
    outcome = summary.get('outcome')
    known = {
        **provenance,
        'robot': profile.name,
        'joint_names': list(profile.arm_joints),
        'rate_hz': aligned.report.rate_hz,
        'success': {'success': True, 'failure': False}.get(outcome or ''),
        'events': survey.events,
        'sync': aligned.report.to_json(),
    }
    if outcome == 'failure':
        known['failure'] = summary.get('failure')
    noted = ('note', 'dropped', 'lost', 'packets_dropped', 'repaired')
    known.update({key: summary[key] for key in noted if summary.get(key)})
    return known


def _restored(
    survey: Survey, exact: dict[str, Any], cameras: dict[str, MountedCamera]
) -> tuple[Aligned, dict[str, MountedCamera]]:
    """Return an episode that was exported, with the times and the calibration that it had.

    Raises:
        DatasetError: if the bag does not agree with them: it was changed.
    """
    stated = {name: MountedCamera.from_dict(values) for name, values in exact['cameras'].items()}
    for name, camera in cameras.items():
        if name not in stated or not np.allclose(camera.T_parent_camera, stated[name].T_parent_camera, atol=POSE):
            raise DatasetError(f'camera {name!r} is not where it was at the export; give a rate to read it anew')
    times_s = np.array(exact['timestamps_s'])
    captures_s = {name: np.array(times) for name, times in exact['capture_s'].items()}
    moments = Moments(_as_stamps(times_s), {name: _as_stamps(captures_s[name]) for name in survey.streams.cameras})
    unlimited = GridOptions(exact['rate_hz'], max_skew_s=np.inf, plan_steps=exact['plan_steps'] or 1)
    aligned = align(survey.streams, unlimited, moments)
    for name, found_s in aligned.capture_s.items():
        if np.abs(found_s - captures_s[name]).max() > STAMP_S:
            raise DatasetError(f'camera {name!r} lacks pictures of the export; give a rate to read it anew')
    return replace(aligned, timestamps_s=times_s, capture_s=captures_s), stated


def _as_stamps(times_s: np.ndarray) -> np.ndarray:
    """Return times as they are after they were stamps."""
    return np.array([to_seconds(to_nanoseconds(time_s)) for time_s in times_s.tolist()])
