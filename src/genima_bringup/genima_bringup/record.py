# SPDX-License-Identifier: Apache-2.0
"""Parameters of the nodes that record: the recorder, and who moves the arm for it."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genima.calibration.file import parse_date
from genima.calibration.mounting import read_folder
from genima.contract.spec import PolicySpec
from genima.errors import GenimaError
from genima.tasks.registry import find_task

OPERATORS = {'keyboard': 'teleop_node', 'scripted': 'operator_node', 'retrace': 'retrace_node', 'none': ''}
"""Who moves the arm where no policy does, and the node for it."""


def operator_of(values: Mapping[str, str], simulated: bool) -> str:
    """Return who moves the arm beside a policy; by default somebody at the keyboard where there is none.

    Raises:
        GenimaError: if there is no such operator, he cannot do that, or a policy moves the arm.
    """
    operator = values['operator'] or ('none' if values['policy'] else 'keyboard')
    if operator not in OPERATORS:
        raise GenimaError(f'operator: {operator!r}; allowed: {", ".join(OPERATORS)}')
    if values['policy'] and operator != 'none':
        raise GenimaError(
            f'operator:={operator} with policy {values["policy"]}, which moves the arm: use stack record without'
        )
    if (operator == 'retrace') != bool(values['episode']):
        got = f'operator:={operator} episode:={values["episode"]}'
        raise GenimaError(f'{got}: operator:=retrace repeats an episode:=FILE.h5, and nobody else does')
    if operator == 'scripted' and not simulated:
        raise GenimaError('operator:=scripted sees the objects of the simulation only; use keyboard or none with a real arm')
    return operator


def camera_names(values: Mapping[str, str]) -> list[str]:
    """Return the names in the launch argument `cameras`."""
    return [name.strip() for name in values['cameras'].split(',') if name.strip()]


def calibration_folder(values: Mapping[str, str]) -> str:
    """Return the absolute path of the launch argument `calibration`; empty where it is."""
    return str(Path(values['calibration']).expanduser().absolute()) if values['calibration'] else ''


def simulated_task(values: Mapping[str, str], policy: Path | None) -> str:
    """Return the name of the task that a simulated arm has: the one that was named, the policy's, or the default.

    Raises:
        TaskError: if it is not known here: another one would be simulated, and recorded under its name.
    """
    return find_task(values['task'] or (PolicySpec.load(policy).task if policy else '')).name


def recorder_parameters(values: Mapping[str, str], operator: str, controller: str, simulated: bool) -> dict[str, Any]:
    """Return what recorder_node is told."""
    task = find_task(simulated_task(values, Path(values['policy']) if values['policy'] else None)) if simulated else None
    usual = {'task': task.name, 'instruction': task.instructions[0]} if task else {}
    words = {name: values[name] or usual.get(name, '') for name in ('task', 'instruction')}
    who = {
        'keyboard': 'teleoperation by keyboard',
        'scripted': 'scripted expert',
        'retrace': 'repeated episode',
        'none': 'teleoperation',
    }[operator]
    source = f'policy {Path(values["policy"]).name}' if values['policy'] else who
    return {
        'robot': values['robot'],
        'controller': controller,
        'cameras': camera_names(values),
        'out': str(Path(values['out']).expanduser().absolute()),
        'source': f'simulation, {source}' if simulated else source,
        **{name: text for name, text in words.items() if text},
        **_calibrations(values),
    }


def _calibrations(values: Mapping[str, str]) -> dict[str, str]:
    """Return what the calibration files say of the recorded cameras; the oldest one dates them all."""
    if not values['calibration']:
        return {}
    files = read_folder(calibration_folder(values)).items()
    known = {name: each for name, each in files if name in camera_names(values)}
    if not known:
        return {}
    names = ', '.join(f'{name} {each.id}' for name, each in known.items())
    hardware = {name: {'model': each.hardware, 'serial': each.serial} for name, each in known.items() if each.serial}
    calibration = {'id': names, 'date': min((each.date for each in known.values()), key=parse_date)[:10]}
    return {'calibration': json.dumps(calibration), **({'camera_hardware': json.dumps(hardware)} if hardware else {})}


def failure_parameters(values: Mapping[str, str], controller: str, policy: Path | None) -> dict[str, Any]:
    """Return what failure_node is told."""
    return {
        'robot': values['robot'],
        'controller': controller,
        'cameras': camera_names(values),
        'policy': str(policy or ''),
        'out': str(Path(values['failures_out']).expanduser().absolute()),
    }


def operator_parameters(values: Mapping[str, str], operator: str, seed: int, episodes: int) -> dict[str, Any]:
    """Return what the operator's node is told."""
    robot = values['robot']
    if operator == 'retrace':
        return {'robot': robot, 'episode': str(Path(values['episode']).expanduser().absolute())}
    if operator == 'keyboard':
        return {'robot': robot, 'terminal': _terminal()}
    return {'robot': robot, 'seed': seed, 'episodes': episodes, 'task': simulated_task(values, None)}


def image_parameters(values: Mapping[str, str]) -> dict[str, Any]:
    """Return what sim_node is told about its images; nothing where nobody asked.

    Raises:
        GenimaError: if a value makes no sense.
    """
    parameters: dict[str, Any] = {}
    try:
        if values['image_size']:
            width, height = values['image_size'].split('x')
            parameters = {'width_px': int(width), 'height_px': int(height)}
        if values['image_rate']:
            parameters['image_rate_hz'] = float(values['image_rate'])
    except ValueError as error:
        got = f'image_size:={values["image_size"]} image_rate:={values["image_rate"]}'
        raise GenimaError(f'{got}; the form is image_size:=640x480 image_rate:=30') from error
    return parameters


def _terminal() -> str:
    """Return the device of the terminal that started this: a node has none, but may read that one."""
    try:
        return os.ttyname(sys.stdin.fileno())
    except (OSError, ValueError, AttributeError):
        return ''
