# SPDX-License-Identifier: Apache-2.0
import numpy as np

from genima.align.frames import FrameTrack
from genima.align.report import SyncReport, camera_report, stream_report
from genima.quality.sync import sync_of


def _report(shift_s: float, gap_s: float) -> dict[str, object]:
    grid_s = np.arange(10) / 10
    track = FrameTrack(0.0)
    for number, time_s in enumerate(grid_s + shift_s):
        track.add(time_s, number, bytes([number]))
    joints_s = np.concatenate([np.arange(50) / 100, 0.5 + gap_s + np.arange(50) / 100])
    cameras = {'front': camera_report(track, grid_s, grid_s + shift_s, 0.05)}
    return SyncReport(10.0, 10, cameras, {'joint_states': stream_report(joints_s)}).to_json()


def test_the_worst_of_all_episodes_is_shown() -> None:
    timings = sync_of([_report(0.0, 0.3), _report(0.015, 0.1)])
    front, joints = timings['front'], timings['joint_states']
    assert list(timings) == ['front', 'joint_states']
    assert front.messages == 20 and front.skew_counts is not None and sum(front.skew_counts) == 20
    assert front.skew_counts[7] == 10 and front.skew_counts[10] == 10  # within 2 ms; 10 to 20 ms late
    assert abs(front.worst_skew_s - 0.015) < 1e-9 and front.gaps == 0
    assert joints.gaps == 2 and abs(joints.longest_gap_s - 0.31) < 1e-9 and joints.skew_counts is None
    assert np.allclose(joints.rates_hz, 100.0)
