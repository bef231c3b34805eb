# SPDX-License-Identifier: Apache-2.0
"""The pages that `genima dataset show` writes: an episode with its images, plots, findings and metadata in one file."""

import html
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from genima.cli.label_form import label_form
from genima.episodes.dataset import read_card
from genima.episodes.episode import Episode
from genima.episodes.frames import open_views
from genima.episodes.store import list_episodes, read_episode
from genima.evaluate.report import Report
from genima.files import write_atomic
from genima.quality.episode_plots import plot_filmstrip, plot_motion, plot_sync
from genima.quality.inspect import load_profile
from genima.quality.measures import measure
from genima.quality.plots import plot_quality
from genima.quality.verdict import PASS, Quality, Thresholds
from genima.robots.profile import RobotProfile
from genima.robots.transforms import inverse
from genima.spheres.render import draw
from genima.spheres.scene import Stripes, target_scene

MOMENTS = 8
_WIDEST_PX = 256
_SKEW = ['mean skew, ms', 'worst, ms', 'repeated steps', 'longest frozen, s']


class _Page(Report):
    """A report that can link to other pages, and collect labels."""

    def add_links(self, heading: str, links: Sequence[tuple[str, str]]) -> None:
        """Add links: (address, words)."""
        items = ''.join(f'<li><a href="{html.escape(to)}">{html.escape(words)}</a></li>' for to, words in links)
        self._add(heading, f'<ul>{items}</ul>')

    def add_form(self, folder: Path, episodes: Sequence[str], links: bool = False) -> None:
        """Add the form that collects labels."""
        self._add('Label', label_form(folder, episodes, links))


def episode_page(path: Path, horizon_steps: int) -> tuple[str, Quality]:
    """Return the page of an episode, and its quality.

    Args:
        path: The episode file.
        horizon_steps: The spheres show what is intended so many steps ahead.

    Raises:
        DatasetError: if the file cannot be read, or its plans are shorter than the horizon.
    """
    episode, thresholds = read_episode(path, images=False), Thresholds()
    metadata, quality = episode.metadata, measure(path, thresholds)
    profile = load_profile(str(metadata.get('robot') or ''))
    if profile is not None and profile.n_joints != episode.q_rad.shape[1]:
        profile = None
    report = _Page(f'{path.name}: {metadata.get("instruction") or metadata.get("task") or "no task named"}', _line(episode))
    with open_views(path) as views:
        if views:
            report.add_plot(*_filmstrip(episode, views, profile, horizon_steps))
    report.add_form(path.parent, [path.name])
    _add_quality(report, quality)
    names = metadata.get('joint_names') or [f'joint {index + 1}' for index in range(episode.q_rad.shape[1])]
    if len(episode) > 1:
        note = 'Dashed: limits of the robot in black, the threshold of a velocity spike in red. Brackets: position limits.'
        motion = plot_motion(episode, names, profile, quality.idle, thresholds.speed_rad_s)
        report.add_plot('Joints and speeds', motion, note)
    _add_sync(report, episode)
    _add_cameras(report, episode)
    told = {key: value for key, value in metadata.items() if key != 'sync' and value not in (None, '', [], {})}
    report.add_table('Metadata', ['key', 'value'], [[key, _text(value)] for key, value in told.items()])
    return report.html(), quality


def write_folder(
    folder: Path, out: Path, horizon_steps: int, most: int, on_done: Callable[[str], None] = lambda name: None
) -> Path:
    """Write a page for each of the first `most` episodes into `out`, and `index.html`, whose path is returned."""
    qualities = []
    for path in list_episodes(folder)[:most]:
        text, quality = episode_page(path, horizon_steps)
        write_atomic(out / f'{path.stem}.html', text)
        qualities.append(quality)
        on_done(path.name)
    card = read_card(folder)
    page = _Page(f'{card.name} {card.version}'.strip(), card.description or f'{len(qualities)} episodes in {folder}')
    page.add_plot('Quality', plot_quality(qualities, Thresholds()), 'Each point is one episode, sorted; limits in red.')
    page.add_links('Episodes', [(f'{Path(each.file).stem}.html', _summary(each)) for each in qualities])
    page.add_form(folder, [each.file for each in qualities], links=True)
    write_atomic(out / 'index.html', page.html())
    return out / 'index.html'


def _line(episode: Episode) -> str:
    metadata = episode.metadata
    outcome = 'success' if metadata.get('success') is True else 'not judged'
    if metadata.get('success') is False:
        outcome = f'failure ({metadata.get("failure") or "cause not noted"})'
    seconds = episode.timestamps_s[-1] - episode.timestamps_s[0]
    robot, source = metadata.get('robot') or 'unknown robot', metadata.get('source') or 'unknown source'
    return f'{robot}, {outcome}, {len(episode)} steps in {seconds:.1f} s at {metadata.get("rate_hz")} Hz; {source}'


def _filmstrip(
    episode: Episode, views: dict[str, Any], profile: RobotProfile | None, horizon_steps: int
) -> tuple[str, str, str]:
    """Return heading, image and note."""
    steps = np.linspace(0, len(episode) - 1, min(MOMENTS, len(episode))).astype(int)
    q_rad, gripper_open = (ahead[:, -1] for ahead in episode.intended(horizon_steps))
    pictures = []
    for name, frames in views.items():
        row = [
            _picture(frames[step], episode, name, int(step), profile, q_rad[step], float(gripper_open[step]))
            for step in steps
        ]
        pictures.append(row)
    times_s = episode.timestamps_s[steps] - episode.timestamps_s[0]
    svg = plot_filmstrip(pictures, list(views), [f'{time_s:.1f} s' for time_s in times_s])
    bare = sorted(name for name in views if profile is None or name not in episode.cameras)
    note = f'Without spheres, for want of a robot profile or a calibration: {", ".join(bare)}.' if bare else ''
    return f'What the cameras saw, with the spheres of {horizon_steps} steps ahead', svg, note


def _picture(
    frame: np.ndarray,
    episode: Episode,
    name: str,
    step: int,
    profile: RobotProfile | None,
    q_rad: np.ndarray,
    opening: float,
) -> np.ndarray:
    """Return a frame with the spheres of the arm at `q_rad` (n,), where robot and camera are known, not too wide."""
    camera = episode.cameras.get(name)
    if profile is not None and camera is not None and frame.shape[:2] == (camera.model.height_px, camera.model.width_px):
        T_camera_base = inverse(np.asarray(camera.T_base_camera(profile, episode.q_rad[step])))
        scene = target_scene(profile.spheres, profile, q_rad, opening)
        frame = draw(np.ascontiguousarray(frame), camera.model, T_camera_base, scene, Stripes())
    scale = _WIDEST_PX / frame.shape[1]
    if scale >= 1:
        return frame
    return np.asarray(cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _add_quality(report: Report, quality: Quality) -> None:
    rows = [
        [each.name, each.verdict == PASS if each.value is not None else each.verdict, each.text] for each in quality.measures
    ]
    idle = ', '.join(f'{each.place}: steps {each.first} to {each.last}, {each.seconds:.1f} s' for each in quality.idle)
    report.add_table('Quality', ['measure', 'good', 'what was seen'], [*rows, ['idle', '', idle or 'never']])
    if quality.findings:
        cells = [[each.code, each.severity, each.text] for each in quality.findings]
        report.add_table('What `genima dataset verify` says', ['code', 'severity', 'what was seen'], cells)


def _add_sync(report: Report, episode: Episode) -> None:
    same = all(np.array_equal(times_s, episode.timestamps_s) for times_s in episode.capture_s.values())
    if episode.capture_s and not same:
        report.add_plot('When the images were taken', plot_sync(episode))
    sync = episode.metadata.get('sync')
    if not isinstance(sync, dict):
        return
    rows = [[name, *_stream_cells(values['stream']), *_camera_cells(values)] for name, values in sync['cameras'].items()]
    rows += [[name, *_stream_cells(values)] + [''] * len(_SKEW) for name, values in sync['streams'].items()]
    report.add_table('Synchronisation', ['stream', 'messages', 'Hz', 'gaps', *_SKEW], rows)


def _stream_cells(stream: dict[str, Any]) -> list[str]:
    longest_s = max((length_s for _, length_s in stream['gaps_s']), default=0.0)
    gaps = f'{len(stream["gaps_s"])}, up to {longest_s:.2f} s' if longest_s else '0'
    return [str(stream['messages']), f'{stream["rate_hz"]:.1f}', gaps]


def _camera_cells(camera: dict[str, Any]) -> list[str]:
    mean_ms, worst_ms = (f'{1e3 * camera[key]:.1f}' for key in ('mean_skew_s', 'worst_skew_s'))
    return [mean_ms, worst_ms, str(camera['repeated_steps']), f'{camera["longest_frozen_s"]:.2f}']


def _add_cameras(report: Report, episode: Episode) -> None:
    hardware = episode.metadata.get('camera_hardware') or {}
    rows = [
        [
            name,
            f'{camera.model.width_px} x {camera.model.height_px}',
            f'{camera.model.K[0, 0]:.1f}, {camera.model.K[1, 1]:.1f}',
            camera.model.model,
            camera.parent_link,
            _text(hardware.get(name, '')),
        ]
        for name, camera in episode.cameras.items()
    ]
    report.add_table('Cameras', ['name', 'size, px', 'focal lengths, px', 'lens', 'mounted on', 'hardware'], rows)


def _summary(quality: Quality) -> str:
    reasons = quality.reasons()
    return f'{quality.file}: {quality.steps} steps, {quality.seconds:.1f} s{", " + "; ".join(reasons) if reasons else ""}'


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
