# SPDX-License-Identifier: Apache-2.0
"""Demonstrations of RLBench become native episodes."""

import os
import pickle
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from genima.convert.rlbench.cameras import T_WORLD_BASE
from genima.convert.rlbench.conversion import count, load
from genima.convert.rlbench.safe_pickle import Record, read_pickle
from genima.episodes.episode import Episode
from genima.episodes.store import list_episodes, read_episode
from genima.errors import DatasetError
from genima.robots.kinematics import link_poses
from genima.robots.profile import RobotProfile

PANDA = RobotProfile.load('panda')
STEPS, WIDTH, HEIGHT, FOCAL_PX = 6, 16, 12, 14.0
Q_RAD = np.array([0.1, -0.3, 0.2, -2.1, 0.1, 2.0, 0.8]) + np.linspace(0, 0.4, STEPS)[:, None] * [1, 1, -1, 1, 1, -1, 1]
# another pose of the base than RLBench's, as if the scene had been changed
T_BASE = np.array([[0, -1, 0, 0.4], [1, 0, 0, -0.1], [0, 0, 1, 0.7], [0, 0, 0, 1]], dtype=float)
T_HAND_WRIST = np.array([[0, -1, 0, 0.05], [1, 0, 0, 0.0], [0, 0, 1, 0.02], [0, 0, 0, 1]], dtype=float)
T_BASE_FRONT = np.array([[0, 0, -1, 1.3], [1, 0, 0, 0.1], [0, -1, 0, 0.4], [0, 0, 0, 1]], dtype=float)
TURN = np.diag([-1.0, -1.0, 1.0, 1.0])


def silent(name: str) -> None:
    """Take the name of a finished episode."""


@pytest.fixture
def classes() -> Iterator[types.SimpleNamespace]:
    """RLBench's two classes, importable for as long as pickles are made."""
    made = {}
    for module, name in (('rlbench.demo', 'Demo'), ('rlbench.backend.observation', 'Observation')):
        made[name] = type(name, (), {'__module__': module})
        sys.modules[module] = types.ModuleType(module)
        setattr(sys.modules[module], name, made[name])
    packages = ('rlbench', 'rlbench.backend')
    sys.modules.update({name: types.ModuleType(name) for name in packages})
    yield types.SimpleNamespace(**made)
    for name in (*packages, 'rlbench.demo', 'rlbench.backend.observation'):
        del sys.modules[name]


@pytest.fixture(params=['numpy.core', 'numpy._core'])
def numpy_name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Pickles name NumPy's inner modules as version 1 or as version 2 does, whichever is installed."""
    original = pickle.whichmodule

    def whichmodule(obj: object, name: str) -> str:
        module = original(obj, name)
        for core in ('numpy.core', 'numpy._core'):
            if module.startswith(f'{core}.'):
                return module.replace(core, request.param)
        return module

    monkeypatch.setattr(pickle, 'whichmodule', whichmodule)
    return str(request.param)


def dumped(value: object, protocol: int = 4) -> bytes:
    """Pickle with the implementation in Python, which the fixture above reaches."""
    return pickle._dumps(value, protocol)  # type: ignore[attr-defined]


def observation(classes: types.SimpleNamespace, step: int) -> object:
    """Return an observation as RLBench makes it: cameras in PyRep's convention, poses in the world."""
    poses = link_poses(PANDA, Q_RAD[step])
    world = {name: T_BASE @ T for name, T in poses.items()}
    K = np.array([[-FOCAL_PX, 0, WIDTH / 2], [0, -FOCAL_PX, HEIGHT / 2], [0, 0, 1]])
    cameras = {'front': T_BASE @ T_BASE_FRONT, 'wrist': world['panda_hand'] @ T_HAND_WRIST}
    joints = [world[f'panda_link{number}'] for number in range(1, 8)]
    made = classes.Observation()
    made.__dict__.update(
        front_rgb=None,
        joint_positions=Q_RAD[step].copy(),
        gripper_open=float(step < 3),
        gripper_joint_positions=np.full(2, 0.04 - 0.005 * step),
        gripper_matrix=np.asfortranarray(world['panda_hand_tcp']),
        misc={
            **{f'{name}_camera_extrinsics': T @ np.linalg.inv(TURN) for name, T in cameras.items()},
            **{f'{name}_camera_intrinsics': K for name in cameras},
            'front_camera_near': np.float64(0.01),
            'variation_index': 0,
            'joint_poses': [np.concatenate([T[:3, 3], [0, 0, 0, 1]]) for T in joints],
            **({'joint_position_action': np.append(Q_RAD[step] + 0.01, step < 4)} if step else {}),
        },
    )
    return made


@pytest.fixture
def demo(classes: types.SimpleNamespace) -> object:
    made = classes.Demo()
    made._observations = [observation(classes, step) for step in range(STEPS)]
    made.random_seed = np.random.RandomState(3).get_state()
    made.num_reset_attempts = 1
    return made


def picture(camera: str, step: int) -> np.ndarray:
    return np.random.default_rng([len(camera), step]).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def save(demo: object, folder: Path, protocol: int = 4) -> None:
    """Write a demonstration as RLBench's `save_demo` does, with a mask that nobody reads."""
    for camera in ('front', 'wrist'):
        (folder / f'{camera}_rgb').mkdir(parents=True)
        (folder / f'{camera}_mask').mkdir()
        for step in range(STEPS):
            cv2.imwrite(str(folder / f'{camera}_rgb/{step}.png'), picture(camera, step)[..., ::-1])
    (folder / 'low_dim_obs.pkl').write_bytes(dumped(demo, protocol))
    descriptions = folder.parent.parent / 'variation_descriptions.pkl'
    descriptions.write_bytes(dumped(['reach the red target', 'touch the red ball'], protocol))


def converted(demo: object, tmp_path: Path) -> Episode:
    save(demo, tmp_path / 'rlbench/reach_target/variation0/episodes/episode12')
    load(tmp_path / 'rlbench', tmp_path / 'native', silent)
    (path,) = list_episodes(tmp_path / 'native')
    return read_episode(path)


def test_a_demonstration_becomes_an_episode(demo: object, numpy_name: str, tmp_path: Path) -> None:
    save(demo, tmp_path / 'rlbench/reach_target/variation0/episodes/episode12')
    done: list[str] = []
    load(tmp_path / 'rlbench', tmp_path / 'native', done.append)
    assert done == ['episode_reach_target_variation0000_episode0012.h5']
    got = read_episode(tmp_path / 'native' / done[0])
    np.testing.assert_array_equal(got.q_rad, Q_RAD.astype(np.float32))
    commanded = np.vstack([Q_RAD[1:], Q_RAD[-1:]]) + 0.01
    np.testing.assert_array_equal(got.q_command_rad, commanded.astype(np.float32))
    assert got.gripper_command_open.tolist() == [1, 1, 1, 0, 0, 0]
    np.testing.assert_allclose(got.gripper_open, 1 - 0.125 * np.arange(STEPS), atol=1e-6)
    np.testing.assert_allclose(got.timestamps_s, 0.05 * np.arange(STEPS))
    for camera in ('front', 'wrist'):
        np.testing.assert_array_equal(got.views[camera], [picture(camera, step) for step in range(STEPS)])
    assert got.metadata['task'] == 'reach_target' and got.metadata['instruction'] == 'reach the red target'
    assert got.metadata['robot'] == 'panda' and got.metadata['rate_hz'] == 20 and got.metadata['success'] is True
    assert got.metadata['source'] == 'simulation, RLBench variation0 episode12'


def test_cameras_are_where_pyrep_has_them(demo: object, tmp_path: Path) -> None:
    got = converted(demo, tmp_path)
    np.testing.assert_allclose(got.cameras['front'].T_parent_camera, T_BASE_FRONT, atol=1e-9)
    np.testing.assert_allclose(got.cameras['wrist'].T_parent_camera, T_HAND_WRIST, atol=1e-9)
    assert got.cameras['front'].parent_link == 'panda_link0' and got.cameras['wrist'].parent_link == 'panda_hand'
    point_base = np.array([0.5, 0.05, 0.3])
    for camera in ('front', 'wrist'):
        misc = demo._observations[4].misc  # type: ignore[attr-defined]
        # PyRep's projection, pointcloud_from_depth_and_camera_params the other way round
        in_camera = np.linalg.inv(misc[f'{camera}_camera_extrinsics']) @ T_BASE @ [*point_base, 1]
        u, v, w = misc[f'{camera}_camera_intrinsics'] @ in_camera[:3]
        ours = np.linalg.inv(got.cameras[camera].T_base_camera(PANDA, Q_RAD[4])) @ [*point_base, 1]
        pixel, depth_m = got.cameras[camera].model.project(ours[:3])
        assert depth_m > 0
        np.testing.assert_allclose(pixel, [u / w - 0.5, v / w - 0.5], atol=1e-6)


def test_without_joint_poses_the_base_is_where_rlbench_puts_it(demo: object, tmp_path: Path) -> None:
    for each in demo._observations:  # type: ignore[attr-defined]
        del each.misc['joint_poses']
        each.misc['front_camera_extrinsics'] = T_WORLD_BASE @ T_BASE_FRONT @ TURN
        for key in ('wrist_camera_extrinsics', 'wrist_camera_intrinsics'):
            del each.misc[key]
    got = converted(demo, tmp_path)
    np.testing.assert_allclose(got.cameras['front'].T_parent_camera, T_BASE_FRONT, atol=1e-9)
    assert sorted(got.views) == ['front', 'wrist'] and list(got.cameras) == ['front']


def test_older_demonstrations_have_the_joints_one_step_later_as_commands(demo: object, tmp_path: Path) -> None:
    for each in demo._observations:  # type: ignore[attr-defined]
        each.misc.pop('joint_position_action', None)
        each.gripper_joint_positions = None
    got = converted(demo, tmp_path)
    np.testing.assert_array_equal(got.q_command_rad, np.vstack([Q_RAD[1:], Q_RAD[-1:]]).astype(np.float32))
    assert got.gripper_open.tolist() == [1, 1, 1, 0, 0, 0] and got.gripper_command_open.tolist() == [1, 1, 0, 0, 0, 0]
    assert got.metadata['commands'] == 'joints observed one step later'


def break_joint(demo: object) -> None:
    demo._observations[2].joint_positions = np.zeros(6)  # type: ignore[attr-defined]


def move_camera(demo: object) -> None:
    demo._observations[2].misc['front_camera_extrinsics'][0, 3] += 0.3  # type: ignore[attr-defined]


def other_robot(demo: object) -> None:
    demo._observations[2].misc['joint_poses'][5] = np.zeros(7)  # type: ignore[attr-defined]


def resize(demo: object) -> None:
    for each in demo._observations:  # type: ignore[attr-defined]
        each.misc['front_camera_intrinsics'] = np.diag([-9.0, -9.0, 1.0])


def empty(demo: object) -> None:
    demo._observations = []  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ('change', 'expected'),
    [
        (break_joint, r'joint_positions is missing or not of shape \(7,\)'),
        (move_camera, 'camera front moves by 250 mm'),
        (other_robot, 'was it recorded with another robot'),
        (resize, 'were the pictures resized'),
        (empty, 'holds no observations'),
    ],
)
def test_a_demonstration_that_does_not_fit_is_refused(change, expected: str, demo: object, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    change(demo)
    with pytest.raises(DatasetError, match=expected) as error:
        converted(demo, tmp_path)
    assert 'episode12' in str(error.value)
    assert not (tmp_path / 'native').exists() or not list((tmp_path / 'native').glob('*.h5'))


@pytest.mark.parametrize('content', [None, b'no picture', b''], ids=['missing', 'damaged', 'empty'])
def test_a_picture_that_cannot_be_read_is_named(content: bytes | None, demo: object, tmp_path: Path) -> None:
    folder = tmp_path / 'rlbench/reach_target/variation0/episodes/episode0'
    save(demo, folder)
    (folder / 'wrist_rgb/3.png').unlink()
    if content is not None:
        (folder / 'wrist_rgb/3.png').write_bytes(content)
    with pytest.raises(DatasetError, match=r'wrist_rgb/3\.png is'):
        load(tmp_path / 'rlbench', tmp_path / 'native', silent)


def test_what_is_there_is_kept_and_more_can_be_added(demo: object, tmp_path: Path) -> None:
    episodes = tmp_path / 'rlbench/reach_target/variation1/episodes'
    save(demo, episodes / 'episode10')
    load(tmp_path / 'rlbench', tmp_path / 'native', silent)
    (first,) = list_episodes(tmp_path / 'native')
    written = first.stat().st_mtime_ns
    save(demo, episodes / 'episode9')
    done: list[str] = []
    load(tmp_path / 'rlbench', tmp_path / 'native', done.append, rate_hz=10)
    assert count(tmp_path / 'rlbench') == len(done) == 2
    assert first.stat().st_mtime_ns == written
    assert [path.name[-14:] for path in list_episodes(tmp_path / 'native')] == ['episode0009.h5', 'episode0010.h5']
    assert read_episode(list_episodes(tmp_path / 'native')[0]).timestamps_s[1] == pytest.approx(0.1)


def test_a_folder_without_demonstrations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r'no low_dim_obs\.pkl'):
        load(tmp_path, tmp_path / 'native', silent)


@pytest.mark.filterwarnings('ignore::DeprecationWarning')
@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol_is_read(protocol: int, demo: object, numpy_name: str) -> None:
    data = dumped(demo, protocol)
    assert protocol == 5 or f'{numpy_name}.multiarray'.encode() in data
    got = read_pickle(data)
    assert isinstance(got, Record) and got.kind == 'Demo' and set(got.fields) == set(vars(demo))
    for ours, theirs in zip(got.fields['_observations'], demo._observations, strict=True):  # type: ignore[attr-defined]
        assert ours.kind == 'Observation'
        np.testing.assert_equal(ours.fields, vars(theirs))
    np.testing.assert_equal(got.fields['random_seed'], demo.random_seed)  # type: ignore[attr-defined]


class Attack:
    """Unpickled, it calls a function."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple:
        return self.call


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    ('function', 'name'),
    [(os.system, f'{os.system.__module__}.system'), (eval, 'builtins.eval'), (subprocess.Popen, 'subprocess.Popen'),
     (getattr, 'builtins.getattr'), (np.fromfile, 'fromfile'), (np.load, 'numpy.load')],
    ids=lambda value: value if isinstance(value, str) else '',
)  # fmt: skip
def test_an_attack_is_refused_and_nothing_runs(
    function: object, name: str, protocol: int, demo: object, tmp_path: Path
) -> None:
    victim = tmp_path / 'victim'
    command = {'system': f'touch {victim}', 'eval': f'open({str(victim)!r}, "w")', 'Popen': ['touch', str(victim)]}
    argument = command.get(name.split('.')[-1], str(victim))
    demo._observations[1].misc['more'] = Attack(function, argument)  # type: ignore[attr-defined]
    data = pickle.dumps(demo, protocol)
    with pytest.raises(DatasetError, match='It was refused') as error:
        read_pickle(data)
    assert f'.{name.split(".")[-1]}, which is neither' in str(error.value)  # older protocols have older names of modules
    assert not victim.exists()
    if name == f'{os.system.__module__}.system':  # the attack is a real one
        pickle.loads(pickle.dumps(Attack(function, argument), protocol))
        assert victim.exists()
