# SPDX-License-Identifier: Apache-2.0
"""The latency of every camera of a recording."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from genima.align.grid import to_seconds
from genima.align.latency import Latency, estimate, small_grey
from genima.convert.mcap.choice import Choice
from genima.convert.mcap.read import robot_of
from genima.convert.mcap.survey import Survey
from genima.convert.mcap.views import picture
from genima.recording.reader import Bag
from genima.recording.schemas import Schemas, header_stamp_ns
from genima.robots.profile import RobotProfile


def latencies(
    folder: Path,
    robot: str | None,
    search_s: tuple[float, float],
    on_done: Callable[[str, int], None],
    choice: Choice | None = None,
) -> dict[str, Latency]:
    """Return the latency of each camera.

    Args:
        folder: a recording in which the arm moves.
        robot: profile name or file; None: as the recording says.
        search_s: smallest and largest latency that is tried [s].
        on_done: called with the name of each camera that is done, and how many there are.
        choice: which topics are the robot's; None: found out.

    Raises:
        DatasetError: if the recording is damaged or too short.
    """
    bag = Bag(folder)
    survey = Survey(RobotProfile.load(robot_of(folder, robot)), {}, choice or Choice())
    survey.read(bag)
    found = {}
    for name, camera in survey.cameras().items():
        schemas, stamps_s, frames = Schemas(), [], []
        for raw in bag.raw({survey.image_topics[name]}):
            stamps_s.append(to_seconds(header_stamp_ns(raw.data)))
            frames.append(small_grey(picture(raw, schemas, camera)))
        in_order = np.argsort(stamps_s, kind='stable')
        streams = survey.streams
        found[name] = estimate(
            camera, streams.profile, streams.joints, np.array(stamps_s)[in_order], np.stack(frames)[in_order], search_s
        )
        on_done(name, len(survey.image_topics))
    return found
