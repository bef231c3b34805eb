# SPDX-License-Identifier: Apache-2.0
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from genima.cameras.model import CameraModel, MountedCamera
from genima.cli.convert import convert
from genima.convert import formats
from genima.convert.formats import FORMATS, Format, check_options, clean_up, detect, plan
from genima.episodes.episode import Episode
from genima.episodes.store import list_episodes, read_episode, write_episode
from genima.errors import DatasetError
from genima.quality.verify import verify


class Boxes(ModuleType):
    """A format that keeps native files under another name; it may be told a colour when it is written."""

    def export(self, source: Path, out: Path, on_done: Callable[[str], None], workers: int = 1, colour: str = 'red') -> None:
        out.mkdir(parents=True, exist_ok=True)
        for path in list_episodes(source):
            shutil.copy(path, out / f'{path.stem}.box')
            on_done(path.stem)
        (out / 'colour').write_text(f'{colour} by {workers}')

    def count(self, source: Path) -> int:
        return len(list(source.glob('*.box')))


class Crates(Boxes):
    """A format that is only read."""

    export = None  # type: ignore[assignment]

    def load(self, source: Path, out: Path, on_done: Callable[[str], None], workers: int = 1) -> None:
        out.mkdir(parents=True, exist_ok=True)
        for path in sorted(source.glob('*.box')):
            if not (out / f'{path.stem}.h5').exists():
                shutil.copy(path, out / f'{path.stem}.h5')
                on_done(path.stem)


@pytest.fixture(autouse=True)
def modules(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {'box': Boxes('box'), 'crate': Crates('crate')}
    load = formats.importlib.import_module
    monkeypatch.setattr(formats.importlib, 'import_module', lambda name, package=None: own.get(name) or load(name, package))
    monkeypatch.setitem(FORMATS, 'boxes', Format('boxes', 'boxes', ('colour',), 'box'))
    monkeypatch.setitem(FORMATS, 'crates', Format('crates', 'crates', ('lid',), 'crate'))


@pytest.fixture
def native(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    model = CameraModel('front', 6, 5, np.array([[4.0, 0, 2.5], [0, 4.0, 2.0], [0, 0, 1]]))
    for number in range(2):
        episode = Episode(
            timestamps_s=np.arange(11) / 10,
            views={'front': rng.integers(0, 255, (11, 5, 6, 3), dtype=np.uint8)},
            q_rad=rng.normal(size=(11, 7)),
            gripper_open=np.ones(11),
            q_command_rad=rng.normal(size=(11, 7)),
            gripper_command_open=np.ones(11),
            cameras={'front': MountedCamera(model, 'base', np.eye(4))},
            metadata={'robot': 'panda', 'rate_hz': 10.0},
        )
        write_episode(tmp_path / f'native/episode_{number:06d}.h5', episode)
    return tmp_path / 'native'


@pytest.fixture
def crates(native: Path, tmp_path: Path) -> Path:
    folder = tmp_path / 'crates'
    Boxes('box').export(native, folder, print)
    (folder / 'colour').rename(folder / 'lid')
    return folder


@pytest.mark.parametrize(
    ('file', 'name'),
    [
        ('episode_000001.h5', 'hdf5'),
        ('meta/info.json', 'lerobot'),
        ('features.json', 'rlds'),
        ('1.0.0/features.json', 'rlds'),
        ('episode_000001/episode_000001_0.mcap', 'mcap'),
        ('episode_000001_0.mcap', 'mcap'),
        ('reach_target/variation0/episodes/episode0/low_dim_obs.pkl', 'rlbench'),
    ],
)
def test_formats_are_recognised(tmp_path: Path, file: str, name: str) -> None:
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).touch()
    assert detect(tmp_path) == name


def test_what_is_not_recognised_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match='no folder'):
        detect(tmp_path / 'nowhere')
    with pytest.raises(DatasetError, match=r'no known format.*--from'):
        detect(tmp_path)
    for name in ('episode_0.h5', 'features.json'):
        (tmp_path / name).touch()
    with pytest.raises(DatasetError, match='hdf5 and rlds; say what it is with --from'):
        detect(tmp_path)


def test_what_cannot_be_converted_is_refused(native: Path, crates: Path, tmp_path: Path) -> None:
    out = tmp_path / 'out'
    with pytest.raises(DatasetError, match='crates cannot be written'):
        plan(native, out, 'crates')
    with pytest.raises(DatasetError, match='boxes cannot be read'):
        plan(native, out, 'hdf5', 'boxes')
    with pytest.raises(DatasetError, match='has the format hdf5 already'):
        plan(native, out, 'hdf5')
    with pytest.raises(DatasetError, match="no format 'zarr'; known are hdf5, lerobot"):
        plan(native, out, 'zarr')


def test_foreign_to_foreign_goes_through_native_files(crates: Path, native: Path, tmp_path: Path) -> None:
    steps = plan(crates, tmp_path / 'out', 'boxes')
    assert [step.text for step in steps] == ['crates to hdf5', 'hdf5 to boxes']
    done: list[str] = []
    for step in steps:
        assert step.count() == 2
        step.run(done.append, 3, {'colour': 'blue'})
    assert (tmp_path / 'out/colour').read_text() == 'blue by 3'
    assert (tmp_path / 'out/episode_000001.box').read_bytes() == (native / 'episode_000001.h5').read_bytes()
    assert done == ['episode_000000', 'episode_000001'] * 2
    assert (tmp_path / '.out.hdf5').is_dir()
    clean_up(steps)
    assert not (tmp_path / '.out.hdf5').exists()


def test_an_option_that_means_nothing_is_refused(native: Path, tmp_path: Path) -> None:
    steps = plan(native, tmp_path / 'out', 'boxes')
    check_options(steps, {'colour': 'blue'})
    with pytest.raises(DatasetError, match='--camera-params means nothing when converting hdf5 to boxes'):
        check_options(steps, {'colour': 'blue', 'camera_params': 'x'})


def _convert(*arguments: str | Path) -> dict[str, Any]:
    app = typer.Typer()
    app.command()(convert)
    result = CliRunner().invoke(app, [*map(str, arguments), '--json', 'figures.json'], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return {**json.loads(Path('figures.json').read_text()), 'output': result.output}


def test_the_command_converts_and_says_how_fast(
    crates: Path, native: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    figures = _convert(crates, 'dataset', '--to', 'lerobot', '--images', 'png')
    for each, text in zip(figures['conversions'], ('crates to hdf5', 'hdf5 to lerobot'), strict=True):
        assert (each['conversion'], each['episodes'], each['steps']) == (text, 2, 22)
        assert each['recorded_seconds'] == pytest.approx(2.0)
        assert each['times_real_time'] == pytest.approx(2.0 / each['seconds'])
    assert not list(tmp_path.glob('.dataset*'))
    figures = _convert('dataset', 'again', '--to', 'hdf5')
    np.testing.assert_array_equal(
        read_episode('again/episode_000001.h5').q_rad, read_episode(native / 'episode_000001.h5').q_rad
    )
    (tmp_path / 'again/episode_000000.h5').unlink()
    figures = _convert('dataset', 'again', '--to', 'hdf5')
    assert figures['conversions'][0]['times_real_time'] is None and 'resumed' in figures['output']


def test_only_lerobot_datasets_are_pushed(native: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match='--to lerobot'):
        convert(native, tmp_path / 'out', to='boxes', push_to_hub='lab/picks')
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(('to', 'pattern'), [('lerobot', 'meta/info.json'), ('rlds', '*/*.tfrecord-*')])
def test_an_export_proves_its_integrity(native: Path, tmp_path: Path, to: str, pattern: str) -> None:
    (step,) = plan(native, tmp_path / 'out', to)
    step.run(lambda name: None, 1, {'images': 'png'})
    assert verify(tmp_path / 'out') == []
    victim = next((tmp_path / 'out').glob(pattern))
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.write_bytes(data)
    (found,) = verify(tmp_path / 'out')
    assert (found.code, found.where) == ('export-changed', victim.relative_to(tmp_path / 'out').as_posix())


def test_the_format_of_the_manual_is_found_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).resolve().parents[2] / 'docs' / 'own_format.md').read_text()
    package, demos = tmp_path / 'package', tmp_path / 'demos'
    (package / 'my_format-1.0.dist-info').mkdir(parents=True)
    (package / 'my_format-1.0.dist-info' / 'METADATA').write_text('Metadata-Version: 2.1\nName: my_format\nVersion: 1.0\n')
    (package / 'my_format-1.0.dist-info' / 'entry_points.txt').write_text('[genima.formats]\nnpz = my_format:FORMAT\n')
    (package / 'my_format.py').write_text(page.split('```python\n')[1].split('```')[0])
    monkeypatch.syspath_prepend(package)
    demos.mkdir()
    time_s, q_rad = np.arange(12) / 10, np.linspace(0.1, 0.2, 12)[:, None] - [0, 0, 0, 1.5, 0, -1.5, 0]
    images = np.random.default_rng(0).integers(0, 255, (12, 480, 640, 3), dtype=np.uint8)
    np.savez(demos / 'one.npz', time_s=time_s, q_rad=q_rad, gripper_open=np.ones(12), front=images)
    assert detect(demos) == 'npz'
    (step,) = plan(demos, tmp_path / 'out', 'hdf5')
    assert step.count() == 1 and step.options == {'robot', 'rate_hz'}
    step.run(print, 1, {'robot': 'fr3', 'images': 'png'})
    assert read_episode(tmp_path / 'out' / 'episode_000000.h5').metadata['robot'] == 'fr3'
    assert not [each for each in verify(tmp_path / 'out') if each.severity == 'error']
