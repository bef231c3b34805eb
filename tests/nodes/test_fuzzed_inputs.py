# SPDX-License-Identifier: Apache-2.0
"""Every subscription of every node takes what its type can hold: it is refused and counted, or used; nothing ends."""

from array import array
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
import rclpy
from genima_bringup.faults.garbage import garbage
from genima_ros.conversions.frames import MOST_FRAMES, FrameTree, transform_messages
from genima_ros.core.caps import MOST_NAMES, MOST_PARTS, MOST_TEXT, keep, oversized
from genima_ros.core.diagnostics import health
from genima_ros.core.sturdy import SturdyNode
from genima_ros.inputs.joint_states import JointStates
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import String
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectoryPoint

from genima.errors import GenimaError
from genima.robots.profile import RobotProfile
from genima_msgs.msg import ActionChunk, NodeStats, TargetImage

SOURCE = Path(__file__).resolve().parents[2] / 'src' / 'genima_ros' / 'genima_ros'
NODES = sorted(path.stem for path in SOURCE.glob('*_node.py'))
PANDA = RobotProfile.load('panda')
MESSAGES = 24
STAND_INS = ('retrace_node', 'teleop_node')  # a part of them is a stand-in here that its timer cannot use


def invented(kind: Any, rng: np.random.Generator) -> Any:
    """Return a message in which every field holds something."""
    message = kind()
    for name, declared in kind.get_fields_and_field_types().items():
        value = getattr(message, name)
        if hasattr(value, 'get_fields_and_field_types'):
            setattr(message, name, invented(type(value), rng))
        elif isinstance(value, str):
            setattr(message, name, str(rng.choice(['panda_joint1', 'front', 'act_node', 'rgb8'])))
        elif isinstance(value, bool):
            setattr(message, name, bool(rng.integers(2)))
        elif isinstance(value, float):
            setattr(message, name, float(rng.normal()))
        elif isinstance(value, int):
            setattr(message, name, int(rng.integers(100)))
        elif isinstance(value, list) and 'string' in declared:
            setattr(message, name, [str(rng.choice([*PANDA.arm_joints, 'front'])) for _ in range(rng.integers(4))])
        elif isinstance(value, array) and '[' not in declared:
            setattr(message, name, array(value.typecode, [int(rng.integers(100)) for _ in range(rng.integers(4))]))
    return message


def parameters(name: str, policy: Path, tmp_path: Path) -> dict[str, Any]:
    """Return what a node needs."""
    controller = 'panda_arm_controller'
    files = {'robot': 'panda', 'controller': controller, 'cameras': ['front']}
    return {
        'calibration_node': {'folder': str(_calibrations(tmp_path))},
        'console_node': {'policy': str(policy), 'port': 0},
        'doctor_node': {'policy': str(policy), 'controller': controller},
        'failure_node': {**files, 'out': str(tmp_path / 'failures')},
        'recorder_node': {**files, 'out': str(tmp_path / 'recordings')},
        'guard_node': {'policy': str(policy), 'controller': controller, 'simulated': True, 'check_targets': True},
        'fci_node': {'robot_ip': '127.0.0.1', 'hand': False},
        'gripper_node': {'robot': 'panda'},
        'mirror_node': {'robot': 'panda'},
        'operator_node': {'robot': 'panda'},
        'replay_node': {'bag': 'none'},
        'retrace_node': {'robot': 'panda'},
        'sim_node': {'robot': 'panda', 'width_px': 16, 'height_px': 16},
        'teleop_node': {'robot': 'panda'},
    }.get(name, {'policy': str(policy)})


def _calibrations(tmp_path: Path) -> Path:
    from genima.calibration.file import CameraCalibration, write_calibration
    from genima.cameras.model import CameraModel, MountedCamera

    folder = tmp_path / 'calibrations'
    folder.mkdir()
    camera = CameraModel('front', 64, 48, np.array([[60.0, 0, 31.5], [0, 60.0, 23.5], [0, 0, 1]]))
    mounted = MountedCamera(camera, 'panda_link0', np.eye(4))
    write_calibration(folder / 'front.yaml', CameraCalibration(mounted, '2026-05-01T12:00:00Z'))
    return folder


@pytest.fixture
def build(policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """Make a node in this process."""
    made: list[Any] = []

    def make(name: str) -> Any:
        module = import_module(f'genima_ros.{name}')
        if name == 'retrace_node':
            monkeypatch.setattr(module, '_load', lambda path, profile: None)
        if name == 'replay_node':
            monkeypatch.setattr(module, 'Bag', lambda folder: None)
        if name == 'fci_node':
            monkeypatch.setattr(module, 'LoopProcess', MagicMock())
        if name == 'teleop_node':
            mute = SimpleNamespace(write=lambda text: None, close=lambda: None)
            monkeypatch.setattr(module, 'Terminal', lambda path: mute)
        words = ['--ros-args']
        for key, value in parameters(name, policy, tmp_path).items():
            words += ['-p', f'{key}:={str(value).lower() if isinstance(value, bool) else value}']
        rclpy.init(args=words)
        own = (each for each in vars(module).values() if getattr(each, '__module__', '') == module.__name__)
        kind = next(each for each in own if isinstance(each, type) and issubclass(each, rclpy.node.Node))
        made.append(kind())
        return made[-1]

    yield make
    for node in made:
        getattr(node, 'close', lambda: None)()
        node.destroy_node()
    rclpy.try_shutdown()


@pytest.mark.parametrize('name', NODES)
def test_every_subscription_takes_everything(build: Callable[[str], Any], name: str) -> None:
    node = build(name)
    assert isinstance(node, SturdyNode)
    if name == 'console_node':
        node._inputs.want(True)
    rng, taken = np.random.default_rng(1), 0
    for subscription in list(node.subscriptions):
        for turn in range(MESSAGES):
            if subscription.raw:
                message: Any = rng.bytes(int(rng.integers(200)))
            else:
                message = invented(subscription.msg_type, rng)
                message = garbage(message, rng) if turn % 2 else message
            subscription.callback(message)
            taken += 1
    assert taken or not list(node.subscriptions), name
    if name not in STAND_INS:
        for timer in list(node.timers):
            timer.callback()  # no statistic of what came ends anything
    assert len(health(node).counts) < 40, 'what is counted has a few names only'


def test_what_a_callback_raises_is_counted_and_the_node_goes_on(probe: Any) -> None:
    node, heard = SturdyNode('victim'), []

    def take(message: String) -> None:
        if message.data == 'bad':
            raise IndexError('nobody expected that')
        heard.append(message.data)

    subscription = node.create_subscription(String, 'words', take, 10)
    for word in ('good', 'bad', 'better'):
        subscription.callback(String(data=word))
    assert heard == ['good', 'better'] and health(node).counts['words'] == 1
    assert 'IndexError: nobody expected that' in health(node).status(node).message
    service = node.create_service(Trigger, 'act', lambda request, response: 1 / 0)
    answer = service.callback(Trigger.Request(), Trigger.Response())
    assert not answer.success and 'ZeroDivisionError' in answer.message
    node.destroy_node()


def test_the_source_of_time_of_a_running_node_stays(probe: Any) -> None:
    node = SturdyNode('victim')
    node.declare_parameter('instruction', 'pick')
    (clock,) = node.set_parameters([Parameter('use_sim_time', value=True)])
    assert not clock.successful and 'start the node anew' in clock.reason
    assert node.get_parameter('use_sim_time').value is False
    (long,) = node.set_parameters([Parameter('instruction', value='x' * (MOST_TEXT + 1))])
    (short,) = node.set_parameters([Parameter('instruction', value='place')])
    assert not long.successful and str(MOST_TEXT) in long.reason and short.successful
    node.destroy_node()


@pytest.mark.parametrize(
    ('message', 'words'),
    [
        (JointState(name=['x'] * (MOST_NAMES + 1)), f'name has {MOST_NAMES + 1} texts'),
        (JointState(name=['x' * 5_000_000]), 'name has 5000000 characters'),
        (JointState(position=[0.0] * 5000), 'position has 5000 numbers'),
        (ActionChunk(contract='x' * 2001), 'contract has 2001 characters'),
        (TargetImage(image=Image(data=array('B', bytes(2**26 + 1)))), 'image.data has 67108865 bytes'),
        (NodeStats(milliseconds=[0.0] * 5000), 'milliseconds has 5000 numbers'),
        (String(data='x' * 100_000), None),
    ],
)
def test_messages_beyond_the_caps_are_refused(message: Any, words: str | None) -> None:
    found = oversized(message)
    assert found is None if words is None else found is not None and words in found


def test_points_beyond_the_cap_are_refused_at_any_depth() -> None:
    chunk = ActionChunk()
    chunk.points = [JointTrajectoryPoint() for _ in range(MOST_PARTS + 1)]
    assert 'points has 1001 parts' in str(oversized(chunk))
    chunk.points = [JointTrajectoryPoint(positions=[0.0] * 5000)]
    assert 'points.positions has 5000 numbers' in str(oversized(chunk))


def test_names_of_strangers_are_not_kept() -> None:
    states = JointStates(PANDA, 0.1)
    for turn in range(300):
        names = [f'stranger_{turn}_{i}' for i in range(100)]
        states.add([*PANDA.arm_joints, *names], [*PANDA.home_rad.tolist(), *range(100)], 1.0 + 0.01 * turn)
    assert set(states._track.names) == set(PANDA.arm_joints) and len(states._others) < 200
    np.testing.assert_allclose(states.arm(3.99)[0], PANDA.home_rad)
    known: dict[str, int] = {}
    with pytest.raises(GenimaError, match='one name too many'):
        for number in range(MOST_NAMES + 1):
            keep(known, str(number), number)
    keep(known, '3', 4)
    assert len(known) == MOST_NAMES and known['3'] == 4


def test_frames_of_strangers_are_not_kept() -> None:
    said: list[str] = []
    tree = FrameTree(said.append)
    for number in range(MOST_FRAMES + 50):
        (message,) = transform_messages([('base', f'frame_{number}', np.eye(4))], 1.0)
        tree.set_transform(message, 'test')
    assert len(tree._parents) == MOST_FRAMES and len(said) == 1 and 'new ones are ignored' in said[0]


def test_garbage_is_garbage() -> None:
    rng = np.random.default_rng(0)
    good = JointState(name=list(PANDA.arm_joints), position=PANDA.home_rad.tolist())
    before = repr(good)
    assert sum(repr(garbage(good, rng)) != before for _ in range(50)) > 30 and repr(good) == before
