# SPDX-License-Identifier: Apache-2.0
import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from genima.errors import ProfileError
from genima.files import config_dir
from genima.robots.profile import RobotProfile
from genima.robots.reading import profile_names

Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ('name', 'joints'), [('panda', 7), ('fr3', 7), ('ur5e', 6), ('ur10e', 6), ('gen3', 7), ('xarm7', 7), ('yumi_left', 7)]
)
def test_shipped_profiles_are_complete(name: str, joints: int) -> None:
    profile = RobotProfile.load(name)
    limits = profile.limits
    assert profile.name == name and profile.n_joints == joints and len(profile.spheres) == 4
    assert (limits.position_min_rad < profile.home_rad).all() and (profile.home_rad < limits.position_max_rad).all()
    assert all(limits.sources.values()), 'every limit names its source'
    assert sum(sphere.is_gripper for sphere in profile.spheres) == 1
    assert 'jazzy' in profile.controllers


def test_every_profile_is_tried_here() -> None:
    assert set(profile_names()) == {'panda', 'fr3', 'ur5e', 'ur10e', 'gen3', 'xarm7', 'yumi_left'}


def _rename_joint(data: dict[str, Any]) -> None:
    data['arm_joints'][0] = 'nobody'


def _swap_limits(data: dict[str, Any]) -> None:
    low, high = data['limits']['position_min_rad'], data['limits']['position_max_rad']
    low['values'], high['values'] = high['values'], low['values']


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        (lambda data: data.update(colour='red'), 'colour'),
        (lambda data: data.pop('gripper'), 'gripper'),  # its fingers would belong to nothing
        (lambda data: data['limits'].update(snap={'values': [], 'source': ''}), 'snap'),
        (lambda data: data['limits']['jerk_rad_s3'].pop('source'), 'source'),
        (lambda data: data['limits']['jerk_rad_s3']['values'].pop(), '7'),
        (lambda data: data['spheres'][0].update(link='moon'), 'moon'),
        (lambda data: data['spheres'][0].update(shine=1), 'shine'),
        (lambda data: data['home_rad'].append(0.0), 'home_rad'),
        (lambda data: data['limits']['velocity_rad_s']['values'].__setitem__(0, -1.0), 'velocity_rad_s'),
        (_rename_joint, 'nobody'),
        (_swap_limits, 'position'),
    ],
)
def test_what_is_wrong_is_named(change: Change, words: str, tmp_path: Path) -> None:
    data = copy.deepcopy(yaml.safe_load((config_dir() / 'robots' / 'panda.yaml').read_text()))
    change(data)
    path = tmp_path / 'panda.yaml'
    path.write_text(yaml.safe_dump(data))
    with pytest.raises(ProfileError, match=words):
        RobotProfile.load(path)


def test_unknown_robot_names_the_known_ones() -> None:
    with pytest.raises(ProfileError, match='panda'):
        RobotProfile.load('r2d2')
