# SPDX-License-Identifier: Apache-2.0
"""Joint states are matched by name, merged from parts, and never used when old."""

import numpy as np
import pytest
from genima_ros.inputs.joint_states import JointStates, StaleJointsError

from genima.robots.profile import RobotProfile

PANDA = RobotProfile.load('panda')
Q_RAD = np.linspace(-1.0, 1.0, PANDA.n_joints)


@pytest.fixture
def joints() -> JointStates:
    return JointStates(PANDA, max_age_s=0.1)


def test_any_order_and_extra_joints(joints: JointStates) -> None:
    names = ['head_pan', *reversed(PANDA.arm_joints)]
    joints.add(names, [9.0, *reversed(Q_RAD)], 5.0)
    q_rad, stamp_s = joints.arm(5.05)
    np.testing.assert_array_equal(q_rad, Q_RAD)
    assert stamp_s == 5.0


def test_arm_and_gripper_may_come_apart(joints: JointStates) -> None:
    joints.add(PANDA.arm_joints, Q_RAD, 5.02)
    joints.add(PANDA.gripper.joints, [0.03, 0.03], 5.0)
    assert joints.gripper_open(5.05) == pytest.approx(0.75)
    assert joints.arm(5.05)[1] == 5.02


def test_the_stamp_is_that_of_the_oldest_joint(joints: JointStates) -> None:
    joints.add(PANDA.arm_joints[:3], Q_RAD[:3], 5.0)
    joints.add(PANDA.arm_joints[3:], Q_RAD[3:], 5.03)
    assert joints.arm(5.05)[1] == 5.0


def test_a_stale_joint_is_named_with_its_age(joints: JointStates) -> None:
    joints.add(PANDA.arm_joints, Q_RAD, 5.0)
    joints.add(PANDA.arm_joints[:6], Q_RAD[:6], 5.2)
    with pytest.raises(StaleJointsError, match=r'panda_joint7 is 0\.200 s old, allowed 0\.100 s'):
        joints.arm(5.2)


def test_another_robot_is_named(joints: JointStates) -> None:
    joints.add(['fr3_joint1', 'fr3_joint2'], [0.0, 0.0], 5.0)
    with pytest.raises(StaleJointsError, match='no panda_joint1; heard fr3_joint1, fr3_joint2'):
        joints.arm(5.0)


@pytest.mark.parametrize('bad', [np.nan, np.inf])
def test_what_is_not_finite_does_not_count_as_heard(joints: JointStates, bad: float) -> None:
    joints.add(PANDA.arm_joints, Q_RAD, 5.0)
    joints.add(PANDA.arm_joints, [bad] * 7, 5.05)
    np.testing.assert_array_equal(joints.arm(5.1)[0], Q_RAD)
    with pytest.raises(StaleJointsError):
        joints.arm(5.11)


def test_late_messages_do_not_replace_newer_ones(joints: JointStates) -> None:
    joints.add(PANDA.arm_joints, Q_RAD, 5.0)
    joints.add(PANDA.arm_joints, Q_RAD + 1.0, 4.99)
    np.testing.assert_array_equal(joints.arm(5.0)[0], Q_RAD)
