# SPDX-License-Identifier: Apache-2.0
"""The channels of a recording that are the robot's, chosen by `genima.convert.mcap.choice` from what they said."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast

from genima.align.joints import gripper_joints
from genima.cameras.tree import PoseTree
from genima.chunks.plan import Chunk
from genima.convert.mcap.channels import Channel, Chunks, Images, Infos, Joints, Marks, Openings, Reference, Transforms
from genima.convert.mcap.choice import Choice, absolute, ambiguous, pick
from genima.convert.mcap.topics import COMPRESSED, IMAGES, meaning
from genima.errors import DatasetError
from genima.robots.profile import RobotProfile

AnyChannel = TypeVar('AnyChannel', bound=Channel)
NAMESPACE_OPTION = '--namespace'


class Selection:
    """Chooses; each method once.

    Args:
        profile: the robot.
        channels: all that may be read, by topic.
        choice: what was said about them.

    Attributes:
        notes: sentences on topics that lost.
        others: channels that were chosen and are not ordered by stamps.

    Raises:
        DatasetError: from every method, if several topics could be meant, or one that was named is not there.
    """

    def __init__(self, profile: RobotProfile, channels: Mapping[str, Channel], choice: Choice) -> None:
        self.notes: list[str] = []
        self.others: list[Channel] = []
        self._profile, self._channels, self._choice = profile, channels, choice
        self._namespace = self._find_namespace()

    def joints(self) -> list[Joints]:
        """Return what measured the joints: one topic, and others only for joints that it lacks altogether."""
        if self._choice.joint_states:
            winner = self._named(self._choice.joint_states, Joints, '--joint-states')
        else:
            candidates = self._of('joint_states', Joints)
            arm = {name: each for name, each in candidates.items() if each.names & set(self._profile.arm_joints)}
            if not arm:
                return []
            option = '--joint-states TOPIC'
            won, lost = pick('the measured joints', _spaces(arm), self._namespace, option)
            self._note('the measured joints are those of', won, lost, option)
            winner = arm[won[0]]
        return [winner, *self._supplements(winner)]

    def reference(self) -> list[Reference]:
        """Return what the robot's controllers command: one topic, or several of different joints."""
        option, arm = '--controller-state TOPIC', set(self._profile.arm_joints)
        if self._choice.controller_state:
            return [self._named(self._choice.controller_state, Reference, '--controller-state')]
        found = {name: each for name, each in self._of('controller_state', Reference).items() if each.names & arm}
        if not found:
            return []
        won, lost = pick('the state of the controller', _spaces(found), self._namespace, option)
        ours = [name for name in won if name.split('/')[-2] in self._profile.controllers.values()]
        if ours and not _disjoint(found[name].names & arm for name in won):
            won, lost = ours, [name for name in found if name not in ours]
        if not _disjoint(found[name].names & arm for name in won):
            raise ambiguous('the state of the controller', won, option)
        self._note('the command is that of', won, lost, option)
        return [found[name] for name in won]

    def gripper_commands(self) -> list[tuple[float, float]]:
        """Return times [s] and openings that were commanded."""
        channel = self._one('gripper_command', Openings, 'the command of the gripper')
        return [] if channel is None else list(channel.commands)

    def chunks(self) -> list[Chunk]:
        """Return what was intended."""
        channel = self._one('action_chunk', Chunks, 'the chunks')
        return [] if channel is None else list(channel.chunks)

    def events(self) -> list[dict[str, Any]]:
        """Return the marks."""
        channel = self._one('events', Marks, 'the marks')
        return [] if channel is None else list(channel.events)

    def tree(self) -> PoseTree:
        """Return the frames: those of the namespace win over those of `/tf`, where tf's own library publishes."""
        found = self._of('tf', Transforms) | self._of('tf_static', Transforms)
        spaces, tree = _spaces(found), PoseTree()
        own = [name for space in dict.fromkeys(('', self._namespace)) for name in found if spaces[name] == space]
        if not own and found:
            own, _ = pick('tf', spaces, self._namespace, NAMESPACE_OPTION)
        self._note('frames are those of', own, [name for name in found if name not in own], NAMESPACE_OPTION)
        for name in own:
            tree.update(found[name].tree)
            self.others.append(found[name])
        return tree

    def cameras(self) -> dict[str, tuple[Images, Infos | None]]:
        """Return the images of every camera, and its calibration; None where it was not recorded."""
        found: dict[str, tuple[Images, Infos | None]] = {}
        taken = set()
        for camera in self._choice.cameras:
            image, info = (absolute(topic, self._namespace) for topic in (camera.image, camera.info))
            found[camera.name] = self._images(image, f'camera {camera.name!r}'), self._info(info)
            taken |= {image, image + COMPRESSED}
        if self._choice.only_these:
            return found
        bases: dict[str, dict[str, str]] = {}
        for topic in self._channels:
            what = meaning(topic)
            if what is not None and what.what in IMAGES and topic not in taken and what.camera not in found:
                bases.setdefault(what.camera, {})[topic.removesuffix(COMPRESSED)] = what.namespace
        for name, candidates in bases.items():
            option = f'--camera {name}=TOPIC'
            (base, *_), lost = pick(f'camera {name!r}', candidates, self._namespace, option)
            self._note(f'camera {name!r} is', [base], lost, option)
            found[name] = self._images(base, f'camera {name!r}'), self._info(f'{base.rpartition("/")[0]}/camera_info')
        if not found and self._image_names():
            raise DatasetError(
                f'no camera was recorded as cameras/<name>/image_raw; there are images on {self._image_names()}: say which'
                ' camera each is with --camera NAME=TOPIC, or with --rig FILE'
            )
        return found

    def _find_namespace(self) -> str:
        """Return the namespace of the robot: as it was said, or as that of the only joints of the arm."""
        said, named = self._choice.namespace, self._choice.joint_states
        if said is not None:
            if not any(name.startswith(f'{said}/') for name in self._channels):
                raise DatasetError(f'nothing was recorded in namespace {said}; topics: {", ".join(sorted(self._channels))}')
            return said
        if named.startswith('/'):
            what = meaning(named)
            return '' if what is None else what.namespace
        arm = set(self._profile.arm_joints)
        spaces = _spaces({name: each for name, each in self._of('joint_states', Joints).items() if each.names & arm})
        if '' in spaces.values() or not spaces:
            return ''
        if len(spaces) > 1:
            raise ambiguous('the measured joints', sorted(spaces), '--joint-states TOPIC, or --namespace')
        return next(iter(spaces.values()))

    def _supplements(self, winner: Joints) -> list[Joints]:
        """Return the channels of joints that the winner lacks altogether: a gripper may have a driver of its own."""
        wanted = set(self._profile.arm_joints) - winner.names
        if winner.names.isdisjoint(gripper_joints(self._profile.gripper)):
            wanted |= gripper_joints(self._profile.gripper)
        rest = {
            name: each
            for name, each in self._of('joint_states', Joints).items()
            if each.names & wanted and each.names.isdisjoint(winner.names)
        }
        if not _disjoint(each.names for each in rest.values()):
            raise ambiguous(f'joints that {winner.name} lacks', sorted(rest), '--joint-states TOPIC, of one with all joints')
        self.notes += [f'{name} tells joints that {winner.name} lacks, and is read for these' for name in rest]
        return list(rest.values())

    def _one(self, what: str, kind: type[AnyChannel], words: str) -> AnyChannel | None:
        """Return the one channel of a meaning, None where there is none."""
        found = {name: each for name, each in self._of(what, kind).items() if each.messages > each.bad}
        if not found:
            return None
        (won, *_), lost = pick(words, _spaces(found), self._namespace, NAMESPACE_OPTION)
        self._note(f'{words}: those of', [won], lost, NAMESPACE_OPTION)
        self.others.append(found[won])
        return found[won]

    def _images(self, base: str, words: str) -> Images:
        """Return the channel of a camera, raw or compressed: the one with more frames, the raw one of equals."""
        both = [self._channels.get(name) for name in (base, f'{base.removesuffix(COMPRESSED)}{COMPRESSED}')]
        found = [each for each in both if isinstance(each, Images)]
        if not found:
            raise DatasetError(
                f'{words}: no images were recorded on {base}; there are {self._image_names() or "none at all"}'
            )
        return max(found, key=lambda each: len(each.track))

    def _info(self, topic: str) -> Infos | None:
        channel = self._channels.get(topic)
        return channel if isinstance(channel, Infos) else None

    def _named(self, topic: str, kind: type[AnyChannel], option: str) -> AnyChannel:
        channel = self._channels.get(absolute(topic, self._namespace))
        if type(channel) is not kind:
            known = ', '.join(sorted(name for name, each in self._channels.items() if type(each) is kind))
            raise DatasetError(f'{option} {topic} was not recorded; of its type there are {known or "none"}')
        return cast(AnyChannel, channel)

    def _of(self, what: str, kind: type[AnyChannel]) -> dict[str, AnyChannel]:
        """Return the channels whose names have a meaning."""
        named = {name: meaning(name) for name in self._channels}
        return {
            name: each
            for name, each in self._channels.items()
            if isinstance(each, kind) and (said := named[name]) is not None and said.what == what
        }

    def _image_names(self) -> str:
        return ', '.join(sorted(name for name, each in self._channels.items() if isinstance(each, Images)))

    def _note(self, words: str, won: Sequence[str], lost: Sequence[str], option: str) -> None:
        if lost:
            self.notes.append(f'{words} {" and ".join(won)}; {", ".join(sorted(lost))} is left out; {option} chooses')


def _spaces(names: Iterable[str]) -> dict[str, str]:
    """Return topic to its namespace."""
    return {name: found.namespace for name in names if (found := meaning(name)) is not None}


def _disjoint(sets: Iterable[set[str]]) -> bool:
    """Return whether no two sets share anything."""
    known: set[str] = set()
    for each in sets:
        if known & each:
            return False
        known |= each
    return True
