# SPDX-License-Identifier: Apache-2.0
"""Joints, gripper and times of a demonstration in somebody's HDF5 file; what it does not say is asked for."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from genima.borders.hdf5 import check_array
from genima.convert.joint_limits import check_joints
from genima.episodes.layouts import ALOHA, PAGE, Demo, existing, rate_hz_of
from genima.errors import DatasetError
from genima.robots.profile import RobotProfile

NEXT = 'next'
"""The value of `--targets` by which the joints one step later stand for the command."""
_REFERENCE = re.compile(r'([^\[\]]+)(?:\[(\d+)(?::(\d+))?\])?')
_SLACK_OPEN = 0.02


@dataclass(frozen=True)
class Told:
    """What the user said about a dataset; see `hdf5.conversion.load`."""

    robot: str | None = None
    camera_params: Path | None = None
    camera_parent: tuple[str, ...] = ()
    extrinsics: str | None = None
    gripper_range: tuple[float, float] | None = None
    rate_hz: float | None = None
    joints: str | None = None
    gripper: str | None = None
    targets: str | None = None


def read_motion(demo: Demo, group: h5py.Group, layout: str, told: Told, profile: RobotProfile) -> dict[str, Any]:
    """Return times, joints and gripper as arguments for `Episode`, and `metadata` on where they come from.

    Raises:
        DatasetError: if something is missing, must be told, or is no joint position in rad of the robot.
    """
    if layout == PAGE and told.joints is None and 'observations/joint_positions' not in group:
        motion, note = _page_commands(group, told, profile)
    else:
        motion, note = _observed(demo, group, layout, told, profile)
    for key in ('q_rad', 'q_command_rad'):
        check_joints(profile, motion[key], demo.text, note['joints'])
    steps = len(motion['q_rad'])
    lengths = {name: len(values) for name, values in motion.items()}
    if set(lengths.values()) != {steps} or not steps:
        raise DatasetError(f'{demo.text}: joints, gripper and commands have different numbers of steps: {lengths}')
    times_s, rate_hz, stamps = _times_s(demo, group, layout, told, steps)
    return {**motion, 'timestamps_s': times_s, 'metadata': {**note, 'stamps': stamps, 'rate_hz': rate_hz}}


def _page_commands(
    group: h5py.Group, told: Told, profile: RobotProfile
) -> tuple[dict[str, np.ndarray], dict[str, str]]:  # fmt: skip
    """Return the page's four arrays: it has commands only, so those of the step before stand for what was observed."""
    command = _columns(group, f'actions/joint_positions[0:{profile.n_joints}]', profile.n_joints)
    opening = _opening(group, told.gripper or 'actions/gripper', told, (0.0, 1.0))
    motion = {
        'q_rad': np.concatenate([command[:1], command[:-1]]),
        'gripper_open': np.concatenate([opening[:1], opening[:-1]]),
        'q_command_rad': command,
        'gripper_command_open': opening,
    }
    return motion, {'joints': 'actions/joint_positions, commands of the step before', 'commands': 'of the dataset'}


def _observed(
    demo: Demo, group: h5py.Group, layout: str, told: Told, profile: RobotProfile
) -> tuple[dict[str, np.ndarray], dict[str, str]]:  # fmt: skip
    joints, gripper, targets = _references(demo, group, layout, told, profile)
    # the fingers of robomimic are in metres, so is what it takes for an opening
    usual = {PAGE: (0.0, 1.0), ALOHA: (0.0, 1.0)}.get(layout)
    q_rad, opening = _columns(group, joints, profile.n_joints), _opening(group, gripper, told, usual)
    motion = {'q_rad': q_rad, 'gripper_open': opening}
    if targets == NEXT:
        motion |= {'q_command_rad': _one_step_later(q_rad), 'gripper_command_open': _one_step_later(opening)}
        return motion, {'joints': joints, 'commands': 'joints observed one step later'}
    motion['q_command_rad'] = _columns(group, targets, profile.n_joints)
    command = {PAGE: 'actions/gripper', ALOHA: gripper.replace('observations/qpos', 'action')}.get(layout)
    motion['gripper_command_open'] = _opening(group, command, told, usual) if command else _one_step_later(opening)
    return motion, {'joints': joints, 'commands': targets}


def _references(
    demo: Demo, group: h5py.Group, layout: str, told: Told, profile: RobotProfile
) -> tuple[str, str, str]:  # fmt: skip
    """Return where joints, opening and joint targets are: as told, or as the layout has it."""
    n = profile.n_joints
    if layout == PAGE:
        usual = ('observations/joint_positions', 'observations/gripper', 'actions/joint_positions')
        if 'observations/gripper' not in group:
            usual = (usual[0], 'actions/gripper', usual[2])
    elif layout == ALOHA:
        usual = (f'observations/qpos[0:{n}]', f'observations/qpos[{n}]', '')
        size = group['observations/qpos'].shape[-1]
        if size != n + 1 and (told.joints is None or told.gripper is None):
            raise DatasetError(
                f'{demo.text}: observations/qpos has {size} columns, robot {profile.name} {n} joints and a gripper; say '
                f"which: --joints 'observations/qpos[0:{n}]' --gripper 'observations/qpos[{n}]', with their own numbers"
            )
        usual = (*usual[:2], (told.joints or usual[0]).replace('observations/qpos', 'action'))
    else:
        usual = ('obs/robot0_joint_pos', 'obs/robot0_gripper_qpos[0]', '')
    targets = told.targets or usual[2]
    if not targets:
        raise DatasetError(
            f'{demo.text}: the actions of robomimic are commands of a simulated controller, such as motions of the hand, '
            "not joint positions. --targets next takes the joints one step later; --targets 'actions[0:7]' takes columns, "
            'where these are absolute joint positions in rad'
        )
    return told.joints or usual[0], told.gripper or usual[1], targets


def _columns(group: h5py.Group, reference: str, size: int) -> np.ndarray:
    """Return columns (T, size) that a reference such as `observations/qpos[0:7]` names, as float64."""
    match = _REFERENCE.fullmatch(reference)
    item = group.get(match[1]) if match else None
    if not isinstance(item, h5py.Dataset) or item.dtype.kind not in 'fiub' or not 1 <= item.ndim <= 2:
        raise DatasetError(f'{group.file.filename}: {reference!r} names no array (T, k) of numbers; {existing(group)}')
    check_array(item)
    values = item[()].astype(np.float64).reshape(len(item), -1)
    first, last = match[2] if match else None, match[3] if match else None
    if first is not None:
        values = values[:, int(first) : int(last) if last else int(first) + 1]
    if values.shape[1] != size:
        raise DatasetError(f'{group.file.filename}: {reference!r} has {values.shape[1]} columns, {size} are needed')
    if not np.isfinite(values).all():
        raise DatasetError(f'{group.file.filename}: {reference!r} holds values that are not finite')
    return values


def _opening(group: h5py.Group, reference: str, told: Told, usual: tuple[float, float] | None) -> np.ndarray:
    values, given = _columns(group, reference, 1)[:, 0], told.gripper_range or usual
    seen = f'{reference!r} goes from {values.min():.3g} to {values.max():.3g}' if len(values) else f'{reference!r} is empty'
    opening = np.zeros(0) if given is None else (values - given[0]) / (given[1] - given[0])
    if not len(opening) or opening.min() < -_SLACK_OPEN or opening.max() > 1 + _SLACK_OPEN:
        raise DatasetError(f'{group.file.filename}: {seen}; say what closed and open are with --gripper-range CLOSED OPEN')
    return np.clip(opening, 0.0, 1.0)


def _one_step_later(values: np.ndarray) -> np.ndarray:
    return np.concatenate([values[1:], values[-1:]])


def _times_s(
    demo: Demo, group: h5py.Group, layout: str, told: Told, steps: int
) -> tuple[np.ndarray, float, str]:  # fmt: skip
    """Return times (T,), the rate, and where they come from."""
    if layout == PAGE and 'timestamps' in group:
        times_s = _columns(group, 'timestamps', 1)[:, 0]
        if len(times_s) != steps or (steps > 1 and not (np.diff(times_s) > 0).all()):
            raise DatasetError(f'{demo.text}: timestamps are not {steps} increasing times')
        measured = round(float(1 / np.median(np.diff(times_s))), 3) if steps > 1 else told.rate_hz
        if told.rate_hz or measured:
            return times_s, float(told.rate_hz or measured or 0), 'of the dataset'
    rate_hz = told.rate_hz or rate_hz_of(group, layout)
    if not rate_hz:
        raise DatasetError(f'{demo.text} does not say how many steps it has per second: give it with --rate-hz')
    return np.arange(steps) / rate_hz, rate_hz, 'made from the number of the step and rate_hz'
