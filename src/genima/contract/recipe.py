# SPDX-License-Identifier: Apache-2.0
"""Recipes in config/policies: what a new policy is like, apart from its robot; and, under `training`, how it is made."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from genima.borders.files import border
from genima.borders.texts import read_yaml
from genima.errors import ContractError
from genima.files import config_dir
from genima.robots.profile import RobotProfile, SphereSpec

TRAINING = 'training'
_SPHERE_KEYS = {'keep', 'radius_px', 'color_open_rgb', 'color_closed_rgb'}


def recipe_values(recipe: str | Path) -> tuple[dict[str, Any], Path]:
    """Return all values of a recipe, and its file.

    Args:
        recipe: Name in config/policies, or a YAML file.

    Raises:
        ContractError: if there is no such recipe, or it cannot be understood.
    """
    path = Path(recipe) if Path(recipe).suffix == '.yaml' else config_dir() / 'policies' / f'{recipe}.yaml'
    if not path.is_file():
        known = ', '.join(sorted(each.stem for each in (config_dir() / 'policies').glob('*.yaml')))
        raise ContractError(f'no recipe {str(recipe)!r}; config/policies has {known}')
    with border(path, 'mend the recipe', ContractError):
        values = read_yaml(path)
    if not isinstance(values, dict):
        raise ContractError(f'{path} holds {type(values).__name__}, not a mapping of names to values')
    return values, path


def chosen_spheres(choice: object, profile: RobotProfile, source: Path) -> list[dict[str, Any]]:
    """Return the spheres of a policy as plain values: the robot's own, or those of them that a recipe wants, changed.

    Args:
        choice: The recipe's `spheres`: None for the robot's; a list of whole spheres; or a mapping with `keep` (names),
            `radius_px`, `color_open_rgb` and `color_closed_rgb` (of the gripper's sphere).
        profile: The robot.
        source: The recipe's file, for messages.

    Raises:
        ContractError: if a name or key is unknown.
    """
    if isinstance(choice, list):
        return choice
    wanted = {} if choice is None else choice
    if not isinstance(wanted, Mapping) or set(wanted) - _SPHERE_KEYS:
        raise ContractError(f'{source}: spheres is {choice!r}, allowed: a list, or {", ".join(sorted(_SPHERE_KEYS))}')
    known = [sphere.name for sphere in profile.spheres]
    keep = wanted.get('keep', known)
    if set(keep) - set(known):
        raise ContractError(f'{source}: spheres.keep is {keep}, robot {profile.name} has {", ".join(known)}')
    return [_plain(_changed(sphere, wanted)) for sphere in profile.spheres if sphere.name in keep]


def _changed(sphere: SphereSpec, wanted: Mapping[str, Any]) -> SphereSpec:
    changes = {'radius_px': wanted['radius_px']} if 'radius_px' in wanted else {}
    if sphere.is_gripper:
        changes |= {name: wanted[name] for name in ('color_open_rgb', 'color_closed_rgb') if name in wanted}
    return replace(sphere, **changes)


def _plain(sphere: SphereSpec) -> dict[str, Any]:
    values = {name: each for name, each in asdict(sphere).items() if each is not None}
    return {name: list(each) if isinstance(each, tuple) else each for name, each in values.items()}
