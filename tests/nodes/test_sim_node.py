# SPDX-License-Identifier: Apache-2.0
"""sim_node: what a driver with a joint_trajectory_controller offers, and a scene that can be set again."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from genima_ros.conversions.frames import FrameTree
from genima_ros.conversions.images import image_array
from genima_ros.conversions.messages import camera_model, seconds
from genima_ros.conversions.trajectories import plan_message
from genima_ros.core import qos
from genima_ros.inputs.joint_states import JointStates
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_msgs.msg import Float64
from tf2_msgs.msg import TFMessage
from trajectory_msgs.msg import JointTrajectory

from genima.robots.kinematics import link_poses
from genima.robots.profile import RobotProfile
from genima_msgs.msg import EpisodeStatus
from genima_msgs.srv import ResetEpisode

PANDA = RobotProfile.load('panda')


def test_the_simulated_robot_behaves_like_a_driver(start: Callable, probe) -> None:  # type: ignore[no-untyped-def, type-arg]
    clock = probe.listen(Clock, '/clock', qos.CLOCK)
    joints = probe.listen(JointState, 'joint_states', qos.RELIABLE)
    images = probe.listen(Image, 'cameras/front/image_raw', qos.RELIABLE)
    infos = probe.listen(CameraInfo, 'cameras/front/camera_info', qos.RELIABLE)
    frames = probe.listen(TFMessage, 'tf', qos.RELIABLE)
    fixed = probe.listen(TFMessage, 'tf_static', qos.STATIC_FRAMES)
    episodes = probe.listen(EpisodeStatus, 'episode', qos.LATCHED)
    commands = probe.create_publisher(JointTrajectory, 'panda_arm_controller/joint_trajectory', qos.COMMAND)
    gripper = probe.create_publisher(Float64, 'gripper/command', qos.COMMAND)
    node = start('sim_node', seed=5, real_time_factor=2.0)
    node.wait_for('simulated panda: pick, seed 5')
    probe.spin_until(lambda: len(images) >= 5 and len(joints) >= 50 and fixed and frames and episodes)

    periods_s = [seconds(b.header.stamp) - seconds(a.header.stamp) for a, b in pairwise(joints)]
    assert np.median(periods_s) == pytest.approx(0.01, abs=1e-6)
    periods_s = [seconds(b.header.stamp) - seconds(a.header.stamp) for a, b in pairwise(images)]
    assert min(periods_s) == pytest.approx(0.1, abs=1e-6)
    assert images[-1].header.frame_id == infos[-1].header.frame_id == 'front_optical_frame'
    assert image_array(images[-1], 'x').std() > 10, 'the picture is empty'
    assert camera_model(infos[-1], 'front', 'x').width_px == images[-1].width
    assert episodes[-1].seed == 5

    states = JointStates(PANDA, 10.0)
    states.add(joints[-1].name, joints[-1].position, seconds(joints[-1].header.stamp))
    q_start_rad, observed_s = states.arm(seconds(joints[-1].header.stamp))
    tree = FrameTree()
    for messages, keep in ((fixed, tree.set_transform_static), (frames, tree.set_transform)):
        for transform in (each for message in messages for each in message.transforms):
            keep(transform, 'test')
    T_base_hand = link_poses(PANDA, q_start_rad)['panda_hand']
    np.testing.assert_allclose(tree.lookup('panda_link0', 'panda_hand'), T_base_hand, atol=1e-3)
    assert 0.3 < tree.lookup('panda_link0', 'cube')[0, 3] < 0.7
    tree.lookup('panda_link0', 'wrist_optical_frame')

    goal_rad = q_start_rad + 0.1
    times_s = np.array([0.0, 1.0])
    plan = plan_message(PANDA.arm_joints, 0.0, times_s + 1e-3, np.stack([q_start_rad, goal_rad]), np.zeros((2, 7)))
    gripper.publish(Float64(data=0.5))
    commands.publish(plan)

    def has_arrived() -> bool:
        now_s = seconds(joints[-1].header.stamp)
        states.add(joints[-1].name, joints[-1].position, now_s)
        half_open = states.gripper_open(now_s) == pytest.approx(0.5, abs=0.1)
        return half_open and np.allclose(states.arm(now_s)[0], goal_rad, rtol=0, atol=0.02)

    probe.spin_until(has_arrived)
    assert seconds(clock[-1].clock) > observed_s + 0.5, 'the plan takes a second'
    assert 0.0 < episodes[-1].acceleration_share < 0.2

    before_s = seconds(clock[-1].clock)
    answer = probe.call(ResetEpisode, 'sim_node/reset', ResetEpisode.Request(seed=6))
    assert answer.success and 'seed 6' in answer.message
    probe.spin_until(lambda: episodes[-1].seed == 6 and not episodes[-1].done)
    assert seconds(clock[-1].clock) >= before_s, 'time must not jump back'
    assert episodes[-1].elapsed_s < 2.0
    answer = probe.call(ResetEpisode, 'sim_node/reset', ResetEpisode.Request(seed=-1))
    assert not answer.success and 'seed must be >= 0' in answer.message

    code, took_s = node.end()
    assert code == 0, node.text
    assert took_s < 10.0
    assert 'Traceback' not in node.text


def test_an_unknown_robot_is_one_clear_line(start: Callable) -> None:  # type: ignore[type-arg]
    node = start('sim_node', robot='r2d2')
    assert node.exit_code() == 1
    assert 'r2d2' in node.text
    assert 'Traceback' not in node.text
