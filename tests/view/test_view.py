# SPDX-License-Identifier: Apache-2.0
"""`genima view --save`: what was recorded is in the file, read back with rerun's own reader."""

import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from filmed_arm import CAMERAS, HEIGHT_PX, PANDA, SECONDS, START_S, WIDTH_PX, camera, mounting, q_rad, record
from typer.testing import CliRunner

from genima.cameras.model import MountedCamera
from genima.cli.main import app
from genima.contract.spec import PolicySpec
from genima.episodes.episode import Episode
from genima.episodes.store import write_episode
from genima.errors import GenimaError
from genima.robots.kinematics import link_poses, tcp_pose
from genima.robots.transforms import inverse
from genima.spheres.outline import outline_px
from genima.spheres.scene import target_scene

pytestmark = pytest.mark.skipif(find_spec('rerun') is None, reason='genima[view] is not installed')
JOINT = PANDA.arm_joints[0]
TIMELINE = 'ros_time'


@pytest.fixture(autouse=True)
def strict() -> None:
    """Let rerun raise where it would only warn."""
    import rerun

    rerun.set_strict_mode(True)


class Logged:
    """Everything in a file: rows by entity, each a table of times and components."""

    def __init__(self, path: Path) -> None:
        from rerun.chunk import RrdReader

        self.reader = RrdReader(path)
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.static: set[str] = set()
        for chunk in self.reader.stream():
            entity = chunk.entity_path.lstrip('/')
            batch = chunk.to_record_batch()
            if TIMELINE in batch.schema.names:  # nanoseconds, which no datetime holds
                place = batch.schema.get_field_index(TIMELINE)
                batch = batch.set_column(place, TIMELINE, batch.column(place).cast('int64'))
            self.rows.setdefault(entity, []).extend(batch.to_pylist())
            self.static |= {entity} if chunk.is_static else set()

    def values(self, entity: str, component: str) -> list[Any]:
        """Return what was logged of a component, in the order of time."""
        rows = [row for row in self.rows[entity] if _find(row, component) is not None]
        rows.sort(key=lambda row: row.get(TIMELINE) or 0)
        return [_find(row, component) for row in rows]

    def times(self, entity: str) -> list[Any]:
        return sorted(row[TIMELINE] for row in self.rows[entity] if row.get(TIMELINE) is not None)


def _find(row: dict[str, Any], component: str) -> Any:
    return next((value for name, value in row.items() if name.endswith(f':{component}') and value is not None), None)


def _save(tmp_path: Path, *arguments: str) -> Logged:
    out = tmp_path / 'seen.rrd'
    result = CliRunner().invoke(app, ['view', *arguments, '--save', str(out)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert not list(tmp_path.glob('.seen*')), 'nothing unfinished is left'
    return Logged(out)


def test_a_recording_is_shown_whole(tmp_path: Path) -> None:
    logged = _save(tmp_path, str(record(tmp_path / 'episode_000000')))
    (entry,) = logged.reader.recordings()
    assert entry.application_id == 'genima' and logged.reader.blueprints(), 'with its arrangement'

    for link in PANDA.links:
        kinds = {shape.kind for shape in link.shapes}
        assert {f'robot/{link.name}/{kind}' for kind in kinds} <= logged.static
    measured = np.array(logged.values(f'joints/{JOINT}/measured', 'scalars')).ravel()
    assert 0.25 * 100 * SECONDS <= len(measured) <= 31 * SECONDS, 'thirty poses per second are enough'
    np.testing.assert_allclose(measured[0], q_rad(0.0)[0], atol=1e-9)
    shift = np.array(logged.values('robot/panda_hand', 'translation'))[0, 0]
    np.testing.assert_allclose(shift, link_poses(PANDA, q_rad(0.0))['panda_hand'][:3, 3], atol=1e-5)
    assert np.array(logged.values('gripper/measured', 'scalars')).ravel() == pytest.approx(0.5)

    paths = logged.values('intention/path', 'strips')
    assert len(paths) == 9
    ahead = np.array([q_rad(0.1 + each) for each in np.arange(1, 17) / 10])
    np.testing.assert_allclose(np.array(paths[0][0]), tcp_pose(PANDA, ahead)[:, :3, 3], atol=1e-5)
    assert len(logged.values('intention/spheres', 'positions')[0]) == len(PANDA.spheres)

    assert [state[0] for state in logged.values('guard/state', 'state')] == ['moving', 'holding'], 'changes only'
    assert logged.values('guard/reasons', 'text')[-1] == ['holding\nno fresh target image']
    assert np.array(logged.values('robot/panda_link0/cube', 'translation'))[0, 0] == pytest.approx([0.5, 0.1, 0.02])
    assert logged.times(f'joints/{JOINT}/measured')[0] == round(START_S * 1e9), 'the time of the stamp'


def test_cameras_show_pictures_places_and_the_outlines_of_the_spheres(tmp_path: Path) -> None:
    logged = _save(tmp_path, str(record(tmp_path / 'episode_000000')), '--image-rate', '10')
    spec = PolicySpec.from_recipe('small', PANDA)
    for name, link in CAMERAS.items():
        pictures = logged.values(f'cameras/{name}/picture', 'blob')
        assert 8 <= len(pictures) <= 11, 'as many as asked for, of thirty'
        decoded = cv2.imdecode(np.array(pictures[0][0], dtype=np.uint8), cv2.IMREAD_COLOR)
        assert decoded.shape == (HEIGHT_PX, WIDTH_PX, 3) and abs(int(decoded[5, 5, 0]) - 10) <= 3
        assert np.array(logged.values(f'cameras/{name}', 'resolution')).ravel() == pytest.approx([WIDTH_PX, HEIGHT_PX])
        place = np.array(logged.values(f'cameras/{name}', 'translation'))[0, 0]
        T_base_link = link_poses(PANDA, q_rad(0.05), 0.5)[link]
        np.testing.assert_allclose(place, (T_base_link @ mounting())[:3, 3], atol=5e-3)
    strips = logged.values('cameras/front/spheres', 'strips')
    last = q_rad(0.1 + spec.horizon_steps / 10)
    (elbow,) = (each for each in target_scene(spec.spheres, PANDA, last, 1.0) if each.name == 'elbow')
    wanted = outline_px(camera('front'), inverse(mounting()), elbow)
    found = next(strip for strip in strips if strip)
    assert min(np.abs(np.array(line) - wanted).max() for line in found if len(line) == len(wanted)) < 0.01
    assert strips[0] in ([], None) or len(strips[0]) == 0, 'no chunk yet, no spheres'


def test_an_episode_is_shown_with_what_was_planned(tmp_path: Path) -> None:
    steps, times_s = 4, 0.1 * np.arange(4)
    q = np.array([q_rad(time_s) for time_s in times_s])
    views = {'front': np.full((steps, HEIGHT_PX, WIDTH_PX, 3), 90, dtype=np.uint8)}
    cameras = {'front': MountedCamera(camera('front'), 'panda_link0', mounting())}
    metadata = {'robot': 'panda', 'rate_hz': 10.0, 'joint_names': list(PANDA.arm_joints)}
    episode = Episode(times_s, views, q, np.ones(steps), q + 0.01, np.ones(steps), cameras, metadata)
    write_episode(tmp_path / 'episode_000000.h5', episode)
    logged = _save(tmp_path, str(tmp_path / 'episode_000000.h5'))
    assert len(logged.values('cameras/front/picture', 'blob')) == steps
    assert len(logged.values('intention/path', 'strips')) == steps
    assert all(logged.values('cameras/front/spheres', 'strips'))
    np.testing.assert_allclose(np.array(logged.values(f'joints/{JOINT}/measured', 'scalars')).ravel(), q[:, 0], atol=1e-6)


def test_what_is_cut_off_is_shown_as_far_as_it_goes(tmp_path: Path) -> None:
    folder = record(tmp_path / 'episode_000000')
    (file,) = folder.glob('*.mcap')
    file.write_bytes(file.read_bytes()[:-2000])
    (folder / 'episode.json').unlink()
    out = tmp_path / 'seen.rrd'
    command = ['view', str(folder), '--robot', 'panda', '--save', str(out)]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.exit_code == 0 and out.is_file()


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['nothing_here'], 'nothing_here does not exist; it is a recording'),
        (['{tmp}'], r'does not name its robot; name its profile with --robot'),
        (['{tmp}', '--robot', 'panda'], r'no \*.mcap in'),
        (['{tmp}', '--policy', '{tmp}'], 'is not a policy directory'),
    ],
)
def test_what_cannot_be_shown_is_said(tmp_path: Path, arguments: list[str], message: str) -> None:
    command = ['view', *(text.format(tmp=tmp_path) for text in arguments), '--save', str(tmp_path / 'seen.rrd')]
    with pytest.raises(GenimaError, match=message):
        CliRunner().invoke(app, command, catch_exceptions=False, standalone_mode=False)
    assert not list(tmp_path.iterdir())


def test_without_a_display_there_is_a_way(monkeypatch: pytest.MonkeyPatch) -> None:
    from genima.view.screen import to_viewer

    for name in ('DISPLAY', 'WAYLAND_DISPLAY'):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(GenimaError, match=r'no display here .* --save FILE.rrd'), to_viewer():
        pass


def test_a_window_gets_what_a_file_gets_and_listens_on_this_machine_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """rerun's viewer writes what it hears to a file in place of opening a window; all else is as with one."""
    from genima.view import screen

    started: list[Any] = []
    start, out = screen._start_viewer, tmp_path / 'heard.rrd'

    def start_without_window(arguments: list[str], port: int) -> Any:
        started.append(start([each for each in arguments if each != '--expect-data-soon'] + ['--save', str(out)], port))
        return started[0]

    monkeypatch.setattr(screen, '_start_viewer', start_without_window)
    monkeypatch.setenv('DISPLAY', ':0')
    try:
        with screen.to_viewer() as on:
            on.at(5.0)
            on.log('said', screen.rr.TextDocument('hello'))
        assert '127.0.0.1' in started[0].args and '0.0.0.0' not in started[0].args
        end_s = time.monotonic() + 60.0
        while started[0].poll() is None and time.monotonic() < end_s:  # one signal may come too early, or get lost
            started[0].send_signal(signal.SIGINT)
            time.sleep(1.0)
        assert started[0].poll() is not None, 'the viewer ends when it is told to'
    finally:
        started[0].kill()
    assert Logged(out).values('said', 'text') == [['hello']]


def test_without_rerun_it_is_said_how_to_get_it() -> None:
    program = "import sys\nsys.modules['rerun'] = None\nsys.argv[1:] = ['view']\nfrom genima.cli.main import main\nmain()"
    result = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True, timeout=120)
    assert result.returncode == 1 and 'pip install "genima[view]"' in result.stderr and 'Traceback' not in result.stderr
