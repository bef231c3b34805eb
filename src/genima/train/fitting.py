# SPDX-License-Identifier: Apache-2.0
"""Whether an episode is one that a policy of a contract can learn from: the same question for both trainers."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from genima.contract.spec import PolicySpec
from genima.episodes.episode import Episode
from genima.errors import DatasetError


def check_fits(episode: Episode, spec: PolicySpec, path: Path) -> None:
    """Refuse an episode of another robot, rate or task than the contract's.

    Robots with the same kinematics are two robots here: a policy may move both, but what it is trained on is of the one
    whose joints its contract names.

    Args:
        episode: With or without its views.
        spec: The contract.
        path: The episode's file, for the message.

    Raises:
        DatasetError: with both values and what to do.
    """
    metadata, wanted = episode.metadata, list(spec.joint_names)
    names, robot = metadata.get('joint_names'), metadata.get('robot')
    if names != wanted or episode.q_rad.shape[1] != len(wanted):
        raise DatasetError(
            f'{path} was recorded with robot {robot!r} and joints {names}, the contract is for robot {spec.robot!r} and '
            f'joints {wanted}: train with --robot {robot or "NAME"}, or collect with --robot {spec.robot}'
        )
    rate_hz = metadata.get('rate_hz')
    if rate_hz != spec.control_rate_hz:
        raise DatasetError(
            f'{path} has {rate_hz!r} steps a second, the contract {spec.control_rate_hz}: convert or collect it again at '
            f'that rate, or set control_rate_hz in the recipe'
        )
    check_words(metadata, spec, path)


def check_words(metadata: Mapping[str, Any], spec: PolicySpec, path: Path) -> None:
    """Refuse an episode of a task, or in words, that the contract does not list.

    Raises:
        DatasetError: with both values; an episode that says nothing is taken where there is one instruction only.
    """
    task, instruction = metadata.get('task'), metadata.get('instruction')
    if task and (not isinstance(task, str) or task not in spec.words):
        raise DatasetError(
            f'{path} has task {task!r}, the contract {_listed(spec.words)}: keep data of different tasks apart, or name '
            'both under `tasks` in the recipe; if only the name is wrong, '
            f'`genima dataset describe FOLDER --task {spec.task!r}`'
        )
    known = spec.words[task] if task else spec.instructions
    if instruction and instruction not in known:
        raise DatasetError(
            f'{path} has instruction {instruction!r}, the contract {_listed(known)}: add it under `tasks` in the recipe; if '
            f'only the words are wrong, `genima dataset describe FOLDER --instruction {known[0]!r}`'
        )
    if not instruction and len(known) > 1:
        raise DatasetError(
            f'{path} does not say which of {_listed(known)} it shows: `genima dataset describe FOLDER --instruction ...`'
        )


def instruction_of(metadata: Mapping[str, Any], spec: PolicySpec) -> int:
    """Return the place of an episode's instruction in `spec.instructions`; what says nothing shows the only one."""
    task, instruction = metadata.get('task'), metadata.get('instruction')
    return spec.instructions.index(instruction or (spec.words[task][0] if task else spec.instruction))


def _listed(names: Iterable[str]) -> str:
    shown = [repr(name) for name in names]
    return ', '.join(shown[:8]) + (f' and {len(shown) - 8} more' if len(shown) > 8 else '')
