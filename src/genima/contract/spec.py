# SPDX-License-Identifier: Apache-2.0
"""PolicySpec: everything that must be equal in training and deployment, in one YAML file with a hash."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import yaml

from genima.borders.files import inside
from genima.borders.texts import read_yaml
from genima.cameras.lens import ViewLens
from genima.contract.base import BaseModel
from genima.contract.kinds import CONTRACT, check, check_spheres, require
from genima.contract.recipe import TRAINING, chosen_spheres, recipe_values
from genima.contract.words import Words, read_words
from genima.errors import BorderError, ContractError, GenimaError, PolicyError
from genima.files import write_atomic
from genima.robots.profile import RobotProfile, SphereSpec
from genima.robots.same import own_link, own_links
from genima.spheres.scene import Stripes

FILE_NAME = 'policy.yaml'
Part = TypeVar('Part', SphereSpec, Stripes, ViewLens)


@dataclass(frozen=True)
class PolicySpec:
    """The contract between painter, controller, data and nodes.

    Attributes:
        robot: Name of the robot profile.
        joint_names: Order of the joint positions, radians.
        task: Name of the task, and `instruction` what it is called in words; with `tasks` those meant where nobody says.
        tasks: Task to the instructions that the policy is trained on; empty: `task` with `instruction` and nothing else.
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
    tasks: Words = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse values that make no sense together."""
        check(vars(self), CONTRACT)
        read_words(self.tasks)
        known = not self.tasks or self.instruction in self.tasks.get(self.task, ())
        require(known, 'instruction', self.instruction, f'one of task {self.task!r} in tasks')
        check_spheres(self.spheres, self.stripes)
        require(isinstance(self.base_model, BaseModel), 'base_model', self.base_model, 'a name, or a mapping')
        names = {sphere.name for sphere in self.spheres}
        for camera, spheres in self.hidden.items():
            require(camera in self.cameras, 'hidden', camera, f'cameras {", ".join(self.cameras)}')
            require(set(spheres) <= names, f'hidden.{camera}', spheres, f'spheres {", ".join(sorted(names))}')
        for name in ('view_lens', 'radius_scale'):
            by_camera = getattr(self, name)
            require(isinstance(by_camera, Mapping), name, by_camera, 'a mapping of cameras')
            require(set(by_camera) <= set(self.cameras), name, tuple(by_camera), f'cameras {", ".join(self.cameras)}')
        lenses = all(isinstance(lens, ViewLens) for lens in self.view_lens.values())
        require(lenses, 'view_lens', dict(self.view_lens), 'a mapping of model and view_angle_deg for each camera')

    @property
    def version(self) -> int:
        """Return the version of the file's schema: 2 has `tasks`, 1 one task with one instruction, and keeps its hash."""
        return 2 if self.tasks else 1

    @property
    def words(self) -> Words:
        """Return each task with its instructions."""
        return self.tasks or {self.task: (self.instruction,)}

    @property
    def instructions(self) -> tuple[str, ...]:
        """Return all instructions, that of the contract first."""
        return tuple(dict.fromkeys([self.instruction, *(text for texts in self.words.values() for text in texts)]))

    def task_of(self, instruction: str) -> str:
        """Return the task that an instruction belongs to; that of the contract for an empty one.

        Raises:
            ContractError: if the policy was not trained on it.
        """
        said = instruction or self.instruction
        for task in (self.task, *self.words):
            if said in self.words[task]:
                return task
        known = ', '.join(repr(text) for text in self.instructions[:8])
        raise ContractError(f'the policy was not trained on {said!r}, but on {known}; type one of them, word by word')

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
        known = {each.name for each in fields(cls)} | {'version'}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ContractError(f'{source}: unknown keys {", ".join(unknown)}; allowed: {", ".join(sorted(known))}')
        plain = {name: value for name, value in values.items() if name != 'version'}
        try:
            plain['tasks'] = read_words(values.get('tasks', {}))
            if plain['tasks']:  # what a recipe need not say twice
                task = plain.setdefault('task', next(iter(plain['tasks'])))
                plain.setdefault('instruction', plain['tasks'].get(task, ('',))[0])
            spheres = _tuple(values['spheres'])
            require(isinstance(spheres, tuple), 'spheres', spheres, 'a list of spheres')
            plain['spheres'] = tuple(_made(SphereSpec, each, 'spheres') for each in spheres)
            plain['stripes'] = _made(Stripes, values.get('stripes', {}), 'stripes')
            plain['cameras'], plain['joint_names'] = _tuple(values['cameras']), _tuple(values['joint_names'])
            plain['hidden'] = {name: _tuple(hidden) for name, hidden in _named(values, 'hidden')}
            plain['view_lens'] = {
                name: _made(ViewLens, each, f'view_lens.{name}') for name, each in _named(values, 'view_lens')
            }
            plain['base_model'] = BaseModel.from_plain(values.get('base_model', 'small'))
            spec = cls(**plain)
            version = values.get('version', spec.version)
            require(type(version) is int and version == spec.version, 'version', version, f'{spec.version} for what it says')
            return spec
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
        values['version'] = self.version
        # what came later is left out where it says nothing new: contracts keep their hashes
        usual = {'view_lens': {}, 'background': 'views', 'tasks': {}}
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


def _mapping(values: object, source: Path) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise ContractError(f'{source} holds {type(values).__name__}, not a mapping of names to values')
    return values


def _made(kind: type[Part], values: object, where: str) -> Part:
    """Build a part of the contract from a mapping of its fields."""
    allowed = f'a mapping of {", ".join(each.name for each in fields(kind))}'  # type: ignore[arg-type]
    require(isinstance(values, Mapping), where, values, allowed)
    assert isinstance(values, Mapping)
    try:
        return kind(**{name: _tuple(each) for name, each in values.items()})
    except (TypeError, GenimaError) as error:  # a key too many or too few, or a value that the part refuses by itself
        raise ContractError(f'policy contract, {where}: {error}; allowed: {allowed}') from error


def _named(values: Mapping[str, Any], name: str) -> list[tuple[str, Any]]:
    by_camera = values.get(name, {})
    require(isinstance(by_camera, Mapping), name, by_camera, 'a mapping of cameras')
    return list(by_camera.items())


def _tuple(value: Any) -> Any:
    """Return a list as a tuple, and anything else as it is, for the checks to refuse."""
    return tuple(value) if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    """Turn tuples into lists, and leave out what is not set, down to the leaves."""
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items() if each is not None}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value
