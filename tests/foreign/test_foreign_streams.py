# SPDX-License-Identifier: Apache-2.0
"""Several topics could be the robot's: that of our own name wins with a warning, or the user is asked; none is merged."""

import warnings
from pathlib import Path

import foreign_bags as bags
import numpy as np
import pytest
import yaml
from foreign_bags import STATE, check_images, check_whole, convert, plain, without, write_bag

from genima.cameras.model import CameraModel
from genima.convert.mcap import messages
from genima.errors import DatasetError, GenimaError
from genima.quality.heard import listen
from genima.recording.writer import BagWriter


def moved(said: list[bags.Said], prefix: str, inside: str = '/') -> list[bags.Said]:
    return [
        (prefix + topic if topic.startswith(inside) else topic, kind, time_s, data) for topic, kind, time_s, data in said
    ]


PLANNER = '/move_group/fake_controller/joint_states'
RIVALS = {
    'leader arm': ('/gello/joint_states', bags.joints('/gello/joint_states', 0.3, 0.0037)),
    'same stamps': ('/leader/joint_states', bags.joints('/leader/joint_states', 0.3)),
    'planner': (PLANNER, bags.joints(PLANNER, 0.3, 0.004)),
    'second camera': ('/right/cameras/front/image_raw', bags.images('/right/cameras/front/image_raw', shift_s=0.002)),
    'second gripper': ('/right/gripper/command', bags.commands('/right/gripper/command')),
    'second controller': ('/right/arm/controller_state', bags.references('/right/arm/controller_state', 0.4)),
    'controller beside': ('/idle_controller/controller_state', bags.references('/idle_controller/controller_state', 0.4)),
}  # fmt: skip


@pytest.mark.parametrize('rival', RIVALS)
def test_what_has_our_own_name_wins_and_the_other_is_named_once(tmp_path: Path, rival: str) -> None:
    topic, said = RIVALS[rival]
    write_bag(tmp_path / 'bag', plain() + said)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        episode = convert(tmp_path, tmp_path / 'out')
    check_whole(episode)
    check_images(episode)
    assert [topic in str(each.message) for each in caught] == [True]


@pytest.mark.parametrize(
    ('said', 'words'),
    [
        (
            without(plain(), '/joint_states') + bags.joints('/left/joint_states') + bags.joints('/right/joint_states', 0.3),
            ['/left/joint_states', '/right/joint_states', '--joint-states', '--namespace'],
        ),
        (
            moved(plain(), '/left', '/cameras') + moved(bags.images() + bags.infos(), '/right'),
            ["camera 'front'", '/left/cameras/front/image_raw', '/right/cameras/front/image_raw', '--camera front='],
        ),
        (
            without(plain(), '/gripper/command') + bags.commands('/a/gripper/command') + bags.commands('/b/gripper/command'),
            ['/a/gripper/command', '/b/gripper/command', '--namespace'],
        ),
        (
            without(plain(), STATE) + bags.references('/one/controller_state') + bags.references('/two/controller_state'),
            ['/one/controller_state', '/two/controller_state', '--controller-state'],
        ),
        (without(plain(), '/cameras/front/image_raw') + bags.images('/cam/color/image_raw'),
         ['/cam/color/image_raw', '--camera NAME=TOPIC', '--rig']),
    ],
)  # fmt: skip
def test_where_nothing_tells_both_and_the_option_are_named(tmp_path: Path, said: list[bags.Said], words: list[str]) -> None:
    write_bag(tmp_path / 'bag', said)
    with pytest.raises(DatasetError) as refused:
        convert(tmp_path, tmp_path / 'out')
    assert [word for word in words if word not in str(refused.value)] == []


@pytest.mark.filterwarnings('ignore::UserWarning')
def test_the_options_choose(tmp_path: Path) -> None:
    said = moved(plain(), '/left') + moved(without(plain(), '/tf_static'), '/right')
    write_bag(tmp_path / 'bag', said)
    for name, options in (
        ('a', {'namespace': 'left'}),
        ('b', {'namespace': '/left/'}),
        ('c', {'joint_states': '/left/joint_states'}),
    ):
        check_whole(convert(tmp_path / 'bag', tmp_path / name, **options))
    with pytest.raises(DatasetError, match='nothing was recorded in namespace /lefft'):
        convert(tmp_path / 'bag', tmp_path / 'd', namespace='lefft')
    with pytest.raises(DatasetError, match=r'--joint-states /nowhere was not recorded; .*/left/joint_states'):
        convert(tmp_path / 'bag', tmp_path / 'e', joint_states='/nowhere')


@pytest.mark.parametrize('compressed', [False, True])
def test_topics_of_drivers_are_mapped(tmp_path: Path, compressed: bool) -> None:
    image, info = '/camera/camera/color/image_raw', '/camera/camera/color/camera_info'
    make = (lambda number, time_s: bags.compressed(bags.encoded(bags.pixels(number)), time_s)) if compressed else None
    said = without(plain(), '/cameras/front/image_raw', '/cameras/front/camera_info', '/joint_states')
    said += bags.images(image + ('/compressed' if compressed else ''), make) + bags.infos(info) + bags.joints('/arm/state')
    write_bag(tmp_path / 'bag', said)
    rig = tmp_path / 'lab.yaml'
    rig.write_text(yaml.safe_dump({'joint_states': '/arm/state', 'cameras': {'front': {'image': image}}}))
    joints = {'joint_states': '/arm/state'}
    for name, options in (
        ('a', {'camera': [f'front={image}'], **joints}),
        ('b', {'camera': [f'front={image},{info}'], **joints}),
        ('c', {'rig': str(rig)}),
    ):
        episode = convert(tmp_path / 'bag', tmp_path / name, **options)
        check_whole(episode)
        check_images(episode)
    for text, words in (('front', 'NAME=TOPIC'), ('front=', 'NAME=TOPIC'), ('front=/a b', 'topic'), ('front=/no', '/no')):
        with pytest.raises(GenimaError, match=words):
            convert(tmp_path / 'bag', tmp_path / 'd', camera=[text], **joints)


def test_a_recording_of_ours_says_its_rig(tmp_path: Path) -> None:
    said = without(plain(), '/cameras/front/image_raw', '/cameras/front/camera_info')
    said += bags.images('/cam/color/image_raw') + bags.infos('/cam/color/camera_info')
    rig = {'joint_states': 'joint_states', 'cameras': {'front': {'image': '/cam/color/image_raw'}}}
    with BagWriter(tmp_path / 'in' / 'episode_000000', {'robot': 'panda', 'rig': rig, 'namespace': '/'}) as writer:
        for topic, kind, _, _ in said:
            writer.add_topic(messages.topic(topic, kind))
        for topic, _, time_s, data in sorted(said, key=lambda each: each[2]):
            writer.write(topic, messages.to_nanoseconds(time_s), data)
        writer.finish('success')
    episode = convert(tmp_path / 'in', tmp_path / 'out')
    check_whole(episode)
    check_images(episode)
    heard = listen(tmp_path / 'in' / 'episode_000000')
    assert heard.damage == [] and list(heard.looks) == ['front']
    assert isinstance(heard.calibrations['front'], CameraModel)


def test_parts_of_the_joints_on_one_topic_come_together_in_any_order(tmp_path: Path) -> None:
    said = without(plain(), '/joint_states')
    names = [*PANDA_NAMES[::-1]]
    for time_s in bags.times(100.0):
        q = dict(zip(bags.PANDA.arm_joints, bags.q_rad(time_s), strict=True))
        q |= dict.fromkeys(bags.FINGERS, bags.PANDA.gripper.position_m(bags.opening(time_s)))
        for part, later_s in ((names[:4], 0.0), (names[4:], 0.002)):
            data = messages.joint_state(time_s, part, np.array([q[name] for name in part]))
            said.append(('/joint_states', 'sensor_msgs/msg/JointState', time_s + later_s, data))
    write_bag(tmp_path / 'bag', said)
    check_whole(convert(tmp_path, tmp_path / 'out'))


PANDA_NAMES = [*bags.PANDA.arm_joints, *bags.FINGERS]


def test_a_gripper_with_a_topic_of_its_own_is_read_for_what_the_arm_lacks(tmp_path: Path) -> None:
    said = without(plain(), '/joint_states') + bags.joints('/gello/joint_states', 0.3)
    for time_s in bags.times(100.0):
        data = messages.joint_state(time_s, bags.PANDA.arm_joints, bags.q_rad(time_s))
        said.append(('/joint_states', 'sensor_msgs/msg/JointState', time_s, data))
        fingers = np.full(2, bags.PANDA.gripper.position_m(bags.opening(time_s)))
        data = messages.joint_state(time_s, bags.FINGERS, fingers)
        said.append(('/hand/joint_states', 'sensor_msgs/msg/JointState', time_s, data))
    write_bag(tmp_path / 'bag', said)
    with pytest.warns(UserWarning, match='/hand/joint_states tells joints'):
        episode = convert(tmp_path, tmp_path / 'out')
    check_whole(episode)
    wanted = [bags.opening(time_s) for time_s in episode.timestamps_s]
    np.testing.assert_allclose(episode.gripper_open, wanted, atol=1e-3)


@pytest.mark.parametrize(
    ('said', 'words'),
    [
        (without(plain(), '/joint_states') + bags.joints(stamped=False), ['/joint_states', 'first stamp is 0']),
        (
            without(plain(), '/cameras/front/image_raw') + bags.images(shift_s=123.4 - bags.START_S),
            ['/cameras/front/image_raw', 'first stamp 123.400', '/joint_states begins at 1700000000.250'],
        ),
        (without(plain(), '/joint_states') + bags.joints(shift_s=-1.6e9), ['/joint_states', 'first stamp 100000000.250']),
    ],
)
def test_stamps_of_another_clock_are_told_with_topic_and_first_stamp(
    tmp_path: Path, said: list[bags.Said], words: list[str]
) -> None:
    late = [(topic, kind, bags.START_S + 0.5 if time_s < 1.6e9 else time_s, data) for topic, kind, time_s, data in said]
    write_bag(tmp_path / 'bag', late)
    with pytest.raises(DatasetError) as refused:
        convert(tmp_path, tmp_path / 'out')
    assert [word for word in words if word not in str(refused.value)] == []
