# SPDX-License-Identifier: Apache-2.0
"""The rig file: what is read, what is refused, and the remappings that come out of it."""

from pathlib import Path

import pytest
import yaml

from genima.errors import ProfileError
from genima.rig.rig import Rig


def _rig(**values: object) -> Rig:
    return Rig.from_dict({'cameras': {'front': '/camera/camera/color/image_raw'}, **values})


def test_own_names_need_no_remapping() -> None:
    assert Rig.of(['front', 'wrist']).remappings() == {}


def test_short_form_finds_the_calibration_beside_the_image() -> None:
    assert _rig().camera('front').info == '/camera/camera/color/camera_info'


def test_remappings_name_all_topics_of_a_camera_and_the_joints() -> None:
    assert _rig(joint_states='/arm/joint_states').remappings() == {
        'joint_states': '/arm/joint_states',
        'cameras/front/image_raw': '/camera/camera/color/image_raw',
        'cameras/front/image_raw/compressed': '/camera/camera/color/image_raw/compressed',
        'cameras/front/camera_info': '/camera/camera/color/camera_info',
    }


def test_compressed_topic_is_read_as_such() -> None:
    rig = Rig.from_dict({'cameras': {'front': {'image': 'a/image_raw/compressed', 'transport': 'compressed'}}})
    assert rig.camera('front').images == 'a/image_raw/compressed'


def test_file_and_values_are_the_same(tmp_path: Path) -> None:
    file = tmp_path / 'my_rig.yaml'
    file.write_text(yaml.safe_dump(_rig(robot='fr3').to_dict()))
    assert Rig.load(file).to_dict() == _rig(robot='fr3').to_dict()


@pytest.mark.parametrize(
    ('values', 'word'),
    [
        ({}, 'cameras'),
        ({'cameras': {}}, '1 to 6'),
        ({'cameras': {f'c{index}': f'/c{index}/image' for index in range(7)}}, '7'),
        ({'cameras': {'front': '/a b'}}, 'topic'),
        ({'cameras': {'front': {'image': '/a/i', 'transport': 'theora'}}}, 'theora'),
        ({'cameras': {'../x': '/a/i'}}, 'letters'),
        ({'cameras': {'a': '/x/image', 'b': '/x/image'}}, 'twice'),
        ({'cameras': {'a': '/x/image'}, 'camera': 1}, 'unknown'),
        ([], 'mapping'),
    ],
)
def test_odd_files_are_refused_in_words(values: object, word: str) -> None:
    with pytest.raises(ProfileError, match=word):
        Rig.from_dict(values, 'my_rig.yaml')


def test_unknown_rig_names_the_shipped_ones() -> None:
    with pytest.raises(ProfileError, match='realsense'):
        Rig.load('nothing')
