# SPDX-License-Identifier: Apache-2.0
"""Every fault of the table can be made, and does to a message what its name says."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from genima_bringup.faults import streams
from genima_bringup.faults.cases import fault_cases
from genima_ros.conversions.images import image_message
from genima_ros.conversions.messages import seconds, stamp
from genima_ros.conversions.trajectories import chunk_message
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState

from genima.chunks.plan import Chunk
from genima.robots.profile import RobotProfile
from genima_msgs.msg import TargetImage

PANDA = RobotProfile.load('panda')
NAMES = [*PANDA.arm_joints, *PANDA.gripper.joints]


def joints(time_s: float = 2.0) -> JointState:
    message = JointState(name=NAMES, position=[*PANDA.home_rad.tolist(), 0.04, 0.04])
    message.header.stamp = stamp(time_s)
    return message


def picture(time_s: float = 2.0, value: int = 9) -> Any:
    return image_message(np.full((8, 8, 3), value, np.uint8), time_s, 'front')


def target(time_s: float = 2.0) -> TargetImage:
    image = picture(time_s)
    return TargetImage(header=image.header, contract='a' * 16, cameras=['front'], unchanged_s=[0.0], image=image)


SAMPLES: dict[str, Callable[[float], Any]] = {
    'joint_states': joints,
    'target_image': target,
    'action_chunk': lambda time_s: chunk_message(
        Chunk(time_s, 0.1, np.tile(PANDA.home_rad, (10, 1)), np.ones(10)), PANDA, 'a' * 16
    ),
    'front camera': picture,
    'joint_trajectory': joints,
    'controller_state': joints,
    'clock of the guard': lambda time_s: Clock(clock=stamp(time_s)),
}


@pytest.mark.parametrize('case', [case for case in fault_cases() if case.stream], ids=lambda case: case.name)
def test_a_fault_changes_the_stream_and_not_the_message_it_was_given(case: Any) -> None:
    rng = np.random.default_rng(1)
    assert case.stream is not None
    fault, same = case.stream(), []
    for time_s in np.arange(2.0, 17.0, 0.5).tolist():
        message = SAMPLES[case.link](time_s)
        before = repr(message)
        arrivals = fault(message, rng)
        assert repr(message) == before
        same.append([(0.0, before)] == [(delay_s, repr(arrival)) for delay_s, arrival in arrivals])
    assert not all(same) or case.name.endswith('frozen'), 'thirty messages went through as they came'


def test_names_are_unique_and_there_are_enough() -> None:
    names = [case.name for case in fault_cases()]
    assert len(set(names)) == len(names) >= 40


def test_permuted_joints_keep_their_values() -> None:
    ((_, arrival),) = streams.permuted()(joints(), np.random.default_rng(2))
    assert list(arrival.name) != NAMES
    assert dict(zip(arrival.name, arrival.position, strict=True)) == dict(zip(NAMES, joints().position, strict=True))


def test_a_frozen_camera_has_new_stamps_and_old_pixels() -> None:
    fault, rng = streams.frozen(), np.random.default_rng(0)
    fault(picture(1.0, 1), rng)
    ((_, later),) = fault(picture(2.0, 2), rng)
    assert seconds(later.header.stamp) == 2.0 and set(later.data) == {1}


def test_old_messages_come_again_after_half_a_second() -> None:
    fault, rng = streams.replayed(), np.random.default_rng(0)
    for time_s in np.arange(0.0, 2.0, 0.1):
        _, (_, again) = fault(joints(float(time_s)), rng)
    assert seconds(again.header.stamp) == pytest.approx(1.4)
