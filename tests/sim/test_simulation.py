# SPDX-License-Identifier: Apache-2.0
import mujoco
import numpy as np
import pytest

from genima.robots.profile import RobotProfile
from genima.robots.reading import profile_names
from genima.sim.simulation import Simulation


@pytest.fixture(scope='module')
def simulation() -> Simulation:
    return Simulation(RobotProfile.load('panda'))


def test_seed_determines_everything(simulation: Simulation) -> None:
    simulation.reset(7)
    first = simulation.q_rad.copy(), simulation.state()['cube'], simulation.render()['front']
    simulation.reset(8)
    assert not np.allclose(simulation.state()['cube'], first[1])
    simulation.reset(7)
    np.testing.assert_array_equal(simulation.q_rad, first[0])
    np.testing.assert_array_equal(simulation.state()['cube'], first[1])
    np.testing.assert_array_equal(simulation.render()['front'], first[2])


def test_arm_follows_its_controller(simulation: Simulation) -> None:
    simulation.reset(0)
    start, _ = simulation.controller.sample(0.0)
    goal = start + 0.2
    zero = np.zeros((2, 7))
    simulation.controller.set_trajectory(0.0, 0.0, np.array([0.0, 1.0]), np.stack([start, goal]), zero)
    simulation.step_to(0.5)
    np.testing.assert_allclose(simulation.q_rad, (start + goal) / 2, atol=0.01)
    simulation.step_to(1.5)
    np.testing.assert_allclose(simulation.q_rad, goal, atol=0.003)


def test_pictures_show_the_moment_that_the_clock_says(simulation: Simulation) -> None:
    simulation.reset(0)
    start, _ = simulation.controller.sample(0.0)
    simulation.controller.set_trajectory(0.0, 0.0, np.array([0.0, 1.0]), np.stack([start, start + 0.5]), np.zeros((2, 7)))
    simulation.step_to(0.5)
    seen = simulation.data.xpos.copy(), simulation.data.cam_xpos.copy()
    mujoco.mj_forward(simulation.model, simulation.data)
    assert np.abs(simulation.data.qvel).max() > 0.3
    np.testing.assert_allclose(seen[0], simulation.data.xpos, atol=1e-9)
    np.testing.assert_allclose(seen[1], simulation.data.cam_xpos, atol=1e-9)


def test_gripper_opens_and_closes_at_its_own_speed(simulation: Simulation) -> None:
    simulation.reset(0)
    simulation.command_gripper(0.0)
    simulation.step_to(0.4)
    assert 0.3 < simulation.gripper_open < 0.7
    simulation.step_to(1.5)
    assert simulation.gripper_open < 0.05


@pytest.mark.parametrize('name', ['front', 'left_shoulder', 'right_shoulder', 'wrist'])
def test_camera_model_says_where_the_cube_is_seen(simulation: Simulation, name: str) -> None:
    """The red pixels' centre against the projected cube, for the calibration that camera_info will carry."""
    camera, errors = simulation.cameras[name], []
    for seed in range(20, 32):
        simulation.reset(seed)
        red = simulation.render()[name].astype(int)
        mask = (red[..., 0] > 90) & (red[..., 0] > 2.2 * red[..., 1])
        T_camera_base = np.linalg.inv(camera.T_base_camera(simulation.profile, simulation.q_rad))
        cube = simulation.state()['cube']
        corners = np.array([[x, y, z, 1] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
        corners[:, :3] *= simulation.task.objects[0].size_m / 2
        uv, depth = camera.model.project((T_camera_base @ cube @ corners.T).T[:, :3])
        inside = (depth > 0).all() and (uv > 2).all() and (uv < 125).all()
        v, u = np.nonzero(mask)
        if not inside or len(u) < 6:
            continue
        seen = np.array([(u.min() + u.max()) / 2, (v.min() + v.max()) / 2])
        errors.append(seen - (uv.min(0) + uv.max(0)) / 2)
    assert len(errors) >= 4
    assert np.abs(np.median(errors, axis=0)).max() < 0.5


@pytest.mark.parametrize('robot', profile_names())
def test_any_profile_can_be_simulated(robot: str) -> None:
    simulation = Simulation(RobotProfile.load(robot), render=False)
    simulation.step_to(0.2)
    np.testing.assert_allclose(simulation.q_rad, simulation.controller.sample(0.2)[0], atol=0.01)


def test_limit_usage_counts_what_was_commanded(simulation: Simulation) -> None:
    simulation.reset(0)
    start, _ = simulation.controller.sample(0.0)
    simulation.controller.set_trajectory(0.0, 0.0, np.array([0.0, 0.1]), np.stack([start, start + 0.1]), None)
    simulation.step_to(0.2)
    usage = simulation.limit_usage()
    velocity = 1.0 / simulation.profile.limits.velocity_rad_s.min()
    assert usage['velocity'] == pytest.approx(velocity, rel=0.01)
    assert usage['jerk'] > 1, 'a step in velocity is far outside the limits'
