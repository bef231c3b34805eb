# SPDX-License-Identifier: Apache-2.0
"""Target views as files: the pixels of the loader, for any sphere set and horizon, whole episodes or none."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_episodes import made, write
from typer.testing import CliRunner

from genima.cameras.views import prepare
from genima.contract.spec import PolicySpec
from genima.contract.targets import paint_targets
from genima.errors import ContractError, DatasetError
from genima.robots.profile import RobotProfile
from genima.train.render import RenderOptions, render_targets, with_overrides
from genima.train.stored_views import rectified


@pytest.fixture
def data(tmp_path: Path, panda: RobotProfile) -> Path:
    return write(tmp_path / 'data', made(panda, 0, distorted=True), made(panda, 1))


def picture(path: Path) -> np.ndarray:
    image = cv2.imread(str(path))
    assert image is not None, path
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def expected(panda: RobotProfile, seed: int, spec: PolicySpec, step: int, horizon: int) -> np.ndarray:
    episode = made(panda, seed, distorted=seed == 0)
    views = np.stack([prepare(episode.views[name][step], episode.cameras[name].model, 128)[0] for name in spec.cameras])
    q, opening = episode.plan_q_rad[step, horizon - 1], episode.plan_gripper_open[step, horizon - 1]
    return paint_targets(spec, panda, rectified(episode.cameras), views, episode.q_rad[step], q, opening)


@pytest.mark.parametrize('workers', [1, 2])
def test_files_hold_the_targets(
    data: Path, small_spec: PolicySpec, panda: RobotProfile, tmp_path: Path, workers: int
) -> None:
    out = tmp_path / 'out'
    done = dict(render_targets(data, out, with_overrides(small_spec, horizon_steps=7), workers=workers))
    assert done == {'episode_000000': 20, 'episode_000001': 20}
    for seed, step in ((0, 0), (0, 3), (1, 4)):
        targets = expected(panda, seed, small_spec, step, 7)
        for column, name in enumerate(small_spec.cameras):
            got = picture(out / f'episode_{seed:06d}' / name / f'{step:06d}.png')
            np.testing.assert_array_equal(got, targets[column])
    assert json.loads((out / 'render.json').read_text())['horizon_steps'] == 7
    assert not list(out.glob('.*'))


def test_goes_on_where_it_was_and_never_mixes(data: Path, small_spec: PolicySpec, tmp_path: Path) -> None:
    out = tmp_path / 'out'
    first = next(render_targets(data, out, small_spec))
    assert first[0] == 'episode_000000' and not (out / 'episode_000001').exists()
    assert [name for name, _ in render_targets(data, out, small_spec)] == ['episode_000001']
    assert list(render_targets(data, out, small_spec)) == []
    with pytest.raises(DatasetError, match='horizon_steps 10, not 5'):
        list(render_targets(data, out, with_overrides(small_spec, horizon_steps=5)))
    with pytest.raises(DatasetError, match='background views, not procedural'):
        list(render_targets(data, out, small_spec, RenderOptions('procedural')))


def test_fewer_spheres_are_drawn(data: Path, small_spec: PolicySpec, panda: RobotProfile, tmp_path: Path) -> None:
    name = small_spec.spheres[0].name
    alone = with_overrides(small_spec, spheres=[name])
    assert [sphere.name for sphere in alone.spheres] == [name]
    list(render_targets(data, tmp_path / 'out', alone))
    got = picture(tmp_path / 'out' / 'episode_000001' / 'front' / '000002.png')
    np.testing.assert_array_equal(got, expected(panda, 1, alone, 2, 10)[0])
    assert (got != expected(panda, 1, small_spec, 2, 10)[0]).any()
    with pytest.raises(ContractError, match='moon'):
        with_overrides(small_spec, spheres=['moon'])


def test_horizons_beyond_the_plan_need_what_was_commanded(
    data: Path, small_spec: PolicySpec, panda: RobotProfile, tmp_path: Path
) -> None:
    far = with_overrides(small_spec, horizon_steps=30)
    with pytest.raises(DatasetError, match=r'16 steps, the horizon is 30.*--commanded'):
        list(render_targets(data, tmp_path / 'out', far))
    list(render_targets(data, tmp_path / 'commanded', far, RenderOptions(commanded=True)))
    episode = made(panda, 1)
    now = prepare(episode.views['front'][0], episode.cameras['front'].model, 128)[0]
    views = np.repeat(now[None], 4, axis=0)
    last = episode.q_command_rad[-1], episode.gripper_command_open[-1]
    front = paint_targets(small_spec, panda, rectified(episode.cameras), views, episode.q_rad[0], *last)[0]
    np.testing.assert_array_equal(picture(tmp_path / 'commanded' / 'episode_000001' / 'front' / '000000.png'), front)


def test_backgrounds_are_random_and_the_same_for_a_seed(data: Path, small_spec: PolicySpec, tmp_path: Path) -> None:
    one_sphere = with_overrides(small_spec, view_size_px=48)
    pictures = {}
    for name, seed in (('a', 1), ('b', 1), ('c', 2)):
        list(render_targets(data, tmp_path / name, one_sphere, RenderOptions('procedural', seed)))
        pictures[name] = picture(tmp_path / name / 'episode_000000' / 'front' / '000001.png')
    np.testing.assert_array_equal(pictures['a'], pictures['b'])
    assert (pictures['a'] != pictures['c']).any()
    green = np.zeros((60, 60, 3), dtype=np.uint8)
    green[..., 1] = 255
    (tmp_path / 'textures').mkdir()
    assert cv2.imwrite(str(tmp_path / 'textures' / 'green.png'), green)
    list(render_targets(data, tmp_path / 'd', one_sphere, RenderOptions(str(tmp_path / 'textures'))))
    corner = picture(tmp_path / 'd' / 'episode_000000' / 'front' / '000001.png')[0, 0]
    np.testing.assert_array_equal(corner, (0, 255, 0))
    with pytest.raises(DatasetError, match='no pictures'):
        list(render_targets(data, tmp_path / 'e', one_sphere, RenderOptions(str(tmp_path / 'data'))))


def test_an_episode_that_fails_leaves_no_folder(data: Path, small_spec: PolicySpec, tmp_path: Path) -> None:
    other = replace(small_spec, cameras=('front', 'moon'), hidden={})
    with pytest.raises(DatasetError, match='moon'):
        list(render_targets(data, tmp_path / 'out', other))
    assert [path.name for path in (tmp_path / 'out').iterdir()] == ['render.json']


def test_the_command_writes_and_reports(data: Path, tmp_path: Path) -> None:
    import typer

    from genima.cli.render import render

    app, figures = typer.Typer(), tmp_path / 'figures.json'
    app.command()(render)
    options = ['--out', str(tmp_path / 'out'), '--horizon', '3', '--sphere', 'hand', '--json', str(figures)]
    for written in (40, 0):
        result = CliRunner().invoke(app, [str(data), *options])
        assert result.exit_code == 0, result.output
        assert json.loads(figures.read_text())['views'] == written
