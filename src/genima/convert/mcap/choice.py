# SPDX-License-Identifier: Apache-2.0
"""Which of the topics of a bag are the robot's: never two merged, never one of two without a word.

A lab's bag may hold a leader arm, a planner's fake joints, another robot. What lies under our own name in the namespace of
the robot wins; where that does not decide, the user does.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from genima.errors import DatasetError, ProfileError
from genima.rig.rig import Rig, RigCamera

RIG, NAMESPACE, EXACT = 'rig', 'namespace', 'exact'
"""Keys of the provenance: the rig with which an episode was recorded, the namespace of the recorder, and of an episode that
was exported what ROS messages have no room for."""


@dataclass(frozen=True)
class Choice:
    """What the user, or the recording itself, says about topics; relative names lie in the namespace.

    Attributes:
        namespace: Of the robot, '' or '/cell1' for example; None: as the topics tell.
        joint_states: Topic of the measured joints; empty: as the topics tell.
        controller_state: Topic of what the robot's controller commands; empty likewise.
        cameras: Topics of cameras.
        only_these: There are no other cameras.
    """

    namespace: str | None = None
    joint_states: str = ''
    controller_state: str = ''
    cameras: tuple[RigCamera, ...] = ()
    only_these: bool = False

    @classmethod
    def of_rig(cls, rig: Rig) -> 'Choice':
        """Return the topics of a rig."""
        return cls(joint_states=rig.joint_states, cameras=rig.cameras, only_these=True)

    @classmethod
    def recorded(cls, provenance: Mapping[str, Any]) -> 'Choice':
        """Return what a recording of ours says of itself.

        What was exported from an episode has our own names, whatever the topics were once.

        Raises:
            ProfileError: if its rig cannot be read.
        """
        if EXACT in provenance:
            return cls()
        rig, namespace = provenance.get(RIG), provenance.get(NAMESPACE)
        choice = cls() if not rig else cls.of_rig(Rig.from_dict(rig, 'the rig in the recording'))
        return replace(choice, namespace=_as_namespace(namespace) if isinstance(namespace, str) else None)

    def over(self, other: 'Choice') -> 'Choice':
        """Return this choice, and of another one what this leaves open."""
        named = {camera.name for camera in self.cameras}
        rest = () if self.only_these else tuple(camera for camera in other.cameras if camera.name not in named)
        return Choice(
            other.namespace if self.namespace is None else self.namespace,
            self.joint_states or other.joint_states,
            self.controller_state or other.controller_state,
            self.cameras + rest,
            self.only_these or other.only_these,
        )


def said(camera: Iterable[str], rig: str, joint_states: str, controller_state: str, namespace: str | None) -> Choice:
    """Return the choice of a command line.

    Args:
        camera: NAME=TOPIC or NAME=TOPIC,INFO of each camera.
        rig: Name or file of a rig.
        joint_states: Topic of the measured joints.
        controller_state: Topic of the controller's state.
        namespace: Of the robot.

    Raises:
        ProfileError: if one of them cannot be understood.
    """
    cameras: dict[str, Any] = {}
    for text in camera:
        name, equals, where = text.partition('=')
        image, comma, info = where.partition(',')
        if not equals or not image:
            raise ProfileError(
                f'--camera {text}: expected NAME=TOPIC or NAME=TOPIC,INFO, front=/camera/color/image_raw for example'
            )
        if name in cameras:
            raise ProfileError(f'--camera {name} is given twice; a camera has one topic')
        cameras[name] = {'image': image, 'info': info} if comma else {'image': image}
    named = Rig.from_dict({'cameras': cameras}, '--camera').cameras if cameras else ()
    space = None if namespace is None else _as_namespace(namespace)
    mine = Choice(space, joint_states, controller_state, named)
    return mine.over(Choice.of_rig(Rig.load(rig))) if rig else mine


def pick(what: str, candidates: Mapping[str, str], namespace: str, option: str) -> tuple[list[str], list[str]]:
    """Return the topics that win, and those that lose.

    Args:
        what: In words.
        candidates: Topic to its namespace.
        namespace: Of the robot; what lies in it wins over what lies in none, and that over a single one elsewhere.
        option: That chooses.

    Raises:
        DatasetError: if that does not decide; names the topics and the option.
    """
    for space in dict.fromkeys((namespace, '')):
        own = [topic for topic, other in candidates.items() if other == space]
        if own:
            return own, [topic for topic in candidates if topic not in own]
    if len(set(candidates.values())) > 1:
        raise ambiguous(what, sorted(candidates), option)
    return list(candidates), []


def ambiguous(what: str, names: Sequence[str], option: str) -> DatasetError:
    """Return the refusal to choose between topics."""
    return DatasetError(f'{what} could be {" or ".join(names)}, and nothing tells which: choose with {option}')


def absolute(topic: str, namespace: str) -> str:
    """Return the full name of a topic."""
    return topic if topic.startswith('/') else f'{namespace}/{topic}'


def _as_namespace(text: str) -> str:
    """Return a namespace as topics begin with it: '' for the root."""
    inner = text.strip('/')
    return f'/{inner}' if inner else ''
