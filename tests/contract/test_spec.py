# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from genima.contract.spec import PolicySpec
from genima.errors import ContractError, PolicyError, ProfileError
from genima.files import config_dir
from genima.robots.profile import RobotProfile
from genima.spheres.scene import target_scene

RECIPES = sorted(path.stem for path in (config_dir() / 'policies').glob('*.yaml'))


@pytest.mark.parametrize('recipe', RECIPES)
def test_recipes_load_and_survive_the_file(recipe: str, panda: RobotProfile, tmp_path: Path) -> None:
    spec = PolicySpec.from_recipe(recipe, panda)
    spec.save(tmp_path)
    again = PolicySpec.load(tmp_path)
    assert again == spec and again.hash() == spec.hash() and not spec.differences(again)
    again.check_robot(panda)


@pytest.mark.parametrize(
    'change',
    [
        {'cameras': ('wrist', 'front', 'left_shoulder', 'right_shoulder')},
        {'view_size_px': 64},
        {'horizon_steps': 11},
        {'chunk_steps': 9},
        {'control_rate_hz': 20.0},
        {'prompt_template': '{instruction}!'},
        {'tiling': 'per_view'},
        {'resize': 'linear'},
        {'inference_steps': 2},
        {'max_target_age_steps': 3},
        {'normalizer': {'q_mean_rad': [0.1]}},
    ],
)
def test_every_value_is_in_the_hash(small_spec: PolicySpec, change: dict[str, object]) -> None:
    other = replace(small_spec, **change)  # type: ignore[arg-type]
    assert other.hash() != small_spec.hash()
    assert len(small_spec.differences(other)) == 1
    with pytest.raises(ContractError, match=f'{other.hash()}.*{small_spec.hash()}'):
        small_spec.require_same(other.hash(), 'target_image')


@pytest.mark.parametrize(
    'change',
    [
        {'view_size_px': 0},
        {'resize': 'magic'},
        {'tiling': 'heap'},
        {'prompt_template': 'move'},
        {'cameras': ('front', 'front')},
        {'hidden': {'moon': ('elbow',)}},
        {'hidden': {'wrist': ('tail',)}},
    ],
)
def test_senseless_values_are_refused(small_spec: PolicySpec, change: dict[str, object]) -> None:
    with pytest.raises(ContractError, match=next(iter(change))):
        replace(small_spec, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    'name, value',
    [
        ('robot', 7), ('robot', '../panda'), ('robot', 'mine.yaml'), ('robot', ''),
        ('joint_names', 'panda'), ('joint_names', []), ('joint_names', ['a', 'a']), ('joint_names', [1, 2]),
        ('task', ['pick']), ('task', ''), ('task', 3), ('task', None),
        ('instruction', ''), ('instruction', '  '), ('instruction', 5), ('instruction', 'x' * 3000),
        ('cameras', 'front'), ('cameras', []), ('cameras', [1]), ('cameras', {'front': 1}), ('cameras', ['a/b']),
        ('spheres', 'four'), ('spheres', {'name': 'hand'}), ('spheres', ['hand']),
        ('stripes', 4), ('stripes', {'bands': 2.5}), ('stripes', {'bands': True}), ('stripes', {'dark': '1'}),
        ('hidden', ['wrist']), ('hidden', {'wrist': 'hand'}), ('hidden', None),
        ('radius_scale', {'wrist': -1}), ('radius_scale', {'wrist': float('nan')}), ('radius_scale', {'wrist': '2'}),
        ('radius_scale', {'wrist': True}), ('radius_scale', 2),
        ('view_size_px', 128.5), ('view_size_px', True), ('view_size_px', '128'),
        ('view_size_px', 10**9), ('view_size_px', 0),
        ('horizon_steps', 10.0), ('chunk_steps', 1.5), ('max_target_age_steps', -1), ('inference_steps', 1.0),
        ('control_rate_hz', 0), ('control_rate_hz', float('inf')), ('control_rate_hz', '10'), ('control_rate_hz', False),
        ('prompt_template', ['{instruction}']), ('prompt_template', 'move'), ('prompt_template', 3),
        ('resize', 3), ('tiling', ['tiled']), ('background', None), ('color_order', 'bgr'),
        ('base_model', 7), ('base_model', ''), ('base_model', {'name': 3}),
        ('view_lens', {'wrist': 90}), ('view_lens', 'fisheye'),
        ('normalizer', 'x'), ('normalizer', {'q_mean_rad': 'x'}), ('normalizer', {'q_mean_rad': [float('nan')]}),
        ('version', True), ('version', '1'), ('version', 1.0), ('version', 0),
    ],
)  # fmt: skip
def test_values_of_another_type_are_refused(small_spec: PolicySpec, name: str, value: object, tmp_path: Path) -> None:
    (tmp_path / 'policy.yaml').write_text(yaml.safe_dump({**small_spec.to_dict(), name: value}))
    with pytest.raises(ContractError, match=name.removesuffix('s')):
        PolicySpec.load(tmp_path)


@pytest.mark.parametrize(
    'name, value',
    [
        ('name', 3), ('link', ''), ('xyz_m', [0, 0]), ('xyz_m', 'abc'), ('xyz_m', [0, 0, float('nan')]), ('radius_m', -1),
        ('radius_m', '0.1'), ('radius_px', 0), ('color_rgb', [1, 2]), ('color_rgb', [1.5, 2, 3]), ('color_rgb', [1, 2, 256]),
        ('color_rgb', None), ('color_open_rgb', [1, 2, 3]), ('size', 2),
    ],
)  # fmt: skip
def test_spheres_of_other_types_are_refused(small_spec: PolicySpec, name: str, value: object, tmp_path: Path) -> None:
    values = small_spec.to_dict()
    values['spheres'][0][name] = value
    (tmp_path / 'policy.yaml').write_text(yaml.safe_dump(values))
    with pytest.raises(ContractError, match=r'sphere|Sphere'):
        PolicySpec.load(tmp_path)


def test_unknown_and_missing_keys_are_refused(small_spec: PolicySpec, tmp_path: Path) -> None:
    values = small_spec.to_dict()
    (tmp_path / 'policy.yaml').write_text(yaml.safe_dump({**values, 'speed': 3}))
    with pytest.raises(ContractError, match='speed'):
        PolicySpec.load(tmp_path)
    del values['cameras']
    (tmp_path / 'policy.yaml').write_text(yaml.safe_dump(values))
    with pytest.raises(ContractError, match='cameras'):
        PolicySpec.load(tmp_path)
    (tmp_path / 'policy.yaml').write_text('[]')
    with pytest.raises(ContractError, match='mapping'):
        PolicySpec.load(tmp_path)


def test_not_a_policy_directory(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match='not a policy directory'):
        PolicySpec.load(tmp_path)


def test_two_instructions_give_two_prompts(small_spec: PolicySpec) -> None:
    assert small_spec.prompt() != small_spec.prompt('open the drawer')
    assert 'open the drawer' in small_spec.prompt('open the drawer')


def test_another_robot_is_refused(small_spec: PolicySpec) -> None:
    with pytest.raises(ContractError, match=r'panda.*ur5e'):
        small_spec.check_robot(RobotProfile.load('ur5e'))


def test_a_robot_with_the_same_kinematics_is_moved(small_spec: PolicySpec) -> None:
    fr3 = RobotProfile.load('fr3')
    small_spec.check_robot(fr3)
    q_rad = fr3.home_rad + 0.1
    ours, theirs = (target_scene(small_spec.spheres, each, q_rad, 1.0) for each in (fr3, RobotProfile.load('panda')))
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine.T_base_sphere, other.T_base_sphere, atol=1e-9)


def test_a_robot_that_only_says_so_is_refused(small_spec: PolicySpec, tmp_path: Path) -> None:
    text = (config_dir() / 'robots' / 'fr3.yaml').read_text().replace('xyz: [0, -0.316, 0]', 'xyz: [0, -0.317, 0]')
    (tmp_path / 'longer.yaml').write_text(text)
    with pytest.raises(ProfileError, match=r'same_kinematics_as: panda, but .*link3.*placed differently'):
        small_spec.check_robot(RobotProfile.load(tmp_path / 'longer.yaml'))


def test_the_shipped_policies_keep_their_hashes() -> None:
    root = config_dir().parent / 'models'
    assert PolicySpec.load(root / 'panda_pick').hash() == '700557c0c7760026'
    assert PolicySpec.load(root / 'ur5e_pick').hash() == 'a8537475d3b1f2e3'
