# SPDX-License-Identifier: Apache-2.0
"""Grippers of every kind, none among them, and the text that replaces a profile's driver at launch."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from genima.align.joints import JointTrack, openings_at
from genima.errors import ProfileError
from genima.files import config_dir
from genima.robots.gripper import GripperDriver
from genima.robots.gripper_reading import gripper_driver
from genima.robots.profile import RobotProfile
from genima.robots.reading import parse_profile
from genima.sim.collect import CollectConfig, collect
from genima.sim.simulation import Simulation
from genima.tasks.pick.task import Pick


def without_gripper(name: str, entry: Any) -> dict[str, Any]:
    """Return the YAML of a shipped profile whose gripper is gone: `entry` stands in its place, and plain spheres."""
    data = yaml.safe_load((config_dir() / 'robots' / f'{name}.yaml').read_text())
    fingers = set(data['gripper']['joints'])
    data['links'] = [link for link in data['links'] if link.get('joint', {}).get('name') not in fingers]
    data['spheres'] = [sphere for sphere in data['spheres'] if 'color_rgb' in sphere]
    data['gripper'] = entry
    return copy.deepcopy(data)


@pytest.mark.parametrize('entry', [None, 'none', {'kind': 'none', 'tcp_link': 'gripper_tcp'}])
def test_an_arm_without_a_gripper_is_whole_and_always_open(entry: Any) -> None:
    profile = parse_profile(without_gripper('ur5e', entry))
    assert not profile.gripper.is_there and profile.gripper.tcp_link in ('robotiq_base', 'gripper_tcp')
    simulation = Simulation(profile, render=False)
    simulation.command_gripper(0.0)
    simulation.step_to(0.1)
    assert simulation.gripper_open == 1.0
    track = JointTrack()
    np.testing.assert_array_equal(openings_at(profile.gripper, track, np.zeros(3), 1.0), np.ones(3))
    assert profile.gripper.driver('jazzy').kind == 'none'


def test_without_a_gripper_nothing_is_picked(tmp_path: Path) -> None:
    path = tmp_path / 'bare.yaml'
    path.write_text(yaml.safe_dump(without_gripper('ur5e', 'none')))
    with pytest.raises(ProfileError, match='no gripper, which task pick needs'):
        list(collect(tmp_path, range(1), str(path)))


def test_a_task_that_needs_no_gripper_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / 'bare.yaml'
    path.write_text(yaml.safe_dump(without_gripper('ur5e', 'none')))
    monkeypatch.setattr('genima.sim.collect.find_task', lambda name: Pick(needs_gripper=False))
    config = CollectConfig(steps=2, cameras='front', image_px=16)
    assert len(list(collect(tmp_path, range(1), str(path), workers=1, config=config))) == 1


def test_a_distribution_that_is_not_known_has_what_jazzy_has() -> None:
    profile = RobotProfile.load('ur5e')
    assert gripper_driver(profile.gripper, '', 'rolling') == profile.gripper.drivers['jazzy']
    assert gripper_driver(profile.gripper, '', 'humble') == profile.gripper.drivers['humble']
    assert profile.controller('rolling') == profile.controllers['jazzy']


def test_text_replaces_the_driver() -> None:
    gripper = RobotProfile.load('panda').gripper
    assert gripper_driver(gripper, ' none ', 'jazzy') == GripperDriver('none')
    text = '{kind: topic, action: /hand/position, joint: hand_joint, open: 0.1, closed: 0.0}'
    driver = gripper_driver(gripper, text, 'jazzy')
    assert (driver.kind, driver.action, driver.joint) == ('topic', '/hand/position', 'hand_joint')
    assert driver.position(0.5) == pytest.approx(0.05) and driver.source == 'given at launch'


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('yes', 'allowed: nothing, none, or a mapping'),
        ('{kind: rocket}', 'gripper_command'),
        ('{kind: topic, action: a}', 'missing key'),
        ('{kind: topic, action: a, joint: b, open: 1, closed: 1}', 'both'),
        ('{kind: topic, action: a, joint: b, open: .nan, closed: 1}', 'finite'),
        ('{kind: [franka]}', 'allowed'),
        ('{a: [', 'not YAML'),
        ('[' * 3000, 'not YAML'),
        ('x' * 5000, '5000 characters'),
        ('{kind: none, surprise: 1}', 'unknown key'),
    ],
)
def test_odd_text_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ProfileError, match=words):
        gripper_driver(RobotProfile.load('panda').gripper, text, 'jazzy')


@pytest.mark.parametrize('name', ['arm_joints', 'links'])
def test_empty_lists_are_refused(name: str) -> None:
    data = without_gripper('ur5e', 'none')
    data[name] = []
    with pytest.raises(ProfileError, match='is empty'):
        parse_profile(data)
