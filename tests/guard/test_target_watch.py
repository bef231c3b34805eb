# SPDX-License-Identifier: Apache-2.0
"""A frozen camera is noticed while the arm moves, and only then."""

import numpy as np

from genima.guard.target_watch import TargetWatch


def watch(speed_rad_s: float) -> TargetWatch:
    watch = TargetWatch()
    for t_s in np.arange(0.0, 2.0, 0.01):
        watch.observe_joints(float(t_s), np.array([0.0, speed_rad_s * t_s]))
    return watch


def test_the_same_picture_while_the_arm_moves_is_trouble() -> None:
    trouble = watch(0.5).trouble(1.9, ['wrist', 'front'], [0.0, 0.6])
    assert trouble == 'camera front has sent the same picture for 0.60 s while the arm moved 0.30 rad: is it frozen?'


def test_an_arm_at_rest_looks_the_same_for_ever() -> None:
    assert watch(0.0).trouble(1.9, ['front'], [60.0]) is None


def test_a_picture_may_come_twice() -> None:
    assert watch(0.5).trouble(1.9, ['front'], [0.2]) is None
    assert TargetWatch().trouble(1.9, ['front'], [5.0]) is None, 'nothing is known of the arm'
