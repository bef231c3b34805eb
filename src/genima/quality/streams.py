# SPDX-License-Identifier: Apache-2.0
"""Are the streams of a recording steady, on one clock, and the joints of the robot that it names?"""

from collections.abc import Iterator

import numpy as np

from genima.align.joints import opening_joint
from genima.errors import DatasetError
from genima.quality.findings import Finding
from genima.quality.heard import JOINT_STATES, Floats, Heard
from genima.quality.motion import CAPTURE_LIMIT_S, check_follows, check_range
from genima.recording.streams import GAP_PERIODS
from genima.robots.profile import RobotProfile

_OUTSIDE = 0.2


def check_stream(times_s: Floats, where: str) -> Iterator[Finding]:
    """Yield repeated stamps, stamps that go back, and gaps in the header stamps (N,) of one topic."""
    steps_s = np.diff(times_s)
    if (steps_s == 0).any():
        yield Finding('stamps-repeat', where, f'{(steps_s == 0).sum()} messages repeat the stamp of the one before')
    if (steps_s < 0).any():
        yield Finding('stamps-backwards', where, f'{(steps_s < 0).sum()} stamps are before that of the message before')
    forward_s = steps_s[steps_s > 0]
    usual_s = float(np.median(forward_s)) if len(forward_s) else 0.0
    gaps_s = forward_s[forward_s > GAP_PERIODS * usual_s]
    if len(gaps_s):
        text = f'{len(gaps_s)} gaps, the longest of {gaps_s.max():.3g} s where {usual_s:.3g} s is usual'
        yield Finding('stamps-gap', where, text)


def check_clocks(stamps_s: Floats, received_s: Floats, where: str) -> Iterator[Finding]:
    """Yield whether stamps (N,) are of another clock than the times of reception."""
    away_s = float(np.median(np.abs(received_s - stamps_s)))
    if away_s > CAPTURE_LIMIT_S:
        yield Finding('capture-far', where, f'stamps are {away_s:.3g} s (median) away from when they were received')


def check_arm(heard: Heard, profile: RobotProfile, where: str) -> Iterator[Finding]:
    """Yield what is wrong with the measured joints, and with the gripper."""
    times_s = np.unique(heard.stamps_s[JOINT_STATES])
    try:
        q_rad = heard.joints.at(profile.arm_joints, times_s, np.inf)
    except DatasetError as error:
        yield Finding('joint-names', where, str(error))
        return
    findings = list(check_range('measured joints', q_rad, profile, where))
    yield from findings
    if not findings and set(profile.arm_joints) <= set(heard.reference.names):
        yield from check_follows(q_rad, heard.reference.at(profile.arm_joints, times_s, np.inf), profile, where)
    yield from _check_gripper(heard, profile, times_s, where)


def _check_gripper(heard: Heard, profile: RobotProfile, times_s: Floats, where: str) -> Iterator[Finding]:
    commands = np.array(heard.gripper_commands)
    if len(commands) and (commands.min() < 0 or commands.max() > 1):
        text = f'/gripper/command runs from {commands.min():.4g} to {commands.max():.4g}'
        yield Finding('units-gripper', where, text)
    if not profile.gripper.is_there:
        return
    try:
        joint, closed, opened = opening_joint(profile.gripper, heard.joints.names)
        positions = heard.joints.at([joint], times_s, np.inf)
    except DatasetError as error:
        yield Finding('joint-names', where, str(error))
        return
    share = (positions - closed) / (opened - closed)
    if share.min() < -_OUTSIDE or share.max() > 1 + _OUTSIDE:
        text = f'{joint} runs from {positions.min():.4g} to {positions.max():.4g}, closed is {closed:g} and open {opened:g}'
        yield Finding('units-gripper', where, text)
