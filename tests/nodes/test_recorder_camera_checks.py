# SPDX-License-Identifier: Apache-2.0
"""What the camera checks said goes into the provenance of an episode."""

import json

import pytest
from genima_ros.recording.provenance import check_summary

from genima_msgs.msg import CameraCheck


def test_a_check_becomes_json_without_nan() -> None:
    check = CameraCheck(
        camera='front', ok=False, problems=['it has moved'], drift_px=3.14159, projection_error_px=float('inf'),
        drift_direction_px=[3.0, 0.1], calibration_age_days=float('nan'), pictures=7,
    )  # fmt: skip
    summary = json.loads(json.dumps(check_summary(check), allow_nan=False))
    assert summary == {
        'ok': False, 'problems': ['it has moved'], 'drift_px': pytest.approx(3.142), 'projection_error_px': None,
        'calibration_age_days': None,
    }  # fmt: skip
