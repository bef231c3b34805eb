# SPDX-License-Identifier: Apache-2.0
"""The drift filter finds a simulated camera that was moved, in both ways of moving it, and leaves the others alone."""

from pathlib import Path

import pytest

from genima.bench.drift import Outcome, passes, run_drift
from genima.errors import DatasetError
from genima.sim.collect import collect


@pytest.fixture(scope='module')
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp('simulated')
    assert len(list(collect(folder, range(3), workers=1))) == 3
    return folder


def test_moved_cameras_are_found_without_markers(simulated: Path) -> None:
    outcomes = list(run_drift(simulated, 2, 6.0, 1))
    assert {each.way for each in outcomes} == {'images', 'calibration', ''}
    assert all(each.rejected == bool(each.camera) and each.drift_px is not None for each in outcomes)
    assert all(each.drift_px == pytest.approx(6.0, abs=0.8) for each in outcomes if each.camera)


def test_more_moved_cameras_than_episodes_are_refused(simulated: Path) -> None:
    with pytest.raises(DatasetError, match='lower --moved'):
        list(run_drift(simulated, 4, 6.0, 1))


def test_a_missed_camera_fails_the_measurement() -> None:
    assert not passes([Outcome('a', 'front', 'images', 'pass', 1.0, '')])
    assert passes([Outcome('a', 'front', 'images', 'fail', 6.0, ''), Outcome('b', '', '', 'fail', 6.0, '')])
