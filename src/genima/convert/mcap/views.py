# SPDX-License-Identifier: Apache-2.0
"""The images of the steps of a recording; steps with an image that cannot be read are told, and the others survive."""

import warnings
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from genima.align.demonstration import FAR_SHARE, Aligned
from genima.cameras.model import MountedCamera
from genima.cameras.pixels import compressed_pixels, raw_pixels
from genima.convert.mcap.survey import Survey
from genima.convert.mcap.topics import KINDS
from genima.errors import CalibrationError, DatasetError, GenimaError
from genima.recording.reader import Bag, Place, RawMessage
from genima.recording.schemas import Schemas


def picture(raw: RawMessage, schemas: Schemas, camera: MountedCamera) -> np.ndarray:
    """Return the pixels of an image message, raw or compressed, (H, W, 3) RGB.

    Raises:
        GenimaError: if it cannot be read.
        CalibrationError: if it has another size than the calibration says.
    """
    schemas.add(raw.topic.kind, raw.topic.schema)
    message, topic = schemas.decode(raw.topic.kind, raw.data), raw.topic.name
    pixels = (compressed_pixels if raw.topic.kind in KINDS['compressed'] else raw_pixels)(message, topic)
    model = camera.model
    if pixels.shape[:2] != (model.height_px, model.width_px):
        raise CalibrationError(
            f'{topic}: pictures are {pixels.shape[1]}x{pixels.shape[0]}, the calibration is for'
            f' {model.width_px}x{model.height_px} (region of interest and binning applied); calibrate at the size you record'
        )
    return pixels


def read_views(
    bag: Bag, survey: Survey, aligned: Aligned, cameras: Mapping[str, MountedCamera], scratch: Path
) -> tuple[dict[str, np.ndarray], NDArray[np.bool_]]:
    """Return the images of all steps, (T, H, W, 3) by camera, in files as they may be many, and which steps lack one (T,).

    Such a step shows the image of the step nearest to it, and is to be ignored.

    Raises:
        GenimaError: if more than a tenth of the images of a camera cannot be read; names the topic.
    """
    count = len(aligned.timestamps_s)
    steps: dict[Place, list[int]] = defaultdict(list)
    for places in aligned.frames.values():
        for step, place in enumerate(places):
            steps[cast(Place, place)].append(step)
    views = {
        name: np.memmap(
            scratch / f'{index}.raw', np.uint8, 'w+', shape=(count, camera.model.height_px, camera.model.width_px, 3)
        )
        for index, (name, camera) in enumerate(cameras.items())
    }
    owner = {topic: camera for camera, topic in survey.image_topics.items()}
    read = {name: np.zeros(count, dtype=bool) for name in cameras}
    reasons: dict[str, GenimaError] = {}
    schemas = Schemas()
    for raw in bag.at(steps.keys()):
        name, own = owner[raw.topic.name], steps[raw.place]
        try:
            views[name][own] = picture(raw, schemas, cameras[name])
            read[name][own] = True
        except GenimaError as error:
            reasons.setdefault(name, error)
    for name in cameras:
        _fill(views[name], read[name], reasons.get(name), survey.image_topics[name])
    return dict(views), ~np.logical_and.reduce(list(read.values()))


def _fill(view: np.ndarray, read: NDArray[np.bool_], reason: GenimaError | None, topic: str) -> None:
    """Give each step that has no image the one of the nearest step that has one."""
    missing = np.flatnonzero(~read)
    if not len(missing):
        return
    if len(missing) > FAR_SHARE * len(read):
        raise reason or DatasetError(f'{topic}: {len(missing)} of {len(read)} images are lost; repair the recording')
    warnings.warn(
        f'{topic}: {len(missing)} of {len(read)} images cannot be read, and their steps are marked to be ignored: {reason}',
        UserWarning,
        stacklevel=2,
    )
    known = np.flatnonzero(read)
    for step in missing:
        view[step] = view[known[np.abs(known - step).argmin()]]
