# SPDX-License-Identifier: Apache-2.0
"""Recordings (rosbag2 folders with MCAP) from native episodes, and native episodes from recordings.

A recording is put on an even grid by capture stamps (`genima.align`). An episode that was exported comes back bit by bit.
"""

import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from genima.align.demonstration import GridOptions
from genima.align.latency import read_offsets
from genima.convert.mcap.choice import said
from genima.convert.mcap.read import Wanted, load_recording
from genima.convert.mcap.write import export_episode
from genima.episodes.store import list_episodes
from genima.errors import DatasetError
from genima.processes import in_processes
from genima.recording.layout import METADATA, bag_files, find_bag_files, is_finished
from genima.rig.rig import Rig

DEFAULTS = GridOptions()


def export(source: Path, out: Path, on_done: Callable[[str], None], workers: int = 1) -> None:
    """Write the episodes of a native folder as recordings; those that are there are kept.

    Args:
        source: Folder of `episode_*.h5`.
        out: Folder of recordings.
        on_done: Called with the name of each episode that was written, not of those that were there.
        workers: Processes.

    Raises:
        DatasetError: if an episode cannot be written; the others are.
    """
    out.mkdir(parents=True, exist_ok=True)
    missing = [path for path in list_episodes(source) if not is_finished(out / path.stem)]
    _finish(in_processes(partial(export_episode, out), missing, workers), len(missing), on_done)


def load(
    source: Path,
    out: Path,
    on_done: Callable[[str], None],
    workers: int = 1,
    robot: str | None = None,
    rate_hz: float | None = None,
    latency: Path | None = None,
    max_gap_s: float = DEFAULTS.max_gap_s,
    max_skew_s: float = DEFAULTS.max_skew_s,
    camera: Sequence[str] = (),
    rig: str = '',
    joint_states: str = '',
    controller_state: str = '',
    namespace: str | None = None,
) -> None:
    """Write recordings into a native folder; episodes that are there are kept, unfinished recordings are warned of.

    Args:
        source: Folder of recordings, or one bag: its folder, or its file.
        out: Folder of `episode_*.h5`.
        on_done: Called with the name of each episode that was converted, not of those that were there.
        workers: Processes.
        robot: Profile name or file, where the recordings do not name it.
        rate_hz: Steps per second, 10 to 30 as a rule; None: 10, or the rate that an exported episode had.
        latency: File that `genima latency --json` wrote; it is taken off the stamps of the cameras.
        max_gap_s: Longest silence of the joints that is bridged [s].
        max_skew_s: A step whose frame is farther away is marked to be ignored [s].
        camera: NAME=TOPIC or NAME=TOPIC,INFO of cameras with other topics than cameras/NAME/image_raw and camera_info.
        rig: Name or file of a rig: its cameras and no others; by default that with which the recording was made.
        joint_states: Topic of the measured joints, where several could be it; `controller_state` of the command likewise.
        namespace: Of the robot, likewise.

    Raises:
        DatasetError: if a recording cannot be converted; the others are.
        ProfileError: if what is said of topics cannot be understood.
    """
    choice = said(camera, rig, joint_states, controller_state, namespace)
    robot = robot or (Rig.load(rig).robot if rig else '') or None
    out.mkdir(parents=True, exist_ok=True)
    offsets_s = {} if latency is None else read_offsets(latency)
    wanted = Wanted(robot, rate_hz, offsets_s, GridOptions(max_gap_s=max_gap_s, max_skew_s=max_skew_s), choice)
    found, unfinished = recordings(source)
    for folder in unfinished:
        warnings.warn(f'{folder} was not finished and is left out; repair it', UserWarning, stacklevel=2)
    missing = [(name, folder) for name, folder in found if not (out / f'{name}.h5').exists()]
    _finish(in_processes(partial(load_recording, wanted, out), missing, workers), len(missing), on_done)


def count(source: Path) -> int:
    """Return the number of finished recordings in a folder."""
    return len(recordings(source)[0])


def recordings(source: Path) -> tuple[list[tuple[str, Path]], list[Path]]:
    """Return the finished recordings of a folder, as name of the episode and folder of the bag, and the unfinished ones.

    The names are `episode_...` where all folders are called so, else they are numbered.

    Raises:
        DatasetError: if there is none at all.
    """
    if source.is_file() or find_bag_files(source):
        folders = [source]
    else:
        inner = sorted(path for path in source.iterdir() if path.is_dir() and not path.name.startswith('.'))
        folders = [folder for folder in inner if find_bag_files(folder)]
    if not folders or source.is_file():
        bag_files(source)  # says what is missing
    done = [each for each in folders if each.is_file() or is_finished(each) or (each / METADATA).is_file()]
    ours = all(folder.name.startswith('episode_') for folder in folders)
    names = [folder.name if ours else f'episode_{folders.index(folder):06d}' for folder in done]
    return list(zip(names, done, strict=True)), [folder for folder in folders if folder not in done]


def _finish(results: Iterable[tuple[str, str]], total: int, on_done: Callable[[str], None]) -> None:
    """Tell of each episode that is done, and at the end of those that failed."""
    failures = []
    for name, failure in results:
        if failure:
            failures.append(failure)
        else:
            on_done(name)
    if failures:
        raise DatasetError('\n'.join([f'{len(failures)} of {total} episodes could not be converted:', *failures]))
