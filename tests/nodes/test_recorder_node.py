# SPDX-License-Identifier: Apache-2.0
"""recorder_node: everything that came is in the file, what did not come is named, and every end is a clean one."""

import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from control_msgs.msg import JointTrajectoryControllerState
from genima_ros.conversions.images import image_message
from genima_ros.conversions.messages import camera_info_message, seconds, stamp
from genima_ros.core import qos
from genima_ros.recording.topics import definition, recorded_streams, type_name
from geometry_msgs.msg import TransformStamped
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_msgs.msg import Float64, String
from tf2_msgs.msg import TFMessage

from genima.cameras.model import CameraModel
from genima.recording.layout import is_finished, read_summary
from genima.recording.reader import Bag, read_bag
from genima.recording.repair import repair
from genima.recording.schemas import Schemas
from genima.rig.rig import Rig
from genima_msgs.msg import RecorderStatus
from genima_msgs.srv import EndEpisode, MarkEvent, StartEpisode

CAMERAS = ('wrist', 'front')
PERIOD_S = 0.05
PROVENANCE = {'operator': 'Ann', 'robot_serial': 'P-17', 'licence': 'CC-BY-4.0', 'task': 'pick', 'instruction': 'pick it up'}


class Lab:
    """A robot with two cameras that says what is asked of it, twenty times a second."""

    def __init__(self, probe: Any, start: Callable[..., Any], out: Path) -> None:
        self.probe, self._start, self.out = probe, start, out
        self.sent: dict[str, int] = {}
        sensors: dict[str, type] = {'joint_states': JointState, 'arm/controller_state': JointTrajectoryControllerState}
        for name in CAMERAS:
            sensors |= {f'cameras/{name}/image_raw': Image, f'cameras/{name}/camera_info': CameraInfo}
        self._sensors = {name: probe.create_publisher(kind, name, qos.RELIABLE) for name, kind in sensors.items()}
        self._gripper = probe.create_publisher(Float64, 'gripper/command', qos.COMMAND)
        self._fixed = probe.create_publisher(TFMessage, 'tf_static', qos.STATIC_FRAMES)
        self.statuses = probe.listen(RecorderStatus, 'recorder/status', qos.LATCHED)
        self.events = probe.listen(String, 'episode_events', qos.STATISTICS)
        self._model = CameraModel('x', 32, 24, np.array([[30.0, 0, 15.5], [0, 30.0, 11.5], [0, 0, 1.0]]))
        self._next_s = 0.0

    def launch(self, **parameters: Any) -> Any:
        words = {name: f"'{text}'" for name, text in PROVENANCE.items()}
        given = {
            'controller': 'arm',
            'cameras': '[wrist, front]',
            'out': self.out,
            'reserve_gb': 0.01,
            **words,
            **parameters,
        }
        node = self._start('recorder_node', **given)
        node.wait_for('recorder ready')
        return node

    def say(self, duration_s: float, silent: tuple[str, ...] = ()) -> None:
        end_s = time.monotonic() + duration_s
        while time.monotonic() < end_s:
            now_s = 1e-9 * self.probe.get_clock().now().nanoseconds
            if now_s >= self._next_s:
                self._next_s = max(self._next_s + PERIOD_S, now_s - PERIOD_S)
                for name, publisher in self._sensors.items():
                    if name not in silent:
                        publisher.publish(self._message(name, now_s))
                        self.sent[f'/{name}'] = self.sent.get(f'/{name}', 0) + 1
            self.probe.spin_for(0.005)

    def _message(self, name: str, now_s: float) -> Any:
        if name.endswith('image_raw'):
            pixels = np.full((24, 32, 3), len(self.sent) * 7 % 255, dtype=np.uint8)
            return image_message(pixels, now_s, 'optical')
        if name.endswith('camera_info'):
            return camera_info_message(self._model, now_s, 'optical')
        if name == 'joint_states':
            message: Any = JointState(name=['a'], position=[float(self.sent.get('/joint_states', 0))])
        else:
            message = JointTrajectoryControllerState(joint_names=['a'])
        message.header.stamp = stamp(now_s)
        return message

    def tell_once(self) -> None:
        frame = TransformStamped(child_frame_id='wrist_optical_frame')
        frame.header.frame_id = 'hand'
        self._fixed.publish(TFMessage(transforms=[frame]))
        self._gripper.publish(Float64(data=0.0))
        self._gripper.publish(Float64(data=1.0))

    def begin(self, **request: Any) -> Any:
        return self.probe.call(StartEpisode, 'recorder_node/start_episode', StartEpisode.Request(seed=-1, **request))

    def end(self, outcome: str, cause: str = '', note: str = '') -> Any:
        request = EndEpisode.Request(outcome=outcome, cause=cause, note=note)
        return self.probe.call(EndEpisode, 'recorder_node/end_episode', request)

    def mark(self, kind: str) -> Any:
        return self.probe.call(MarkEvent, 'recorder_node/mark_event', MarkEvent.Request(kind=kind, note='here'))


@pytest.fixture
def lab(probe: Any, start: Callable[..., Any], tmp_path: Path) -> Lab:
    return Lab(probe, start, tmp_path / 'recordings')


def test_an_episode_is_recorded_whole(lab: Lab) -> None:
    hardware = '{"wrist": {"model": "D405", "serial": "1"}}'
    lab.launch(camera_hardware=f"'{hardware}'", calibration='\'{"id": "c7", "date": "2020-01-01"}\'')
    answer = lab.begin()
    assert not answer.success and '/joint_states' in answer.message and '/cameras/front/image_raw' in answer.message
    lab.say(1.5, silent=('cameras/front/image_raw',))
    answer = lab.begin()
    assert not answer.success and answer.message.startswith('nothing comes on /cameras/front/image_raw:')
    lab.tell_once()
    lab.say(1.0)
    sent = dict(lab.sent)
    answer = lab.begin(instruction='pick up the blue cube')
    assert answer.success, answer.message
    assert answer.folder == str(lab.out / 'episode_000000')
    assert not lab.begin().success, 'one at a time'
    lab.say(1.0)
    assert lab.mark('ignore_begin').success and not lab.mark('party').success
    lab.say(1.0)
    recording = next(status for status in reversed(lab.statuses) if status.state == 'recording')
    lab.probe.spin_for(0.2)  # what was sent has come
    answer = lab.end('success', note='well done')
    assert answer.success and ' 0 dropped' in answer.message, answer.message

    folder = Path(answer.folder)
    summary = read_summary(folder)
    for topic, before in sent.items():
        assert summary['topics'][topic]['count'] == lab.sent[topic] - before > 30, topic
        assert summary['topics'][topic]['rate_hz'] == pytest.approx(20, rel=0.2)
    provenance = summary['provenance']
    assert PROVENANCE.items() - {'instruction': 'pick it up'}.items() <= provenance.items()
    assert provenance['instruction'] == 'pick up the blue cube' and provenance['joint_names'][0] == 'panda_joint1'
    assert provenance['camera_hardware'] == json.loads(hardware) and provenance['calibration']['age_days'] > 2000
    assert not provenance['simulated'] and 'genima' in provenance['software'] and 'seed' not in provenance

    messages = list(read_bag(folder))
    events = [json.loads(item.message.data) for item in messages if item.topic == '/episode_events']
    assert [event['kind'] for event in events] == ['start', 'ignore_begin', 'success'] and events[-1]['note'] == 'well done'
    assert [json.loads(event.data)['kind'] for event in lab.events] == ['start', 'ignore_begin', 'success']
    (fixed,) = (item.message for item in messages if item.topic == '/tf_static')
    assert fixed.transforms[0].child_frame_id == 'wrist_optical_frame'
    (gripper,) = (item.message for item in messages if item.topic == '/gripper/command')
    assert gripper.data == 1.0, 'what holds since before the episode is in it'
    times_s = [seconds(item.message.header.stamp) for item in messages if item.topic == '/joint_states']
    assert summary['topics']['/joint_states']['largest_gap_s'] == pytest.approx(np.diff(times_s).max(), abs=1e-5)
    positions = [item.message.position[0] for item in messages if item.topic == '/joint_states']
    assert np.diff(positions).tolist() == [1.0] * (len(positions) - 1)

    index = recording.topics.index('/joint_states')
    assert recording.episode == 'episode_000000' and recording.rates_hz[index] == pytest.approx(20, rel=0.2)
    assert 0 < recording.counts[index] <= len(positions) and recording.elapsed_s > 0.4 and recording.free_bytes > 0
    assert not recording.warnings and recording.dropped == 0


def test_ends_that_make_no_sense_are_refused_and_a_discarded_episode_is_gone(lab: Lab) -> None:
    lab.launch()
    assert not lab.end('success').success and not lab.mark('mark').success
    lab.say(1.5)
    assert lab.begin().success
    for outcome, cause in (('perfect', ''), ('failure', ''), ('failure', 'bad luck'), ('success', 'timeout')):
        answer = lab.end(outcome, cause)
        assert not answer.success and ('allowed' in answer.message or 'has one' in answer.message)
    lab.say(0.3)
    answer = lab.end('failure', 'grasp_failure')
    assert answer.success and read_summary(answer.folder)['failure'] == 'grasp_failure'
    lab.say(0.3)
    assert lab.begin().folder.endswith('episode_000001')
    lab.say(0.3)
    answer = lab.end('discard')
    assert answer.success and answer.folder == ''
    assert [path.name for path in lab.out.iterdir()] == ['episode_000000']


def test_a_pause_is_warned_of_while_it_lasts_and_noted(lab: Lab) -> None:
    node = lab.launch()
    lab.say(1.5)
    assert lab.begin().success
    lab.say(0.5)
    lab.say(1.2, silent=('cameras/wrist/image_raw',))
    warnings = [line for status in lab.statuses for line in status.warnings if 'wrist/image_raw: nothing for' in line]
    assert warnings and 'Hz expected' in warnings[0]
    lab.say(0.5)
    summary = read_summary(lab.end('success').folder)
    assert summary['topics']['/cameras/wrist/image_raw']['gaps'] >= 1
    assert summary['topics']['/cameras/wrist/image_raw']['missing'] == pytest.approx(24, abs=8)
    assert summary['topics']['/cameras/wrist/image_raw']['largest_gap_s'] == pytest.approx(1.2, abs=0.2)
    assert summary['topics']['/cameras/front/image_raw']['largest_gap_s'] < 1.0
    assert '/cameras/wrist/image_raw: a gap of' in node.text


def test_ctrl_c_finishes_the_episode_and_numbers_go_on(lab: Lab) -> None:
    node = lab.launch()
    lab.say(1.5)
    assert lab.begin().success
    lab.say(0.5)
    code, _ = node.end()
    assert code == 0 and 'Traceback' not in node.text, node.text
    summary = read_summary(lab.out / 'episode_000000')
    assert summary['outcome'] == 'unfinished' and summary['topics']['/joint_states']['count'] > 5

    node = lab.launch()
    lab.say(1.5)
    assert lab.begin().folder.endswith('episode_000001')
    lab.say(1.5)
    node.end(signal.SIGKILL)
    folder = lab.out / 'episode_000001'
    assert not is_finished(folder)
    bag = Bag(folder)
    count = sum(item.topic.name == '/joint_states' for item in bag.raw())
    assert count > 10 and bag.damage
    assert 'episode_000001 was not finished' in lab.launch().text
    done = repair(folder)
    assert done is not None and read_summary(folder)['provenance']['operator'] == 'Ann'
    assert read_summary(folder)['topics']['/joint_states']['count'] == count


def test_what_cannot_begin_says_why(lab: Lab) -> None:
    lab.launch(reserve_gb=9999.0, camera_hardware='\'{"elbow": {}}\'')
    lab.say(1.5)
    answer = lab.begin()
    assert not answer.success and '9999.0 GB are wanted' in answer.message
    assert any('GB are free' in line for line in lab.statuses[-1].warnings)


def test_two_robots_at_once_are_not_recorded(lab: Lab) -> None:
    lab.launch()
    other = lab.probe.create_publisher(Image, 'cameras/front/image_raw', qos.RELIABLE)
    lab.say(1.5)
    answer = lab.begin()
    assert not answer.success and answer.message.startswith('several programs publish /cameras/front/image_raw: ')
    assert 'several programs publish /cameras/front/image_raw' in lab.statuses[-1].warnings
    lab.probe.destroy_publisher(other)
    lab.say(1.5)
    assert lab.begin().success


def test_provenance_that_is_no_table_is_refused(lab: Lab) -> None:
    lab.launch(camera_hardware='\'{"elbow": {}}\'')
    lab.say(1.5)
    answer = lab.begin()
    assert not answer.success and 'no cameras elbow' in answer.message
    assert list(lab.out.iterdir()) == []


@pytest.mark.parametrize(
    ('parameters', 'message'),
    [({'compression': 'rar'}, 'allowed: none, lz4, zstd'), ({'transport': 'pigeon'}, 'transports: raw, compressed')],
)
def test_wrong_parameters_are_one_clear_line(start: Callable[..., Any], parameters: dict[str, str], message: str) -> None:
    node = start('recorder_node', controller='arm', out='/tmp', **parameters)
    assert node.exit_code() == 1 and message in node.text and 'Traceback' not in node.text


def test_definitions_are_those_of_ros() -> None:
    schemas = Schemas()
    schemas.add('std_msgs/msg/String', definition(String))
    wanted = 'RIHS01_df668c740482bbd48fb39d76a70dfd4bd59db1288021743503259e948f6b1a18'
    assert schemas.type_hash('std_msgs/msg/String') == wanted, 'as `ros2 topic info -v` of Jazzy shows it'
    definitions = pytest.importorskip('rosless.interfaces.definitions')
    # where ROS 2 is, its own definitions are checked against ours
    pytest.importorskip('rosless.interfaces.standard_interfaces').register_standard_interfaces()
    for folder in definitions.interface_folders():
        definitions.load_folder(folder)
    for transport in ('raw', 'compressed'):
        for stream in recorded_streams(Rig.of(['a'], transport), 'arm', simulated=True):
            name = type_name(stream.kind)
            schemas.add(name, definition(stream.kind))
            assert schemas.type_hash(name) == definitions.type_hash(name), name


@pytest.mark.skipif(sys.platform != 'linux', reason='other systems do not tell')
def test_packets_that_a_stopped_recorder_did_not_take_are_told(lab: Lab) -> None:
    node = lab.launch()
    lab.tell_once()
    lab.say(1.5)
    assert lab.begin().success
    lab.say(0.3)
    node.process.send_signal(signal.SIGSTOP)
    images = lab.probe.create_publisher(Image, 'cameras/front/image_raw', qos.RELIABLE)
    for _ in range(40):  # 37 MB: more than any receive buffer
        images.publish(image_message(np.zeros((480, 640, 3), dtype=np.uint8), time.time(), 'optical'))
    node.process.send_signal(signal.SIGCONT)
    lab.say(1.5)
    assert lab.statuses[-1].packets_dropped > 0
    assert any('the kernel dropped' in line for line in lab.statuses[-1].warnings)
    answer = lab.end('success')
    assert 'packets dropped by the kernel' in answer.message
    summary = read_summary(Path(answer.folder))
    assert summary['packets_dropped'] >= lab.statuses[-2].packets_dropped
    assert 'lost' not in summary, 'Cyclone DDS does not count it'
