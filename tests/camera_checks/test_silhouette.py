# SPDX-License-Identifier: Apache-2.0
"""The predicted silhouette covers what the renderer shows of the arm."""

from genima.sim import headless  # isort: skip  # chooses the OpenGL before mujoco is imported

import mujoco
import numpy as np
import pytest

from genima.bench.camera_work import WorkingArm
from genima.camera_checks.silhouette import Silhouette, parts_seen_from
from genima.robots.profile import RobotProfile
from genima.robots.transforms import transform
from genima.sim.simulation import Simulation


@pytest.mark.parametrize('robot', ['panda', 'ur5e'])
def test_the_arm_is_where_the_renderer_has_it(robot: str) -> None:
    profile = RobotProfile.load(robot)
    simulation = Simulation(profile, width_px=320, height_px=240, render=False)
    headless.require_gl()
    renderer = mujoco.Renderer(simulation.model, 240, 320)
    renderer.enable_segmentation_rendering()
    q_rad = profile.home_rad + np.linspace(-0.3, 0.3, profile.n_joints)
    simulation.show(q_rad, 1.0, {'cube': transform(np.array([0.5, 0.1, 0.03]), np.zeros(3))})
    silhouette, links = Silhouette(profile), frozenset(profile.link_by_name)
    others = [-1, *(simulation.model.geom(name).id for name in ('table', 'floor', 'cube'))]
    try:
        for name in ('front', 'right_shoulder'):
            renderer.update_scene(simulation.data, camera=name)
            shown = ~np.isin(renderer.render()[..., 0], others)
            drawn = silhouette.mask(simulation.cameras[name], q_rad, 1.0, links) > 0
            assert (drawn & shown).sum() / (drawn | shown).sum() > 0.9, name
    finally:
        renderer.close()


def test_links_are_told_apart_by_what_moves_them(arm: WorkingArm) -> None:
    profile = arm.profile
    fixed = parts_seen_from(profile, profile.base_link)
    assert not fixed.carried and fixed.still == {'panda_link0'} and 'panda_link3' in fixed.moving and not fixed.sliding
    hand = parts_seen_from(profile, 'panda_hand')
    assert hand.carried and hand.sliding == {'panda_leftfinger', 'panda_rightfinger'}
    assert {'panda_hand', 'panda_link7'} <= hand.still and 'panda_link5' in hand.moving


def test_a_grown_mask_reaches_further(arm: WorkingArm) -> None:
    sight, silhouette = arm.sights(0.0, ('front',))['front'], Silhouette(arm.profile)
    links = frozenset(arm.profile.link_by_name)
    drawn, larger = (silhouette.mask(sight.camera, sight.q_rad, 1.0, links, grow) > 0 for grow in (0, 4))
    assert drawn.any() and larger[drawn].all() and larger.sum() > drawn.sum()
    assert not silhouette.mask(sight.camera, sight.q_rad, 1.0, frozenset()).any()
