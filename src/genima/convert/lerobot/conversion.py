# SPDX-License-Identifier: Apache-2.0
"""LeRobot v3.0 datasets, from native ones and back.

Numbers, times, calibration and metadata come back exactly; views do with `images='png'`, as videos they lose a little, and
how much is measured. Format: huggingface/lerobot 0.4.4, `datasets/lerobot_dataset.py`.
"""

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from genima.borders.files import inside
from genima.borders.texts import read_json
from genima.convert.lerobot import layout
from genima.convert.lerobot.assemble import assemble
from genima.convert.lerobot.foreign import Told
from genima.convert.lerobot.load import load_episode
from genima.convert.lerobot.part import Recipe, read_part, write_part
from genima.convert.lerobot.read import episode_names, open_dataset, read_records
from genima.convert.lerobot.survey import Job, survey
from genima.convert.lerobot.video import ENCODERS, check_size
from genima.episodes.dataset import FILE_NAME, RELEASES
from genima.errors import DatasetError
from genima.processes import in_processes
from genima.quality.manifest import write_manifest

IMAGES = (*ENCODERS, 'png')


def export(source: Path, out: Path, on_done: Callable[[str], None], workers: int = 1, images: str = 'video') -> None:
    """Write the episodes of a native folder as a LeRobot v3.0 dataset.

    An interrupted export goes on with the episodes that are missing; they are kept in a hidden folder beside `out`, which
    appears when everything is there.

    Args:
        source: Folder of `episode_*.h5`.
        out: Folder of the dataset: new, empty, or what an earlier export of the same episodes made.
        on_done: Called with the name of each episode that was converted, not of those that were there.
        workers: Processes.
        images: 'video' for AV1 as LeRobot writes it, 'h264' for videos that are written faster, 'png' for lossless pictures.

    Raises:
        DatasetError: if the episodes do not fit into one dataset, or `out` holds something else.
    """
    if images not in IMAGES:
        raise DatasetError(f'images can be stored as {", ".join(IMAGES)}, not as {images!r}')
    shape, jobs = survey(source)
    recipe = Recipe(shape, images, threads=0 if workers == 1 else 1)
    for camera, height_px, width_px in shape.views:
        if recipe.encoder is not None:
            check_size(recipe.encoder, camera, height_px, width_px)
    if _is_there(out, images, jobs):
        return
    work = out.absolute().with_name(f'.{out.absolute().name}.partial')
    parts, whole = work / 'parts', work / 'dataset'
    missing = [job for job in jobs if read_part(parts, recipe, job) is None]
    for name in in_processes(partial(write_part, recipe, parts), missing, workers):
        on_done(name)
    shutil.rmtree(whole, ignore_errors=True)
    assemble(recipe, jobs, parts, whole)
    _carry_card(source, whole / 'meta')
    write_manifest(whole)
    os.replace(whole, out)
    shutil.rmtree(work)


def load(
    source: Path,
    out: Path,
    on_done: Callable[[str], None],
    workers: int = 1,
    robot: str | None = None,
    camera_params: Path | None = None,
    gripper_range: tuple[float, float] | None = None,
) -> None:
    """Write the episodes of a LeRobot v3.0 dataset into a native folder; files that are there are kept.

    Args:
        source: Folder with `meta/info.json`.
        out: Folder of `episode_*.h5`.
        on_done: Called with the name of each episode that was converted, not of those that were there.
        workers: Processes.
        robot: Profile name or file; datasets that `export` did not write need it unless they name a profile.
        camera_params: File with camera name to calibration, as `metadata/camera_params` of an episode has it; likewise.
        gripper_range: What the dataset's gripper says when closed and when open, where that is not 0 and 1.

    Raises:
        DatasetError: if the dataset is damaged, of another version, or something about it must be told.
    """
    if gripper_range is not None and gripper_range[0] == gripper_range[1]:
        raise DatasetError(f'a gripper says {gripper_range[0]:g} both when closed and when open; name two different values')
    dataset, records = open_dataset(source), read_records(source)
    told = Told(robot, camera_params, gripper_range)
    out.mkdir(parents=True, exist_ok=True)
    named = zip(episode_names(records), records, strict=True)
    missing = [(name, record) for name, record in named if not (out / f'{name}.h5').exists()]
    for name in in_processes(partial(load_episode, dataset, told, out), missing, workers):
        on_done(name)
    _carry_card(source / 'meta', out)


def count(source: Path) -> int:
    """Return the number of episodes in a LeRobot dataset."""
    return len(read_records(source))


def psnr_db(out: Path) -> dict[str, float]:
    """Return camera to the PSNR of its exported views in dB, as measured when they were written; empty if lossless."""
    path = out / layout.OURS
    return dict(read_json(path)['psnr_db']) if path.is_file() else {}


def _is_there(out: Path, images: str, jobs: list[Job]) -> bool:
    """Return whether `out` is the finished export of these episodes.

    Raises:
        DatasetError: if it holds anything else.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return False
    try:
        noted = read_json(out / layout.OURS)
        same = noted['images'] == images and noted['episodes'] == [job.to_dict() for job in jobs]
    except (OSError, ValueError, KeyError, TypeError):
        same = False
    if not same:
        raise DatasetError(f'{out} exists and is not the export of these episodes; name another folder, or remove it')
    return True


def _carry_card(source: Path, out: Path) -> None:
    """Copy the description of a dataset and its released versions, where there are any and none are there yet."""
    if (source / FILE_NAME).is_file() and inside(source, FILE_NAME) and not (out / FILE_NAME).exists():
        shutil.copyfile(source / FILE_NAME, out / FILE_NAME)
    if (source / RELEASES).is_dir():
        shutil.copytree(source / RELEASES, out / RELEASES, dirs_exist_ok=True)
