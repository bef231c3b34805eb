# SPDX-License-Identifier: Apache-2.0
"""References are read back as they were written; what does not belong together is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from genima.bench.camera_work import WorkingArm
from genima.camera_checks.reference import Reference, read_reference, write_references
from genima.errors import CalibrationError


def test_a_reference_comes_back_as_it_was(arm: WorkingArm, tmp_path: Path) -> None:
    references = {name: Reference.of(sight, 'panda') for name, sight in arm.sights(0.0).items()}
    write_references(tmp_path, references)
    for name, written in references.items():
        read = read_reference(tmp_path, name, 'panda')
        assert read is not None and read.taken_at == written.taken_at
        np.testing.assert_array_equal(read.sight.picture, written.sight.picture)
        np.testing.assert_array_equal(read.sight.q_rad, written.sight.q_rad)
        assert read.sight.camera.model == written.sight.camera.model
        assert read.other_calibration(written.sight.camera) is None
    assert read_reference(tmp_path, 'side', 'panda') is None


def test_what_is_damaged_or_of_another_robot_is_refused(arm: WorkingArm, tmp_path: Path) -> None:
    sights = arm.sights(0.0)
    write_references(tmp_path, {name: Reference.of(sights[name], 'panda') for name in ('front', 'wrist')})
    with pytest.raises(CalibrationError, match='of robot panda, got ur5e'):
        read_reference(tmp_path, 'front', 'ur5e')
    (tmp_path / 'front.png').write_bytes((tmp_path / 'wrist.png').read_bytes())
    with pytest.raises(CalibrationError, match='do not belong together'):
        read_reference(tmp_path, 'front', 'panda')
    (tmp_path / 'front.json').write_text('{"robot": 3')
    with pytest.raises(CalibrationError, match='take a new one'):
        read_reference(tmp_path, 'front', 'panda')


def test_another_calibration_is_named_with_numbers(arm: WorkingArm) -> None:
    sight = arm.sights(0.0, ('front',))['front']
    T = sight.camera.T_parent_camera.copy()
    T[0, 3] += 0.004
    told = Reference.of(sight, 'panda').other_calibration(replace(sight.camera, T_parent_camera=T))
    assert told is not None and '4.0 mm' in told
    moved = replace(sight.camera, parent_link='panda_hand')
    assert 'panda_hand' in str(Reference.of(sight, 'panda').other_calibration(moved))
