# SPDX-License-Identifier: Apache-2.0
"""The first reading of a recording: every stream by its stamps, the calibration, and the marks; no picture is kept."""

import math
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from genima.align.demonstration import Streams
from genima.borders.texts import parse_json
from genima.cameras.model import MountedCamera
from genima.cameras.tree import PoseTree
from genima.convert.mcap import topics
from genima.convert.mcap.channels import Channel, Infos, channel_for
from genima.convert.mcap.choice import Choice
from genima.convert.mcap.selection import Selection
from genima.errors import CalibrationError, DatasetError
from genima.recording.reader import Bag
from genima.robots.profile import RobotProfile
from genima.stamps import ANOTHER_CLOCK_S

MOVED_M = 1e-4  # a mount that moves by more during a recording is no mount


class Survey:
    """What a recording holds.

    Args:
        profile: the robot.
        offsets_s: latencies of the cameras that have one [s].
        choice: what the user says about topics.

    Attributes:
        streams: by stamps; the payload of a frame is its place in the bag.
        image_topics: topic of each camera's pictures.
        events: marks as the metadata of an episode lists them.
    """

    def __init__(self, profile: RobotProfile, offsets_s: Mapping[str, float], choice: Choice | None = None) -> None:
        self.streams = Streams(profile)
        self.image_topics: dict[str, str] = {}
        self.events: list[dict[str, Any]] = []
        self._offsets_s = dict(offsets_s)
        self._choice = choice or Choice()
        self._channels: dict[str, Channel] = {}
        self._odd: dict[str, str] = {}
        self._infos: dict[str, Infos | None] = {}
        self._tree = PoseTree()

    def read(self, bag: Bag) -> None:
        """Take everything in a bag, once. What is left out is warned of, each topic once.

        Raises:
            DatasetError: if it is damaged, several topics could be the robot's, or a stream is of another clock.
        """
        self._listen(bag)
        if bag.damage:
            raise DatasetError(f'{"; ".join(bag.damage)}: repair the recording first')
        selection = Selection(self.streams.profile, self._channels, self._choice.over(_recorded(bag)))
        used = self._use(selection)
        self._settle()
        _check_clocks(used)
        for line in (*self._left_out(bag, used), *selection.notes):
            warnings.warn(line, UserWarning, stacklevel=2)

    def cameras(self) -> dict[str, MountedCamera]:
        """Return intrinsics and mounting of every camera with pictures.

        Raises:
            CalibrationError: if one is missing, or a camera moved on its link meanwhile; names the camera.
        """
        return {name: self._camera(name) for name in self.image_topics}

    def _camera(self, name: str) -> MountedCamera:
        infos = self._infos[name]
        if infos is None:
            raise CalibrationError(f'camera {name!r}: its camera_info was not recorded; record cameras/{name}/camera_info')
        model, frame = infos.only(name)
        links = self.streams.profile.link_by_name
        try:
            link, T_link_camera = self._tree.carrier(frame, links)
            first_link, T_first = self._tree.begun().carrier(frame, links)
        except CalibrationError as error:
            raise CalibrationError(f'camera {name!r}: {error}') from error
        if link != first_link or not np.allclose(T_link_camera, T_first, atol=MOVED_M):
            raise CalibrationError(
                f'camera {name!r} moved on {link} during the recording; record again with one calibration'
            )
        return MountedCamera(model, link, T_link_camera)

    def _listen(self, bag: Bag) -> None:
        """Give each message to the channel of its topic."""
        channels: dict[str, Channel | None] = {}
        for raw in bag.raw():
            name = raw.topic.name
            if name not in channels:
                channels[name] = channel_for(raw.topic, self.streams.profile)
                meaning = topics.meaning(name)
                if meaning is not None and raw.topic.kind not in topics.KINDS[meaning.what]:
                    wanted = ' or '.join(topics.KINDS[meaning.what])
                    self._odd[name] = f'topic {name} is {raw.topic.kind}, and {wanted} is read'
            channel = channels[name]
            if channel is not None and channel.topic.kind == raw.topic.kind:
                channel.take(raw)
        self._channels = {name: channel for name, channel in channels.items() if channel is not None}

    def _use(self, selection: Selection) -> list[Channel]:
        """Fill the streams from the channels that were selected, and return those by whose stamps these are ordered."""
        joints, reference = selection.joints(), selection.reference()
        for channel in joints:
            self.streams.joints.include(channel.track)
        for each in reference:
            self.streams.reference.include(each.track)
        self.streams.gripper_commands = selection.gripper_commands()
        self.streams.chunks = selection.chunks()
        self.events = selection.events()
        self._tree = selection.tree()
        images = selection.cameras()
        unknown = sorted(set(self._offsets_s) - set(images))
        if unknown:
            known = ', '.join(images) or 'none'
            raise DatasetError(f'a latency is given for {", ".join(unknown)}; recorded cameras: {known}')
        for name, (frames, infos) in images.items():
            self.image_topics[name], self._infos[name] = frames.name, infos
            self.streams.cameras[name] = frames.track.earlier_by(self._offsets_s.get(name, 0.0))
        infos_used = [infos for _, infos in images.values() if infos is not None]
        return [*joints, *reference, *(frames for frames, _ in images.values()), *infos_used, *selection.others]

    def _left_out(self, bag: Bag, used: list[Channel]) -> Iterator[str]:
        """Yield what could not be read, a sentence for each topic."""
        yield from (f'{line}; it is left out' for line in (*bag.left_out.values(), *self._odd.values()))
        for name, channel in self._channels.items():
            useless = channel.bad == channel.messages and topics.meaning(name) is not None
            if channel.bad and (useless or channel in used):
                yield f'{name}: {channel.bad} of {channel.messages} messages are left out: {channel.why}'

    def _settle(self) -> None:
        """Bring what may have come in another order into that of its times."""
        self.streams.chunks.sort(key=lambda chunk: chunk.stamp_s)
        self.streams.gripper_commands.sort(key=lambda command: command[0])
        self.events.sort(key=lambda event: float(event['time_s']))
        begun_s: float | None = None
        for event in self.events:
            if event['kind'] == 'ignore_begin' and begun_s is None:
                begun_s = event['time_s']
            elif event['kind'] == 'ignore_end' and begun_s is not None:
                self.streams.ignored.append((begun_s, event['time_s']))
                begun_s = None
        if begun_s is not None:
            self.streams.ignored.append((begun_s, math.inf))


def _recorded(bag: Bag) -> Choice:
    """Return what a recording of ours says about topics."""
    try:
        provenance = parse_json(bag.about.get('provenance', '{}'))
    except ValueError:
        return Choice()
    return Choice.recorded(provenance) if isinstance(provenance, dict) else Choice()


def _check_clocks(used: list[Channel]) -> None:
    """Raise DatasetError if a driver does not stamp its messages, or by a clock on which the others never were."""
    for channel in used:
        if channel.unstamped and channel.unstamped == channel.messages:
            raise DatasetError(
                f'{channel.name}: the first stamp is 0, and so are all {channel.messages}: its driver does not stamp what it'
                ' sends; correct the driver, times of reception are no capture times'
            )
    stamped = [channel for channel in used if channel.begin_s <= channel.end_s and not isinstance(channel, Infos)]
    if not stamped:
        return
    latest, earliest = max(stamped, key=lambda each: each.begin_s), min(stamped, key=lambda each: each.end_s)
    if latest.begin_s <= earliest.end_s:
        return
    odd = [each for each in (earliest, latest) if abs(each.first_s - each.heard_s) > ANOTHER_CLOCK_S]
    told = '; '.join(
        f'{each.name} has the first stamp {each.first_s:.3f} s and the last {each.end_s:.3f} s, and was received from'
        f' {each.heard_s:.3f} s on'
        for each in odd or (earliest, latest)
    )
    other = latest if odd == [earliest] else earliest
    against = f', {other.name} begins at {other.begin_s:.3f} s' if len(odd) == 1 else ''
    raise DatasetError(
        f'the streams are never all there: {told}{against}; stamps that count from boot, or from another clock, cannot be'
        ' brought together: set the driver to system time'
    )
