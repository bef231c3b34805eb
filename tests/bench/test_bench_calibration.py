# SPDX-License-Identifier: Apache-2.0
"""The simulated calibrations of `genima bench calibration`: a few here, a hundred each when asked for."""

import pytest

from genima.bench.calibration import Outcome, Trial, reaches, run_trial, run_trials, summary, trials


def test_every_case_is_tried_and_summed_up() -> None:
    work = trials(1, 12, 0.3, False, 'panda')
    assert len(work) == 8
    outcomes = [outcome for outcome in run_trials(work, workers=1) if outcome is not None]
    assert len(outcomes) == 8
    rows = summary(outcomes)
    assert {(row['mount'], row['lens'], row['intrinsics']) for row in rows} == {
        (mount, lens, known)
        for mount in ('eye_to_hand', 'eye_in_hand')
        for lens in ('pinhole', 'fisheye')
        for known in ('exact', 'from 40 pictures')
    }
    assert all(row['median_mm'] < 5 and row['median_deg'] < 1 for row in rows)


def test_a_row_reaches_the_goals_or_not() -> None:
    trial = trials(1, 12, 0.3, False, 'panda')[0]
    inside = [Outcome(trial, 0.5, 0.05, index > 4, 1.0, 0.1) for index in range(100)]
    assert reaches(summary(inside)[0])
    assert not reaches(summary([Outcome(trial, 0.5, 0.05, True, 1.0, 0.1)] * 100)[0])  # too careful
    assert not reaches(summary([Outcome(trial, 1.5, 0.05, index > 4, 1.0, 0.1) for index in range(100)])[0])


@pytest.mark.slow
@pytest.mark.parametrize('kind', ['eye_to_hand', 'eye_in_hand'])
@pytest.mark.parametrize('lens', ['pinhole', 'fisheye'])
def test_rendered_pictures_through_the_detector(kind: str, lens: str) -> None:
    outcome = run_trial(Trial(kind, lens, True, 25, 0.3, True, 'panda', 0))
    assert outcome is not None and outcome.mm < 1.0 and outcome.deg < 0.1
