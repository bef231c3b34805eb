# SPDX-License-Identifier: Apache-2.0
"""PolicySpec: everything that must be equal in training and deployment, in one YAML file with a hash."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import yaml

from genima.borders.files import inside
from genima.borders.texts import read_yaml
from genima.cameras.lens import ViewLens
from genima.contract.base import BaseModel
from genima.contract.recipe import TRAINING, chosen_spheres, recipe_values
from genima.errors import BorderError, ContractError, PolicyError
from genima.files import write_atomic
from genima.robots.profile import RobotProfile, SphereSpec
from genima.robots.same import own_link, own_links
from genima.spheres.scene import Stripes

FILE_NAME = 'policy.yaml'
VERSION = 1
_MOST = {
    'view_size_px': 4096,
    'horizon_steps': 10**4,
    'chunk_steps': 10**4,
    'control_rate_hz': 1000,
    'inference_steps': 1000,
}
_MOST_CAMERAS = 16


@dataclass(frozen=True)
class PolicySpec:
    """The contract between painter, controller, data and nodes.

    Attributes:
        robot: Name of the robot profile.
        joint_names: Order of the joint positions, radians.
        task: Name of the task; `instruction` is what it is called in words.
        cameras: Names in the order of the tiles.
        spheres: What is painted; taken from the profile when the policy is made.
        stripes: Bands of all spheres.
        hidden: Camera name to the spheres that are not painted in its view.
        radius_scale: Camera name to a factor on the radii in its view.
        view_size_px: Edge of the square views.
        resize: Resampling of the views.
        color_order: Of all images.
        tiling: 'tiled' = one image of all views, 'per_view' = one image each.
        horizon_steps: The spheres show the pose so many control steps ahead (K).
        chunk_steps: Points of a chunk.
        control_rate_hz: Rate of chunks, and of the points in them.
        max_target_age_steps: Oldest target image, in control steps, that the controller was trained on.
        prompt_template: The painter's prompt; `{instruction}` is filled in.
        base_model: 'small' (trained here), or the model that the painter was fine-tuned from, see `contract.base`.
        inference_steps: Denoising steps.
        background: What target images show behind the spheres: 'views' = what the cameras saw, 'black' = nothing.
        view_lens: Camera name to the lens of its view, for a fisheye; without, the pinhole with the camera's focal length.
        normalizer: Statistics of the controller's inputs and outputs; empty until it is trained.
        version: Of this file's schema.
    """

    robot: str
    joint_names: tuple[str, ...]
    task: str
    instruction: str
    cameras: tuple[str, ...]
    spheres: tuple[SphereSpec, ...]
    stripes: Stripes = field(default_factory=Stripes)
    hidden: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    radius_scale: Mapping[str, float] = field(default_factory=dict)
    view_size_px: int = 128
    resize: str = 'area'
    color_order: str = 'rgb'
    tiling: str = 'tiled'
    horizon_steps: int = 10
    chunk_steps: int = 10
    control_rate_hz: float = 10.0
    max_target_age_steps: int = 5
    prompt_template: str = 'a robot arm will {instruction}'
    base_model: BaseModel = field(default_factory=BaseModel)
    inference_steps: int = 1
    background: str = 'views'
    view_lens: Mapping[str, ViewLens] = field(default_factory=dict)
    normalizer: Mapping[str, Any] = field(default_factory=dict)
    version: int = VERSION

    def __post_init__(self) -> None:
        """Refuse values that make no sense together."""
        _require(self.version == VERSION, 'version', self.version, VERSION)
        _require(self.resize in ('area', 'linear'), 'resize', self.resize, 'area, linear')
        _require(self.color_order == 'rgb', 'color_order', self.color_order, 'rgb')
        _require(self.tiling in ('tiled', 'per_view'), 'tiling', self.tiling, 'tiled, per_view')
        _require(self.background in ('views', 'black'), 'background', self.background, 'views, black')
        _require(isinstance(self.instruction, str), 'instruction', self.instruction, 'one text')
        _require('{instruction}' in self.prompt_template, 'prompt_template', self.prompt_template, 'with {instruction}')
        for name, most in _MOST.items():
            value = getattr(self, name)
            _require(0 < value <= most, name, value, f'> 0, at most {most}')
        _require(re.fullmatch(r'[\w-]{1,80}', self.robot) is not None, 'robot', self.robot, 'the name of a profile')
        _require(len(self.cameras) <= _MOST_CAMERAS, 'cameras', len(self.cameras), f'at most {_MOST_CAMERAS}')
        _require(self.max_target_age_steps >= 0, 'max_target_age_steps', self.max_target_age_steps, '>= 0')
        _require(1 <= len(set(self.cameras)) == len(self.cameras), 'cameras', self.cameras, 'one or more, all different')
        names = {sphere.name for sphere in self.spheres}
        for camera, spheres in self.hidden.items():
            _require(camera in self.cameras, 'hidden', camera, f'cameras {", ".join(self.cameras)}')
            _require(set(spheres) <= names, f'hidden.{camera}', spheres, f'spheres {", ".join(sorted(names))}')
        _require(set(self.view_lens) <= set(self.cameras), 'view_lens', tuple(self.view_lens), self.cameras)
        _require(set(self.radius_scale) <= set(self.cameras), 'radius_scale', tuple(self.radius_scale), self.cameras)

    @classmethod
    def from_recipe(cls, recipe: str | Path, profile: RobotProfile) -> 'PolicySpec':
        """Make the contract of a new policy from a recipe of `config/policies/` and the spheres of a robot."""
        values, path = recipe_values(recipe)
        values = {name: each for name, each in values.items() if name != TRAINING}
        spheres = chosen_spheres(values.pop('spheres', None), profile, path)
        robot = {'robot': profile.name, 'joint_names': list(profile.arm_joints), 'spheres': spheres}
        return cls.from_dict({**robot, **values}, path)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], source: Path | str = 'policy') -> 'PolicySpec':
        """Build from plain values; unknown and missing keys are refused."""
        known = {each.name for each in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ContractError(f'{source}: unknown keys {", ".join(unknown)}; allowed: {", ".join(sorted(known))}')
        plain = dict(values)
        try:
            plain['spheres'] = tuple(_sphere(each) for each in values['spheres'])
            plain['stripes'] = Stripes(**values.get('stripes', {}))
            plain['cameras'], plain['joint_names'] = tuple(values['cameras']), tuple(values['joint_names'])
            plain['hidden'] = {name: tuple(spheres) for name, spheres in values.get('hidden', {}).items()}
            lenses = values.get('view_lens', {})
            plain['view_lens'] = {name: ViewLens(**each) for name, each in lenses.items()}
            plain['base_model'] = BaseModel.from_plain(values.get('base_model', 'small'))
            return cls(**plain)
        except (KeyError, TypeError, AttributeError, OverflowError, IndexError) as error:
            raise ContractError(f'{source} is not a complete policy contract: {error}') from error

    @classmethod
    def load(cls, policy_dir: Path | str) -> 'PolicySpec':
        """Read `policy.yaml` of a policy directory.

        Raises:
            PolicyError: if there is none.
            ContractError: if it cannot be understood.
        """
        path = Path(policy_dir) / FILE_NAME
        if not path.is_file():
            raise PolicyError(f'{path} is missing: {policy_dir} is not a policy directory (models/panda_pick is one)')
        try:
            return cls.from_dict(_mapping(read_yaml(inside(policy_dir, path)), path), path)
        except BorderError as error:
            raise ContractError(f'{path} cannot be read: {error}') from error

    def save(self, policy_dir: Path | str) -> None:
        """Write `policy.yaml` atomically."""
        text = yaml.safe_dump(self.to_dict(), sort_keys=False, width=120, default_flow_style=None)
        write_atomic(Path(policy_dir) / FILE_NAME, text)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values as they stand in the file."""
        values = {name: _plain(value) for name, value in asdict(self).items()}
        values['base_model'] = self.base_model.to_plain()
        # what came later is left out where it says nothing new: contracts keep their hashes
        usual = {'view_lens': {}, 'background': 'views'}
        return {name: each for name, each in values.items() if name not in usual or each != usual[name]}

    def hash(self) -> str:
        """Return 16 hexadecimal digits that change whenever anything in the contract does."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(',', ':'))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def prompt(self, instruction: str | None = None) -> str:
        """Return the painter's prompt, the same in training and deployment."""
        return self.prompt_template.replace('{instruction}', instruction or self.instruction)

    def with_normalizer(self, statistics: Mapping[str, Any]) -> 'PolicySpec':
        """Return this contract with the statistics of a trained controller."""
        return replace(self, normalizer=dict(statistics))

    def differences(self, other: 'PolicySpec') -> list[str]:
        """Return one line for each value that differs."""
        mine, theirs = self.to_dict(), other.to_dict()
        differing = [name for name in dict.fromkeys([*mine, *theirs]) if mine.get(name) != theirs.get(name)]
        return [f'{name}: {mine.get(name)} here, {theirs.get(name)} there' for name in differing]

    def require_same(self, other_hash: str, where: str) -> None:
        """Refuse what was made under another contract.

        Raises:
            ContractError: with both hashes.
        """
        if other_hash != self.hash():
            raise ContractError(
                f'{where} was made under contract {other_hash or "(none)"}, this policy has {self.hash()}: '
                'run painter and controller from the same policy directory'
            )

    def check_robot(self, profile: RobotProfile) -> None:
        """Refuse a robot that this policy was not made for.

        A policy also moves a robot whose profile says `same_kinematics_as` the policy's robot, where that is true: joints
        correspond by their order, links by their place, and limits are those of the robot that moves.

        Raises:
            ContractError: with both values.
            ProfileError: if the profile says so and it is not true.
        """
        same = profile.same_kinematics_as == self.robot and len(profile.arm_joints) == len(self.joint_names)
        if not same and (profile.name != self.robot or tuple(profile.arm_joints) != self.joint_names):
            raise ContractError(
                f'the policy was trained for robot {self.robot} with joints {", ".join(self.joint_names)}; '
                f'got robot {profile.name} with joints {", ".join(profile.arm_joints)}: use a policy made for it, '
                f'or collect with --robot {profile.name} and train one; a robot with the very same kinematics says so in '
                f'its profile (same_kinematics_as: {self.robot})'
            )
        own_links(profile)  # what the profile says of another robot must be true
        for sphere in self.spheres:
            profile.link(own_link(profile, sphere.link))


def _require(condition: bool, name: str, got: object, allowed: object) -> None:
    if not condition:
        raise ContractError(f'policy contract, {name}: got {got!r}, allowed: {allowed}')


def _mapping(values: object, source: Path) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise ContractError(f'{source} holds {type(values).__name__}, not a mapping of names to values')
    return values


def _sphere(values: Mapping[str, Any]) -> SphereSpec:
    plain: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in values.items()}
    return SphereSpec(**plain)


def _plain(value: Any) -> Any:
    """Turn tuples into lists, and leave out what is not set, down to the leaves."""
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items() if each is not None}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value
