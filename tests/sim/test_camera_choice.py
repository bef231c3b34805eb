# SPDX-License-Identifier: Apache-2.0
"""A simulation has the cameras that a policy sees, under its names."""

import numpy as np
import pytest

from genima.errors import GenimaError
from genima.evaluate.video import side_by_side
from genima.robots.profile import RobotProfile
from genima.sim.camera_choice import CAMERA_NAMES, camera_sources
from genima.sim.simulation import Simulation


def test_one_camera_and_two_under_other_names() -> None:
    panda = RobotProfile.load('panda')
    assert tuple(camera_sources('')) == CAMERA_NAMES
    one = Simulation(panda, width_px=32, height_px=32, cameras='front')
    two = Simulation(panda, width_px=32, height_px=32, cameras='top=front, hand=wrist')
    pictures = two.render()
    assert tuple(one.render()) == ('front',)
    assert tuple(pictures) == ('top', 'hand')
    np.testing.assert_array_equal(pictures['top'], one.render()['front'])
    assert two.cameras['hand'].parent_link == panda.gripper.tcp_link
    one.close()
    two.close()


@pytest.mark.parametrize('choice', ['nowhere', 'top=nowhere', 'front,front', '1=front', 'a b=front'])
def test_a_camera_that_there_is_not_is_refused(choice: str) -> None:
    with pytest.raises(GenimaError, match='camera'):
        camera_sources(choice)


def test_tiles_keep_their_shape_beside_the_spectator() -> None:
    frame = side_by_side(np.zeros((64, 64, 3), np.uint8), [np.zeros((8, 8 * n, 3), np.uint8) for n in (2, 1)], '')
    assert frame.shape == (64, 64 + 128 + 64, 3)
