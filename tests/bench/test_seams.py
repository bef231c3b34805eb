# SPDX-License-Identifier: Apache-2.0
"""The bench of chunk seams shows what it is there to show."""

import pytest

from genima.bench.seams import OURS, SENDERS, Conditions, measure
from genima.robots.profile import RobotProfile
from genima.robots.reading import profile_names

HARD = Conditions(0.05, (0.0, 0.2), (0.0, 0.05), lost=0.1)


@pytest.mark.parametrize('robot', profile_names())
def test_ours_stays_inside_where_every_naive_way_breaks_the_limits(robot: str) -> None:
    profile = RobotProfile.load(robot)
    for sender in SENDERS:
        seams = measure(profile, sender, HARD, seed=1, seconds=4.0)
        worst = max(seams.velocity, seams.acceleration, seams.jerk)
        assert worst <= 1.0 if sender == OURS else worst > 10.0, f'{sender}: {seams}'


def test_following_costs_little_where_chunks_agree() -> None:
    profile = RobotProfile.load('panda')
    ours = measure(profile, OURS, Conditions(0.0, (0.05, 0.1), (0.0, 0.05)), seed=0)
    assert ours.lag_rms_mrad < 6.0


def test_conditions_as_cells() -> None:
    assert HARD.row() == {'mrad': '50', 'latency': '0-200', 'transport': '0-50'}
    assert Conditions(0.01, (0.06, 0.06)).row()['latency'] == '60'
