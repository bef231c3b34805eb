# SPDX-License-Identifier: Apache-2.0
"""Recordings and episodes as scenes."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from genima.align.grid import to_seconds
from genima.chunks.plan import Chunk
from genima.convert.mcap import topics
from genima.convert.mcap.read import robot_of
from genima.episodes.frames import open_views
from genima.episodes.store import read_episode
from genima.errors import DatasetError
from genima.recording.reader import Bag
from genima.recording.rosbag2 import Topic
from genima.recording.schemas import Schemas
from genima.robots.profile import RobotProfile
from genima.view.messages import MessageScene, what
from genima.view.scene import Scene

EPISODE = '.h5'


def robot_in(source: Path, robot: str | None) -> str:
    """Return the robot profile of a recording or an episode: `robot` if it is given, else what the source says.

    Raises:
        DatasetError: if nobody says, or the source cannot be read.
    """
    if robot or source.suffix != EPISODE:
        return robot_of(source, robot)
    named = read_episode(source, images=False).metadata.get('robot')
    if not named:
        raise DatasetError(f'{source} does not name its robot; name its profile with --robot')
    return RobotProfile.named(named).name


def show_recording(folder: Path, scene: Scene, image_hz: float, tell: Callable[[], None] = lambda: None) -> list[str]:
    """Show a rosbag2 folder or an MCAP file, whole or cut off.

    Args:
        folder: of the bag.
        scene: that shows it.
        image_hz: most pictures per second and camera [Hz].
        tell: called for each message.

    Returns:
        Sentences on what could not be read.

    Raises:
        DatasetError: if there is nothing that could be shown.
    """
    bag, schemas, messages = Bag(folder), Schemas(), MessageScene(scene, image_hz)
    wanted, rivals = _wanted({raw.topic for raw in bag.raw()})
    if not wanted:
        raise DatasetError(f'{folder} has neither joint_states nor cameras, nor anything else of a robot to show')
    for raw in bag.raw(wanted):
        tell()
        schemas.add(raw.topic.kind, raw.topic.schema)
        message = schemas.decode(raw.topic.kind, raw.data)
        messages.take(raw.topic.name, message, to_seconds(raw.log_time_ns))
    return [*bag.damage, *rivals]


def _wanted(found: Iterable[Topic]) -> tuple[set[str], list[str]]:
    """Return the topics to show, of several that could be the same thing that nearest to the root; and what lost."""
    same: dict[object, list[str]] = defaultdict(list)
    for topic in found:
        meaning = topics.meaning(topic.name)
        if what(topic.name) is None or (meaning is not None and topic.kind not in topics.KINDS[meaning.what]):
            continue
        alone = meaning is None or meaning.what in ('tf', 'tf_static')
        same[topic.name if alone or meaning is None else (meaning.what, meaning.camera)].append(topic.name)
    ordered = [sorted(names, key=lambda name: (name.count('/'), name)) for names in same.values()]
    rivals = [f'{", ".join(names[1:])} is not shown, {names[0]} is' for names in ordered if names[1:]]
    return {names[0] for names in ordered}, rivals


def show_episode(path: Path, scene: Scene, tell: Callable[[], None] = lambda: None) -> None:
    """Show an episode: what was observed, and as the intention what the demonstrator planned or then did.

    Raises:
        DatasetError: if it cannot be read.
    """
    episode = read_episode(path, images=False)
    steps = scene.spec.chunk_steps if episode.plan_q_rad is None else episode.plan_q_rad.shape[1]
    q_ahead, gripper_ahead = episode.intended(min(steps, scene.spec.chunk_steps))
    dt_s = 1.0 / float(episode.metadata.get('rate_hz', scene.spec.control_rate_hz))
    with open_views(path) as views:
        for step, time_s in enumerate(episode.timestamps_s.tolist()):
            scene.chunk(Chunk(time_s, dt_s, q_ahead[step], np.asarray(gripper_ahead[step], dtype=np.float64)))
            scene.joints(time_s, episode.q_rad[step], float(episode.gripper_open[step]))
            for name, pictures in views.items():
                camera = episode.cameras[name]
                T_base_camera = camera.T_base_camera(scene.profile, episode.q_rad[step])
                scene.picture(time_s, camera.model, T_base_camera, pictures[step])
            tell()
