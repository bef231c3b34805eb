# SPDX-License-Identifier: Apache-2.0
"""From what was heard of a running graph to a rig, with what was found and what is missing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from genima.errors import GenimaError
from genima.rig.found_cameras import CameraFound, find_cameras, split
from genima.rig.graph import CONTROLLER_STATE, FEEDBACK, GRIPPER_ACTIONS, JOINT_STATE, Graph
from genima.rig.rig import Rig
from genima.robots.profile import RobotProfile

# how teleoperation calls joint states that are no measurement of the arm
_LEADER = ('leader', 'master', 'teleop', 'gello', 'command', 'desired', 'target', 'goal', 'reference', 'gui')
_OURS = re.compile(r'(.*)/(overlay/[^/]+|target_image/image)')
LEAST_HZ = 5.0


@dataclass(frozen=True)
class Finding:
    """One line of the report; `remedy` is empty where all is well."""

    what: str
    finding: str
    remedy: str = ''


@dataclass
class Proposal:
    """What `genima rig detect` makes of a graph: the rig, None where nothing is usable, and the lines of the report."""

    rig: Rig | None = None
    findings: list[Finding] = field(default_factory=list)

    def say(self, what: str, finding: str, remedy: str = '') -> None:
        """Add a line."""
        self.findings.append(Finding(what, finding, remedy))

    def text(self) -> str:
        """Return the rig file: the findings as comments, then the mapping.

        Raises:
            GenimaError: if there is no rig.
        """
        if self.rig is None:
            raise GenimaError('nothing usable was found; start the drivers of cameras and arm, then detect again')
        lines = ['# Written by `genima rig detect`. Rename the cameras as your policy calls them, and check the rest.']
        for each in self.findings:
            lines.append(f'# {each.what}: {each.finding}' + (f' -> {each.remedy}' if each.remedy else ''))
        lines = [' '.join(line.splitlines()) for line in lines]
        return '\n'.join(lines) + '\n' + yaml.safe_dump(self.rig.to_dict(), sort_keys=False, width=120)


def detect(graph: Graph, profiles: Sequence[RobotProfile], namespace: str = '') -> Proposal:
    """Propose a rig for a graph.

    Args:
        graph: What was heard.
        profiles: Robots that it may be, for example all of config/robots.
        namespace: Only topics in there are looked at; empty: all.
    """
    proposal, graph = Proposal(), graph.inside(namespace)
    topic, fitting = _find_robot(graph, profiles, proposal)
    profile = fitting[0] if fitting else None
    cameras = _find_cameras(graph, profile, proposal)
    gripper = _find_gripper(graph, profile, proposal)
    controllers = [name.removesuffix('/controller_state') for name in graph.of(CONTROLLER_STATE)]
    remedy = '' if controllers else 'activate the joint_trajectory_controller of the arm'
    proposal.say('controllers', ', '.join(controllers) or 'none', remedy)
    if cameras:
        robot = fitting[0].name if len(fitting) == 1 else ''  # a guess may be an arm of another size
        read = tuple(each.camera for each in cameras)
        proposal.rig = Rig(read, robot, topic or 'joint_states', gripper)
    return proposal


def _find_cameras(graph: Graph, profile: RobotProfile | None, proposal: Proposal) -> list[CameraFound]:
    found, alone = find_cameras(graph)
    cameras, left_out = split(found)
    if not cameras:
        proposal.say('cameras', 'none', 'start the camera drivers; image and camera_info must be in one namespace')
    for each in cameras:
        proposal.say(f'camera {each.camera.name}', _describe(each, graph), _camera_remedy(each, graph, profile))
    for each in left_out:
        proposal.say(each.camera.image, 'left out: a rig has six cameras', 'put it in the place of another one')
    for topic in alone:
        if _OURS.fullmatch(topic):
            proposal.say(topic, 'painted by our own nodes: left out')
            continue
        proposal.say(topic, 'images without a camera_info beside them: left out', 'publish camera_info, if it is a camera')
    return cameras


def _describe(found: CameraFound, graph: Graph) -> str:
    image, camera = found.image, found.camera
    width, height = image.size_px if image.size_px != (0, 0) or found.info is None else found.info.size_px
    parent = graph.parents.get(image.frame, 'no parent')
    also = f'; also {", ".join(found.others)}' if found.others else ''
    calibrated = 'calibrated' if found.info and found.info.calibrated else 'not calibrated'
    return (
        f'{camera.images}, {image.rate_hz:.1f} Hz, {width}x{height} {image.encoding or camera.transport}, {calibrated}, '
        f'frame {image.frame or "(none)"} in {parent}{also}'
    )


def _camera_remedy(found: CameraFound, graph: Graph, profile: RobotProfile | None) -> str:
    image, info = found.image, found.info
    if not image.rate_hz:
        return 'nothing arrives: is the driver running, is its QoS compatible?'
    if image.publishers > 1:
        return f'{image.publishers} publishers: stop all but one'
    if image.rate_hz < LEAST_HZ:
        return 'raise the rate of the driver, or use the compressed transport'
    if info is None or not info.calibrated:
        return 'calibrate it: genima calibrate intrinsics'
    if info.size_px != image.size_px and image.size_px != (0, 0):
        return f'camera_info is for {info.size_px[0]}x{info.size_px[1]}: calibrate at the size that is sent'
    if not image.frame:
        return 'its images carry no frame_id: set it in the driver'
    if profile is not None and not graph.connected(image.frame, profile.base_link):
        return f'tf does not connect {image.frame} with {profile.base_link}: genima calibrate hand-eye, publish the result'
    return ''


def _find_robot(
    graph: Graph, profiles: Sequence[RobotProfile], proposal: Proposal
) -> tuple[str | None, list[RobotProfile]]:
    """Return the topic of the measured joints, None if there is none, and the profiles that fit best."""
    states = graph.of(JOINT_STATE)
    measured = {topic: heard for topic, heard in states.items() if not _is_leader(topic)}
    for topic in sorted(set(states) - set(measured)):
        proposal.say(topic, 'joint states of a leader arm or of commands: not the measured ones')
    if not measured:
        proposal.say('joint_states', 'none', 'start the driver of the arm and its joint_state_broadcaster')
        return None, []
    fits = [
        (_shared(heard.names, profile), -len(topic), topic, profile)
        for topic, heard in measured.items()
        for profile in profiles
        if set(profile.arm_joints) <= set(heard.names)
    ]
    if not fits:
        topic = min(measured, key=lambda each: (not measured[each].names, len(each)))
        names = ', '.join(measured[topic].names) or 'nothing arrives'
        proposal.say(topic, f'no profile fits the joints: {names}', 'genima robot import, or start the driver')
        return topic, []
    best = max(fit[:2] for fit in fits)
    topic = next(fit[2] for fit in fits if fit[:2] == best)
    fitting = [fit[3] for fit in fits if fit[:3] == (*best, topic)]
    rivals = sorted({fit[2] for fit in fits if fit[2] != topic and not _serves(fit[2], topic)})
    remedy = 'several arms or several sources: check which one is meant, or detect with --namespace' if rivals else ''
    if len(fitting) > 1:
        remedy = 'their joints have the same names: say which it is with --robot'
    also = f'; also {", ".join(rivals)}' if rivals else ''
    names = ' or '.join(profile.name for profile in fitting)
    proposal.say('robot', f'{names}, {topic}, {states[topic].rate_hz:.1f} Hz{also}', remedy)
    return topic, fitting


def _serves(source: str, merged: str) -> bool:
    """Return whether a driver's own joint states stand under the place where they are merged."""
    return source.startswith(merged.rpartition('/')[0] + '/') and source.count('/') > merged.count('/')


def _shared(names: Sequence[str], profile: RobotProfile) -> int:
    drivers = {driver.joint for driver in profile.gripper.drivers.values()}
    return len(set(names) & {*profile.arm_joints, *profile.gripper.joints, *drivers})


def _is_leader(topic: str) -> bool:
    return any(word in part for part in topic.lower().split('/') for word in _LEADER)


def _find_gripper(graph: Graph, profile: RobotProfile | None, proposal: Proposal) -> dict[str, Any]:
    """Return keys of the gripper's driver where they differ from the profile's."""
    actions = {
        name.removesuffix(FEEDBACK): GRIPPER_ACTIONS[each.kind]
        for name, each in sorted(graph.topics.items())
        if name.endswith(FEEDBACK) and each.kind in GRIPPER_ACTIONS
    }
    if not actions:
        proposal.say('gripper', 'no gripper action', '' if profile is None else 'start its driver, if there is one')
        return {}
    proposal.say(
        'gripper',
        ', '.join(f'{name} ({kind})' for name, kind in actions.items()),
        'several: keep the right one under gripper:' if len(actions) > 1 else '',
    )
    name, kind = next(iter(actions.items()))
    known = [] if profile is None else list(profile.gripper.drivers.values())
    if any(driver.kind == kind and name.strip('/').endswith(driver.action.strip('/')) for driver in known):
        return {}
    return {'kind': kind, 'action': name}
