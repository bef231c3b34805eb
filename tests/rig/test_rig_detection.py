# SPDX-License-Identifier: Apache-2.0
"""Rigs are proposed from what drivers publish: RealSense, ZED, usb_cam, several arms, depth only, six cameras."""

from dataclasses import replace

import pytest
import yaml

from genima.errors import GenimaError
from genima.rig.detect import Proposal, detect
from genima.rig.graph import CAMERA_INFO, COMPRESSED, CONTROLLER_STATE, IMAGE, JOINT_STATE, Graph, Heard
from genima.rig.rig import Rig
from genima.robots.profile import RobotProfile

PROFILES = [RobotProfile.load(name) for name in ('panda', 'fr3', 'ur5e')]
PANDA = PROFILES[0]
SIZE = (640, 480)


def picture(frame: str, encoding: str = 'rgb8', rate_hz: float = 30.0) -> Heard:
    return Heard(IMAGE, rate_hz=rate_hz, frame=frame, size_px=SIZE, encoding=encoding)


def info(frame: str, calibrated: bool = True) -> Heard:
    return Heard(CAMERA_INFO, rate_hz=30.0, frame=frame, size_px=SIZE, calibrated=calibrated)


def camera(place: str, leaf: str = 'image_raw', encoding: str = 'rgb8') -> dict[str, Heard]:
    return {f'{place}/{leaf}': picture(f'{place}/optical', encoding), f'{place}/camera_info': info(f'{place}/optical')}


def joints(profile: RobotProfile, gripper: bool = True) -> Heard:
    names = (*profile.arm_joints, *(profile.gripper.joints if gripper else ()))
    return Heard(JOINT_STATE, rate_hz=100.0, names=names)


def remedies(proposal: Proposal) -> dict[str, str]:
    return {each.what: each.remedy for each in proposal.findings if each.remedy}


def test_a_realsense_has_one_colour_camera_and_its_depth_is_none() -> None:
    topics = {
        **camera('/camera/camera/color'),
        **camera('/camera/camera/infra1', 'image_rect_raw', 'mono8'),
        **camera('/camera/camera/depth', 'image_rect_raw', '16UC1'),
        **camera('/camera/camera/aligned_depth_to_color', encoding='16UC1'),
        '/joint_states': joints(PANDA),
        '/panda_arm_controller/controller_state': Heard(CONTROLLER_STATE),
    }
    parents = {'/camera/camera/color/optical': 'camera_link', 'camera_link': PANDA.base_link}
    proposal = detect(Graph(topics, parents), PROFILES)
    assert proposal.rig is not None
    only = proposal.rig.cameras[0]
    assert (proposal.rig.names, only.image) == (('camera',), '/camera/camera/color/image_raw')
    assert (only.info, only.transport) == ('/camera/camera/color/camera_info', 'raw')
    assert proposal.rig.robot == 'panda'
    assert set(remedies(proposal)) == {'gripper'}


@pytest.mark.parametrize('leaf', ['left/image_rect_color', 'left/color/rect/image'])
def test_a_zed_is_one_camera(leaf: str) -> None:
    place = leaf.rpartition('/')[0]
    topics: dict[str, Heard] = {}
    for eye in ('left', 'right'):
        topics |= camera(f'/zed/zed_node/{place.replace("left", eye)}', leaf.rpartition('/')[2], 'bgra8')
    topics |= camera('/zed/zed_node/depth', 'depth_registered', '32FC1')
    topics |= camera('/zed/zed_node/confidence', 'confidence_map', '32FC1')
    rig = detect(Graph(topics), PROFILES).rig
    assert rig is not None
    assert (rig.names, rig.cameras[0].image) == (('zed',), f'/zed/zed_node/{leaf}')


def test_an_azure_kinect_two_webcams_and_a_compressed_one() -> None:
    topics = {
        **camera('/k4a/rgb', encoding='bgra8'),
        **camera('/k4a/ir', encoding='mono16'),
        **camera('/k4a/depth_to_rgb', encoding='16UC1'),
        **camera('/left'),
        **camera('/right'),
        '/wrist/image_raw/compressed': Heard(COMPRESSED, rate_hz=20.0, frame='wrist_optical'),
        '/wrist/camera_info': info('wrist_optical'),
    }
    rig = detect(Graph(topics), PROFILES).rig
    assert rig is not None
    assert {each.name: each.images for each in rig.cameras} == {
        'k4a': '/k4a/rgb/image_raw',
        'left': '/left/image_raw',
        'right': '/right/image_raw',
        'wrist': '/wrist/image_raw/compressed',
    }
    assert Rig.from_dict(rig.to_dict()).to_dict() == rig.to_dict()


def test_two_cameras_of_one_name_are_told_apart_and_a_namespace_chooses() -> None:
    topics = {**camera('/robot1/wrist'), **camera('/robot2/wrist'), **camera('/1st/image'), **camera('/2nd/image')}
    proposal = detect(Graph(topics), PROFILES)
    assert proposal.rig is not None
    assert proposal.rig.names == ('camera1st', 'camera2nd', 'robot1_wrist', 'robot2_wrist')
    one = detect(Graph(topics), PROFILES, 'robot1').rig
    assert one is not None
    assert [(each.name, each.image) for each in one.cameras] == [('wrist', '/robot1/wrist/image_raw')]


def test_depth_alone_is_nothing_usable() -> None:
    proposal = detect(Graph(camera('/camera/depth', encoding='16UC1')), PROFILES)
    assert proposal.rig is None
    assert {'cameras', 'joint_states'} <= set(remedies(proposal))
    with pytest.raises(GenimaError, match='nothing usable'):
        proposal.text()


def test_six_cameras_fit_and_the_seventh_is_named() -> None:
    topics: dict[str, Heard] = {}
    for number in range(7):
        topics |= camera(f'/camera{number}/color')
    proposal = detect(Graph(topics), PROFILES)
    assert proposal.rig is not None
    assert proposal.rig.names == tuple(f'camera{number}' for number in range(6))
    assert '/camera6/color/image_raw' in remedies(proposal)


def test_a_leader_arm_is_not_the_arm_and_a_second_arm_is_told() -> None:
    topics = {
        **camera('/front'),
        '/leader/joint_states': joints(PANDA),
        '/cell1/joint_states': joints(PANDA, gripper=False),
        '/cell2/arm/joint_states': joints(PANDA),
    }
    proposal = detect(Graph(topics), PROFILES)
    assert proposal.rig is not None
    assert proposal.rig.joint_states == '/cell2/arm/joint_states'  # it has the gripper's joints too
    assert 'several arms' in remedies(proposal)['robot']
    assert any(each.what == '/leader/joint_states' for each in proposal.findings)


def test_joints_that_no_profile_has_keep_the_cameras() -> None:
    odd = Heard(JOINT_STATE, rate_hz=50.0, names=('a', 'b'))
    proposal = detect(Graph({**camera('/front'), '/joint_states': odd}), PROFILES)
    assert proposal.rig is not None
    assert (proposal.rig.robot, proposal.rig.joint_states) == ('', '/joint_states')
    assert 'robot import' in remedies(proposal)['/joint_states']


@pytest.mark.parametrize('name', ['GripperCommand', 'ParallelGripperCommand'])
def test_a_gripper_action_is_found_by_its_hidden_topics(name: str) -> None:
    topics = {
        **camera('/front'),
        '/my_gripper/cmd/_action/feedback': Heard(f'control_msgs/action/{name}_FeedbackMessage'),
    }
    rig = detect(Graph(topics), PROFILES).rig
    assert rig is not None
    kind = {'GripperCommand': 'gripper_command', 'ParallelGripperCommand': 'parallel_gripper_command'}[name]
    assert rig.gripper == {'kind': kind, 'action': '/my_gripper/cmd'}


def test_what_is_missing_of_a_camera_has_a_remedy() -> None:
    base = camera('/front')
    cases = {
        'calibrate it': {'/front/camera_info': replace(base['/front/camera_info'], calibrated=False)},
        'nothing arrives': {'/front/image_raw': replace(base['/front/image_raw'], rate_hz=0.0)},
        'stop all but one': {'/front/image_raw': replace(base['/front/image_raw'], publishers=2)},
        'frame_id': {'/front/image_raw': replace(base['/front/image_raw'], frame='')},
        'size that is sent': {'/front/image_raw': replace(base['/front/image_raw'], size_px=(320, 240))},
        'tf does not connect': {},
    }
    for remedy, change in cases.items():
        proposal = detect(Graph({**base, **change, '/joint_states': joints(PANDA)}), PROFILES)
        assert remedy in remedies(proposal)['camera front'], remedy


def test_an_image_without_camera_info_is_named_and_the_file_can_be_read_again() -> None:
    topics = {**camera('/front'), '/overlay': picture('x')}
    proposal = detect(Graph(topics), PROFILES)
    assert '/overlay' in remedies(proposal)
    assert Rig.from_dict(yaml.safe_load(proposal.text())).names == ('front',)


def test_two_arms_whose_joints_have_the_same_names_are_not_guessed_at() -> None:
    ur5e, ur10e = PROFILES[2], RobotProfile.load('ur10e')
    graph = Graph({**camera('/front'), '/joint_states': joints(ur5e, gripper=False)})
    proposal = detect(graph, [ur10e, ur5e, PANDA])
    assert proposal.rig is not None and proposal.rig.robot == ''
    assert '--robot' in remedies(proposal)['robot']
    assert [each.finding for each in proposal.findings if each.what == 'robot'] == ['ur10e or ur5e, /joint_states, 100.0 Hz']
    chosen = detect(graph, [ur5e]).rig
    assert chosen is not None and chosen.robot == 'ur5e'


def test_what_our_own_nodes_paint_is_no_camera_and_no_trouble() -> None:
    topics = {**camera('/front'), '/cell1/overlay/front': picture('x'), '/target_image/image': picture('')}
    proposal = detect(Graph(topics), PROFILES)
    assert proposal.rig is not None and proposal.rig.names == ('front',)
    assert not {'/cell1/overlay/front', '/target_image/image'} & set(remedies(proposal))
