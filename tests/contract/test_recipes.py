# SPDX-License-Identifier: Apache-2.0
"""Every recipe makes a contract for every robot, and says of its training what the trainers understand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from genima.contract.recipe import recipe_values
from genima.contract.spec import PolicySpec
from genima.errors import ContractError
from genima.files import config_dir
from genima.robots.profile import RobotProfile
from genima.train.controller import ControllerTraining
from genima.train.joint import JointTuning
from genima.train.painter import SmallPainter
from genima.train.recipe import FineTuning, settings_of, training_values

RECIPES = sorted(path.stem for path in (config_dir() / 'policies').glob('*.yaml'))


@pytest.mark.parametrize('name', RECIPES)
@pytest.mark.parametrize('robot', ['panda', 'ur5e'])
def test_a_recipe_is_a_contract_and_a_training(name: str, robot: str, tmp_path: Path) -> None:
    spec = PolicySpec.from_recipe(name, RobotProfile.load(robot))
    spec.save(tmp_path)
    assert PolicySpec.load(tmp_path) == spec and 'training' not in spec.to_dict()
    values = training_values(name, tmp_path)
    assert set(values) <= {'painter', 'controller', 'joint'}
    painter = FineTuning if spec.base_model.name != 'small' else SmallPainter
    for key, kind in (('painter', painter), ('controller', ControllerTraining), ('joint', JointTuning)):
        settings_of(kind, values.get(key, {}), f'training.{key}')


def test_the_paper_and_the_page_are_what_they_say(panda: RobotProfile) -> None:
    paper, page = (PolicySpec.from_recipe(name, panda) for name in ('paper', 'page'))
    assert (paper.horizon_steps, paper.chunk_steps, paper.view_size_px, len(paper.spheres)) == (20, 20, 256, 4)
    assert paper.prompt('open the drawer') == "tiled perspectives of a robot arm executing 'open the drawer'"
    (sphere,) = page.spheres
    assert sphere.radius_px is not None and 5 <= sphere.radius_px <= 10 and page.background == 'black'
    assert sphere.color(1.0) == (0, 255, 0) and sphere.color(0.0) == (255, 0, 0)
    assert (page.horizon_steps, page.chunk_steps, page.tiling) == (1, 10, 'per_view')


def test_what_came_later_is_not_in_contracts_that_do_not_use_it(small_spec: PolicySpec) -> None:
    """Contracts of version 1 keep their hashes."""
    values = small_spec.to_dict()
    assert values['base_model'] == 'small' and 'background' not in values
    assert not any('radius_px' in sphere for sphere in values['spheres'])


@pytest.mark.parametrize(
    'spheres, words', [({'keep': ['nose']}, 'spheres.keep'), ({'size': 3}, 'radius_px'), ('all', 'allowed: a list')]
)
def test_spheres_that_a_robot_does_not_have_are_refused(
    spheres: object, words: str, panda: RobotProfile, tmp_path: Path
) -> None:
    import yaml

    values = {**recipe_values('page')[0], 'spheres': spheres}
    (tmp_path / 'mine.yaml').write_text(yaml.safe_dump(values))
    with pytest.raises(ContractError, match=words):
        PolicySpec.from_recipe(tmp_path / 'mine.yaml', panda)


def test_a_sphere_of_pixels_has_that_size_near_and_far_and_black_is_black(panda: RobotProfile) -> None:
    from genima.cameras.model import CameraModel, MountedCamera
    from genima.contract.targets import paint_targets, target_visibility

    K, areas = np.array([[220.0, 0, 127.5], [0, 220.0, 127.5], [0, 0, 1]]), []
    spec = replace(PolicySpec.from_recipe('page', panda), cameras=('front',))
    for away_m in (1.2, 2.4):
        T = np.eye(4)
        T[:3, :3], T[:3, 3] = np.array([[0, 0, -1], [1, 0, 0], [0, -1, 0]]), (away_m, 0.0, 0.5)
        cameras = {'front': MountedCamera(CameraModel('front', 256, 256, K, np.zeros(0), 'pinhole'), 'panda_link0', T)}
        views = np.full((1, 256, 256, 3), 99, dtype=np.uint8)
        target = paint_targets(spec, panda, cameras, views, panda.home_rad, panda.home_rad, 1.0)
        (names, seen), areas_now = target_visibility(spec, panda, cameras, panda.home_rad, panda.home_rad)[0], target.any(-1)
        assert names == ['gripper'] and tuple(target.max((0, 1, 2))) == (0, 255, 0)
        areas.append(int(areas_now.sum()))
        assert abs(int(seen.pixels[0]) - np.pi * 7**2) < 30
    assert abs(areas[0] - areas[1]) < 25 and areas[0] < 220
