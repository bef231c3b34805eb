# SPDX-License-Identifier: Apache-2.0
"""HDF5 files of others as native episodes: the page's own schema, robomimic, ALOHA; what they lack is told by options."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import h5py

from genima.borders.files import border
from genima.borders.hdf5 import check_all_own, open_hdf5
from genima.convert.hdf5.cameras import read_cameras, read_views
from genima.convert.hdf5.motion import Told, read_motion
from genima.episodes.episode import Episode
from genima.episodes.layouts import NATIVE, Demo, find_demos, layout_of, task_of
from genima.episodes.store import write_episode
from genima.errors import DatasetError
from genima.processes import in_processes
from genima.robots.profile import RobotProfile


@dataclass(frozen=True)
class _Job:
    """A demonstration and the file that it becomes."""

    demo: Demo
    target: Path


def load(
    source: Path,
    out: Path,
    on_done: Callable[[str], None],
    workers: int = 1,
    robot: str | None = None,
    camera_params: Path | None = None,
    camera_parent: tuple[str, ...] = (),
    extrinsics: str | None = None,
    gripper_range: tuple[float, float] | None = None,
    rate_hz: float | None = None,
    joints: str | None = None,
    gripper: str | None = None,
    targets: str | None = None,
) -> None:
    """Write all demonstrations as native episodes; those that `out` has already are left as they are.

    Args:
        source: Folder with *.h5 or *.hdf5, or one such file.
        out: Folder for the native episodes.
        on_done: Called with the file name of each finished episode.
        workers: Number of processes.
        robot: Profile name or file.
        camera_params: File with calibration by camera, where the dataset has none.
        camera_parent: `camera=link`, where a matrix does not say what carries the camera.
        extrinsics: What a matrix means: camera_in_parent or parent_in_camera.
        gripper_range: What the gripper says when closed and when open, where that is not 0 and 1.
        rate_hz: Steps per second, where the dataset has neither times nor a rate.
        joints: Where the joint positions are, such as `observations/qpos[0:7]`; `gripper` and `targets` likewise.
        gripper: Where the opening is.
        targets: Where the absolute joint targets are; `next` for the joints one step later.

    Raises:
        DatasetError: if a demonstration is damaged, or something about it must be told.
    """
    if gripper_range is not None and gripper_range[0] == gripper_range[1]:
        raise DatasetError(f'a gripper says {gripper_range[0]:g} both when closed and when open; name two different values')
    if robot is None:
        raise DatasetError(
            f'{source} does not say which robot it is of: name its profile with --robot, such as --robot panda'
        )
    told = Told(
        robot, camera_params, tuple(camera_parent), extrinsics, gripper_range, rate_hz, joints, gripper, targets
    )  # fmt: skip
    RobotProfile.load(robot)
    layout, demos = _demos(source)
    jobs = [_Job(demo, out / f'episode_{number:06d}.h5') for number, demo in enumerate(demos)]
    for job in jobs:
        if job.target.is_file():
            on_done(job.target.name)
    todo = [job for job in jobs if not job.target.is_file()]
    out.mkdir(parents=True, exist_ok=True)
    for name in in_processes(partial(_load_one, layout, told), todo, workers):
        on_done(name)


def count(source: Path) -> int:
    """Return the number of demonstrations."""
    return len(_demos(source)[1])


def _demos(source: Path) -> tuple[str, list[Demo]]:
    layout = layout_of(source)
    if layout in ('', NATIVE):
        what = 'holds native episodes' if layout else 'has no known layout of HDF5 (page, robomimic, ALOHA)'
        raise DatasetError(f'{source} {what}; name the folder of the dataset')
    return layout, find_demos(source, layout)


def _load_one(layout: str, told: Told, job: _Job) -> str:
    demo, profile = job.demo, RobotProfile.load(str(told.robot))
    with (
        border(demo.text, 'copy it again'),
        open_hdf5(demo.path) as file,
        tempfile.TemporaryDirectory(prefix='.frames-', dir=job.target.parent) as scratch,
    ):
        check_all_own(file[demo.group])
        write_episode(job.target, _episode(demo, file[demo.group], layout, told, profile, Path(scratch)))
    return job.target.name


def _episode(
    demo: Demo, group: h5py.Group, layout: str, told: Told, profile: RobotProfile, scratch: Path
) -> Episode:  # fmt: skip
    motion = read_motion(demo, group, layout, told, profile)
    about = motion.pop('metadata')
    views = read_views(demo, group, layout, len(motion['q_rad']), scratch)
    task = task_of(group, layout)
    metadata = {
        'robot': profile.name,
        'task': task,
        'instruction': task,
        'joint_names': list(profile.arm_joints),
        'success': None,
        'source': f'{layout} HDF5, {demo.path.name}, {demo.group}',
        **about,
    }
    cameras = read_cameras(demo, group, views, told, profile)
    return Episode(views=views, cameras=cameras, metadata=metadata, **motion)
