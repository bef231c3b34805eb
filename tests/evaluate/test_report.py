# SPDX-License-Identifier: Apache-2.0
import io
import re

import av
import numpy as np

from genima.evaluate.plots import JointSeries, PlottedChunk, plot_joints, plot_limits, plot_seams
from genima.evaluate.report import Pair, Report
from genima.evaluate.video import encode_mp4, side_by_side


def _report() -> str:
    time_s = np.linspace(0, 1, 11)
    series = JointSeries(time_s, np.stack([np.sin(time_s), time_s], axis=1))
    report = Report('a <run>', 'what it shows')
    report.add_table('episodes', ['seed', 'success'], [[1, True], [2, False]])
    report.add_pairs('targets', [Pair('t = 0 s', np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 255, np.uint8))])
    report.add_plot('joints', plot_joints(series, ['a', 'b']), 'note')
    report.add_plot('seams', plot_seams(series, [PlottedChunk(time_s, series.q_rad)], ['a', 'b']))
    report.add_plot('limits', plot_limits({'jerk': 0.4}))
    report.add_video('video', encode_mp4([np.zeros((32, 64, 3), np.uint8)] * 3, 10))
    return report.html()


def test_page_refers_to_nothing_outside_itself() -> None:
    page = _report()
    for source in re.findall(r'(?:src|href)="([^"]*)"', page):
        assert source.startswith(('data:', '#')), source
    assert 'a &lt;run&gt;' in page and page.count('<svg') == 3


def test_video_holds_every_frame() -> None:
    spectator = np.zeros((97, 120, 3), np.uint8)
    frame = side_by_side(spectator, [np.zeros((16, 16, 3), np.uint8)] * 2, 'caption')
    assert frame.shape[0] % 2 == 0 and frame.shape[1] % 2 == 0
    with av.open(io.BytesIO(encode_mp4([frame] * 7, 10))) as container:
        assert sum(1 for _ in container.decode(video=0)) == 7
