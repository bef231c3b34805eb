# SPDX-License-Identifier: Apache-2.0
"""Are the times of an episode times, and its joints those of the robot, in radians, in order, as commanded?"""

from collections.abc import Iterator

import numpy as np
from scipy.optimize import linear_sum_assignment

from genima.episodes.episode import MAX_RATE_HZ, Episode
from genima.quality.findings import Finding
from genima.robots.profile import RobotProfile

GAP = 1.8
"""A step so many times as long as the median is a gap."""
RATE_TOLERANCE = 0.1
CAPTURE_LIMIT_S = 0.5
LIMIT_TOLERANCE_RAD = 0.02
COMMAND_LIMIT_RAD = 0.25
_TIME_UNITS = {'milliseconds': 1e3, 'microseconds': 1e6, 'nanoseconds': 1e9}
_ORDER_RAD = 0.1


def check_times(episode: Episode, where: str) -> Iterator[Finding]:
    """Yield what is wrong with the time stamps and the capture times."""
    times_s = episode.timestamps_s
    steps_s = np.diff(times_s)
    if (steps_s == 0).any():
        yield Finding(
            'stamps-repeat', where, f'{(steps_s == 0).sum()} time stamps repeat the one before, {_first(times_s, 0)}'
        )
    if (steps_s < 0).any():
        yield Finding('stamps-backwards', where, f'{(steps_s < 0).sum()} time stamps go back, {_first(times_s, -1)}')
    yield from _check_rate(episode, steps_s[steps_s > 0], where)
    for camera, capture_s in episode.capture_s.items():
        if len(capture_s) != len(times_s):
            continue  # the structure says so
        if (np.diff(capture_s) < 0).any():
            yield Finding('capture-backwards', where, f'capture times of {camera} go back')
        far_s = float(np.abs(capture_s - times_s).max(initial=0.0))
        if far_s > CAPTURE_LIMIT_S:
            yield Finding('capture-far', where, f'pictures of {camera} are up to {far_s:.3g} s away from their steps')


def _check_rate(episode: Episode, steps_s: np.ndarray, where: str) -> Iterator[Finding]:
    if not len(steps_s):
        return
    median_s = float(np.median(steps_s))
    gaps = np.flatnonzero(steps_s > GAP * median_s)
    if len(gaps):
        text = f'{len(gaps)} gaps, the longest of {steps_s.max():.3g} s where {median_s:.3g} s is usual'
        yield Finding('stamps-gap', where, text)
    rate_hz = episode.metadata.get('rate_hz')
    if not isinstance(rate_hz, (int, float)) or not 0 < rate_hz <= MAX_RATE_HZ:
        return
    ratio = median_s * rate_hz
    unit = next((name for name, factor in _TIME_UNITS.items() if 0.5 < ratio / factor < 2), None)
    if unit is not None:
        yield Finding('units-time', where, f'steps of {median_s:.6g} at {rate_hz:g} Hz: the stamps look like {unit}')
    elif abs(ratio - 1) > RATE_TOLERANCE:
        text = f'the metadata say {rate_hz:g} Hz, the stamps {1 / median_s:.3g} Hz'
        yield Finding('rate-differs', where, text)


def _first(times_s: np.ndarray, sign: int) -> str:
    step = int(np.flatnonzero(np.sign(np.diff(times_s)) == sign)[0]) + 1
    return f'first at step {step}'


def check_joints(episode: Episode, profile: RobotProfile, where: str) -> Iterator[Finding]:
    """Yield what is wrong with names, units, order and ranges of the joints."""
    names = episode.metadata.get('joint_names')
    columns = episode.q_rad.shape[1]
    if columns != profile.n_joints:
        yield Finding('joint-count', where, f'{columns} joints per step, {profile.name} has {profile.n_joints}')
        return
    if isinstance(names, list) and names != list(profile.arm_joints):
        same = sorted(map(str, names)) == sorted(profile.arm_joints)
        code, expected = 'joint-order' if same else 'joint-names', ', '.join(profile.arm_joints)
        yield Finding(code, where, f'the columns are {", ".join(map(str, names))}; those of {profile.name} are {expected}')
    ordered = True
    for what, q_rad in (('observed joints', episode.q_rad), ('commanded joints', episode.q_command_rad)):
        for finding in check_range(what, q_rad, profile, where):
            ordered = ordered and finding.code == 'joint-limits'
            yield finding
    if ordered and len(episode) > 1:
        yield from _check_command(episode, profile, where)


def check_range(what: str, q_rad: np.ndarray, profile: RobotProfile, where: str) -> Iterator[Finding]:
    """Yield why positions (T, n) are outside of the limits: degrees, another order, or really outside."""
    beyond = _beyond(q_rad, profile)
    if beyond.max(initial=0.0) <= LIMIT_TOLERANCE_RAD:
        return
    if np.abs(q_rad).max() > 2 * np.pi and _beyond(np.deg2rad(q_rad), profile).max() <= LIMIT_TOLERANCE_RAD:
        worst = float(np.abs(q_rad).max())
        yield Finding('units-degrees', where, f'{what} reach {worst:.4g}, which as degrees is inside all limits')
        return
    low, high = profile.limits.position_min_rad, profile.limits.position_max_rad
    column = q_rad[:, :, None]
    cost = np.maximum(np.maximum(low - column, column - high), 0.0).mean(axis=0)
    order = linear_sum_assignment(cost)[1]
    mostly = (beyond.max(axis=1) > LIMIT_TOLERANCE_RAD).mean() > 0.5
    if mostly and cost[np.arange(len(order)), order].max() == 0.0:
        text = f'{what} break limits in most steps as they stand and none in another order ({_swap(order, profile)})'
        yield Finding('joint-order', where, text)
        return
    joint = int(beyond.max(axis=0).argmax())
    steps = int((beyond[:, joint] > LIMIT_TOLERANCE_RAD).sum())
    text = (
        f'{what}: {profile.arm_joints[joint]} is up to {beyond[:, joint].max():.3g} rad beyond its limits in {steps} steps'
    )
    yield Finding('joint-limits', where, text)


def _beyond(q_rad: np.ndarray, profile: RobotProfile) -> np.ndarray:
    low, high = profile.limits.position_min_rad, profile.limits.position_max_rad
    return np.maximum(np.maximum(low - q_rad, q_rad - high), 0.0)


def _check_command(episode: Episode, profile: RobotProfile, where: str) -> Iterator[Finding]:
    """Yield where the joints do not go where they are commanded to, apart from steps over a gap."""
    steps_s = np.diff(episode.timestamps_s)
    near = steps_s <= GAP * np.median(steps_s)
    after, command, before = episode.q_rad[1:][near], episode.q_command_rad[:-1][near], episode.q_rad[:-1][near]
    if not len(after):
        return
    far_rad, relative_rad = _far_rad(after, command), _far_rad(after - before, command)
    if far_rad > COMMAND_LIMIT_RAD and relative_rad < 0.25 * far_rad:
        text = f'commands are {far_rad:.3g} rad away from where the joints go, but fit as changes ({relative_rad:.3g} rad)'
        yield Finding('command-relative', where, text)
    else:
        yield from check_follows(after, command, profile, where)


def check_follows(q_rad: np.ndarray, command_rad: np.ndarray, profile: RobotProfile, where: str) -> Iterator[Finding]:
    """Yield whether joints (T, n) are far from their commands (T, n), or close to them in another order only."""
    cost = np.median(np.abs(q_rad[:, :, None] - command_rad[:, None, :]), axis=0)
    order = linear_sum_assignment(cost)[1]
    as_is, best = float(np.trace(cost)), float(cost[np.arange(len(order)), order].sum())
    if as_is - best > _ORDER_RAD and best < 0.3 * as_is:
        text = f'observed and commanded joints fit each other only in another order ({_swap(order, profile)})'
        yield Finding('joint-order', where, text)
    elif _far_rad(q_rad, command_rad) > COMMAND_LIMIT_RAD:
        far_rad = _far_rad(q_rad, command_rad)
        yield Finding('command-far', where, f'joints are {far_rad:.3g} rad (median) away from where they were commanded to')


def _far_rad(q_rad: np.ndarray, command_rad: np.ndarray) -> float:
    return float(np.median(np.abs(q_rad - command_rad).max(axis=1)))


def _swap(order: np.ndarray, profile: RobotProfile) -> str:
    moved = [(index, int(column)) for index, column in enumerate(order) if index != column]
    return ', '.join(f'column {index} as {profile.arm_joints[column]}' for index, column in moved)
