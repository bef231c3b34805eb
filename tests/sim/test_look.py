# SPDX-License-Identifier: Apache-2.0
"""Looks of a simulation: what they change, what they leave, and what they note."""

from pathlib import Path

import numpy as np
import pytest

from genima.episodes.diversity import conditions, level
from genima.episodes.store import read_episode
from genima.errors import GenimaError
from genima.randomize.masks import read_masks
from genima.robots.profile import RobotProfile
from genima.sim.collect import CollectConfig, collect, record
from genima.sim.look import LEVELS, Dresser, Look, dressed
from genima.sim.masks import Masks
from genima.sim.simulation import Simulation


@pytest.fixture(scope='module')
def simulation(panda: RobotProfile) -> Simulation:
    return Simulation(panda)


def test_masks_show_table_floor_and_cube(simulation: Simulation) -> None:
    simulation.reset(0)
    masks = Masks(simulation.model, *simulation.world.size_px).render(simulation.data, 'front')
    front = simulation.cameras['front']
    T = np.linalg.inv(front.T_base_camera(simulation.profile, simulation.q_rad))
    uv, _ = front.model.project(T[:3, :3] @ simulation.state()['cube'][:3, 3] + T[:3, 3])
    u, v = np.rint(uv).astype(int)
    assert masks['cube'][v, u] and 10 < masks['cube'].sum() < 300
    assert masks['table'].sum() > 2000 and masks['floor'].sum() > 1000
    assert sum(mask.astype(int) for mask in masks.values()).max() == 1
    red = simulation.render()['front'][masks['cube']].mean(axis=0)
    assert red[0] > 3 * red[1]


def test_without_a_look_nothing_changes(simulation: Simulation) -> None:
    simulation.reset(1)
    plain, look = simulation.render(), Look.draw('none', np.random.default_rng(0))
    assert look.metadata() == {}
    for name, image in Dresser(simulation, look).render().items():
        np.testing.assert_array_equal(image, plain[name])


@pytest.mark.parametrize('name', [name for name in LEVELS if name != 'none'])
def test_a_look_is_noted_at_its_level_and_undone(simulation: Simulation, name: str) -> None:
    simulation.reset(2)
    plain, look = simulation.render(), Look.draw(name, np.random.default_rng(5))
    with dressed(simulation, look) as dresser:
        images = dresser.render()
    assert level(conditions(look.metadata())) == name
    assert all((images[camera] != plain[camera]).mean() > 0.2 for camera in plain)
    for camera, image in simulation.render().items():
        np.testing.assert_array_equal(image, plain[camera])


def test_textures_lie_on_the_table_for_every_camera(simulation: Simulation) -> None:
    """A texture of one colour per half of the table has its border where the middle of the table is projected."""
    simulation.reset(3)
    halves = np.zeros((64, 64, 3), dtype=np.uint8)
    halves[:, :32, 0], halves[:, 32:, 2] = 200, 200
    look = Look(('table texture',), textures={'table': ('halves', halves)})
    with dressed(simulation, look) as dresser:
        images = dresser.render()
    for name in ('front', 'left_shoulder', 'right_shoulder'):
        camera = simulation.cameras[name]
        T = np.linalg.inv(camera.T_base_camera(simulation.profile, simulation.q_rad))
        xy = np.array([[x, y, 0.0] for x in (0.30, 0.36, 0.44, 0.50) for y in (-0.3, 0.3)])
        uv, _ = camera.model.project(xy @ T[:3, :3].T + T[:3, 3])
        for (x, _, _), (u, v) in zip(xy, np.rint(uv).astype(int), strict=True):
            if 0 <= u < 128 and 0 <= v < 128:
                red, _, blue = images[name][v, u].astype(int)
                assert (blue > red) == (x < 0.4), f'{name} at {x}'


def test_an_episode_notes_its_look_and_moves_as_ever(simulation: Simulation) -> None:
    plain = record(simulation, 4, CollectConfig(steps=8))
    varied = record(simulation, 4, CollectConfig(steps=8, diversity='medium'))
    np.testing.assert_array_equal(plain.q_rad, varied.q_rad)
    np.testing.assert_array_equal(plain.plan_q_rad, varied.plan_q_rad)
    assert 'diversity' not in plain.metadata and level(conditions(varied.metadata)) == 'medium'
    assert (plain.views['front'] != varied.views['front']).mean() > 0.2


def test_unknown_levels_and_empty_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GenimaError, match='none, low, medium, high'):
        Look.draw('wild', np.random.default_rng(0))
    with pytest.raises(GenimaError, match='no pictures'):
        Look.draw('high', np.random.default_rng(0), tmp_path)


def test_masks_are_written_beside_the_demonstrations(tmp_path: Path) -> None:
    """The object's masks show the red cube, object and background never the same pixel."""
    config = CollectConfig(steps=6, masks=str(tmp_path / 'masks'))
    assert len(list(collect(tmp_path / 'data', range(1), workers=1, config=config))) == 1
    episode = read_episode(tmp_path / 'data' / 'episode_000000.h5')
    shapes = {name: images.shape[:3] for name, images in episode.views.items()}
    cube, background = (read_masks(tmp_path / 'masks' / part, 'episode_000000', shapes) for part in ('object', 'background'))
    assert cube['front'].any() and background['front'].mean() > 0.5 and not (cube['front'] & background['front']).any()
    red, green, _ = episode.views['front'][cube['front']].mean(axis=0)
    assert red > 3 * green
