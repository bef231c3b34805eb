# SPDX-License-Identifier: Apache-2.0
"""The measurement of the camera checks gives sound figures in a small dose."""

from genima.bench.camera_rows import cpu_rows, pixel_rows, share_rows
from genima.bench.cameras import jobs, run
from genima.camera_checks.check import CheckLimits


def test_bumps_are_noticed_swaps_refused_and_nothing_else() -> None:
    listed = jobs('panda', [(128, 128)], trials=1, hours=5 / 3600, limits=CheckLimits())
    assert [job.kind for job in listed] == ['undisturbed', 'bumped', 'directions', 'swapped']
    outcomes = list(run(listed, workers=1))
    rows = {(row['camera'], row['what']): row for row in share_rows(outcomes)}
    false = rows['all', 'false alarms']
    assert false['count'] == 40 and false['share'] == 0.0 and false['low'] == 0.0 < false['high'] < 0.1
    assert rows['all', 'refused: swapped']['share'] == 1.0 == rows['all', 'refused: turned']['share']
    assert rows['all', 'noticed: 0.5 deg']['count'] == 4
    assert rows['all', 'noticed: 0.5 deg']['share'] >= 0.75
    pixels = {(row['camera'], row['what']): row for row in pixel_rows(outcomes)}
    assert pixels['front', '0.5 deg about y']['p50 px'] > 1.0 > pixels['front', 'drift']['p50 px']
    assert cpu_rows(outcomes)[0]['pictures'] > 40
