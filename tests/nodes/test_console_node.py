# SPDX-License-Identifier: Apache-2.0
"""console_node: a browser sees what the graph says, the guard is asked, and a deadman without a watcher lets go."""

import json
import re
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from socket import gethostname
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import cv2
import numpy as np
import pytest
from genima_ros.conversions.frames import optical_frame, transform_messages
from genima_ros.conversions.images import image_message
from genima_ros.conversions.messages import camera_info_message, stamp
from genima_ros.conversions.trajectories import chunk_message
from genima_ros.core import qos
from genima_ros.guard.reports import Surroundings, status_message
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_msgs.msg import Bool
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage
from websockets.sync.client import ClientConnection, connect

from genima.cameras.model import CameraModel
from genima.chunks.plan import Chunk
from genima.contract.spec import PolicySpec
from genima.guard.guard import Guard
from genima.robots.profile import RobotProfile
from genima.spheres.scene import target_scene
from genima_msgs.msg import ActionChunk, GuardStatus, NodeStats

PANDA = RobotProfile.load('panda')
AROUND = Surroundings(-0.012, ('hold the deadman switch', 'the camera front moved'))
CAMERA = CameraModel('front', 160, 120, np.array([[120.0, 0.0, 80.0], [0.0, 120.0, 60.0], [0.0, 0.0, 1.0]]))


class Page:
    """A browser and, beside it, commands by POST; the probe spins while it waits."""

    def __init__(self, probe: Any, node: Any) -> None:
        node.wait_for('console: http')
        self.address = re.search(r'console: (http\S+)', node.text)[1]  # type: ignore[index]
        self.origin = self.address.rstrip('/')
        self._probe, self._pool, self._beats = probe, ThreadPoolExecutor(1), 0
        self._heard: int | None = None
        stream = self.address.replace('http', 'ws', 1) + 'stream'
        connection = connect(stream, origin=self.origin, compression=None)  # type: ignore[arg-type]
        self.socket: ClientConnection = ExitStack().enter_context(connection)

    def say(self, **message: Any) -> None:
        self.socket.send(json.dumps(message))

    def wait_for(self, wanted: Callable[[dict[str, Any]], Any], timeout_s: float = 20.0, watch: str | None = None) -> Any:
        """Return the first wanted value; statuses and pictures are acknowledged, as the page does."""
        found: list[Any] = []

        def look() -> bool:
            self._beats += 1
            self.say(beat=self._beats, watch=watch, heard=self._heard)
            while not found:
                try:
                    message = self.socket.recv(0.0)
                except TimeoutError:
                    return False
                values = _bundle(message) if isinstance(message, bytes) else json.loads(message)
                self._heard = values.get('beat', self._heard)
                if 'bundle' in values:
                    self.say(seen=values['bundle'])
                if 'status' in values:
                    self.say(status=values['status']['number'])
                if (value := wanted(values)) is not None and value is not False:
                    found.append(value)
            return True

        self._probe.spin_until(look, timeout_s)
        return found[0]

    def command(self, name: str, **values: Any) -> dict[str, Any]:
        data = json.dumps(values).encode()
        request = Request(f'{self.address}command/{name}', data, {'Origin': self.origin}, method='POST')

        def post() -> dict[str, Any]:
            try:
                response = urlopen(request, timeout=15.0)
            except HTTPError as error:
                response = error
            with response:
                answer: dict[str, Any] = json.load(response)
                return answer

        future: Future[dict[str, Any]] = self._pool.submit(post)
        self._probe.spin_until(future.done, 15.0)
        return future.result()


def _bundle(message: bytes) -> dict[str, Any]:
    (length,) = struct.unpack_from('<I', message)
    values: dict[str, Any] = json.loads(message[4 : 4 + length])
    offset = 4 + length
    for picture in values['pictures']:
        data = np.frombuffer(message, np.uint8, picture['bytes'], offset)
        picture['pixels'], offset = cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1], offset + picture['bytes']
    return values


class Graph:
    """A camera that looks down on the arm, joint states, chunks, and a guard that notes what it is asked."""

    def __init__(self, probe: Any, spec: PolicySpec) -> None:
        self._probe, self.spec, self.asked = probe, spec, []  # type: ignore[var-annotated]
        self._images = probe.create_publisher(Image, 'cameras/front/image_raw', qos.RELIABLE)
        self._infos = probe.create_publisher(CameraInfo, 'cameras/front/camera_info', qos.RELIABLE)
        self._frames = probe.create_publisher(TFMessage, 'tf_static', qos.STATIC_FRAMES)
        self._joints = probe.create_publisher(JointState, 'joint_states', qos.RELIABLE)
        self._chunks = probe.create_publisher(ActionChunk, 'action_chunk', qos.COMMAND)
        self._stats = probe.create_publisher(NodeStats, 'node_stats', qos.STATISTICS)
        self._status = probe.create_publisher(GuardStatus, 'guard/status', qos.LATCHED)
        self.T_base_camera = np.diag([1.0, -1.0, -1.0, 1.0])
        self.T_base_camera[:3, 3] = 0.4, 0.0, 1.6
        edge = (PANDA.base_link, optical_frame('front'), self.T_base_camera)
        self._frames.publish(TFMessage(transforms=transform_messages([edge], 0.0)))
        self.guard = Guard(PANDA)
        for name in ('arm', 'disarm', 'stop', 'reset'):
            probe.create_service(Trigger, f'guard_node/{name}', self._handler(name))
        probe.create_timer(0.05, self._publish)

    def _handler(self, name: str) -> Callable[..., Trigger.Response]:
        def handle(request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
            self.asked.append(name)
            status = (self.guard.stop('by service', 0.0) if name == 'stop' else getattr(self.guard, name)()).status
            response.success = name != 'arm' or status.armed
            response.message = f'{status.state}: {"; ".join(status.reasons)}'
            return response

        return handle

    def _publish(self) -> None:
        now_s = 1e-9 * self._probe.get_clock().now().nanoseconds
        pixels = np.full((120, 160, 3), (10, 200, 60), dtype=np.uint8)
        self._infos.publish(camera_info_message(CAMERA, now_s, optical_frame('front')))
        self._images.publish(image_message(pixels, now_s, optical_frame('front')))
        joints = JointState(
            name=[*PANDA.arm_joints, *PANDA.gripper.joints], position=[*PANDA.home_rad.tolist(), 0.04, 0.04]
        )
        joints.header.stamp = stamp(now_s)
        self._joints.publish(joints)
        chunk = Chunk(now_s, 0.1, np.tile(PANDA.home_rad + 0.1, (10, 1)), np.ones(10))
        self._chunks.publish(chunk_message(chunk, PANDA, self.spec.hash()))
        self._stats.publish(NodeStats(node='act_node', stages=['act'], milliseconds=[4.0]))
        self._status.publish(status_message(self.guard.status, now_s, stamp(now_s), AROUND))


@pytest.fixture
def graph(probe: Any, policy: Path) -> Iterator[Graph]:
    yield Graph(probe, PolicySpec.load(policy))


def test_a_browser_sees_the_graph_and_its_commands_reach_the_guard(
    start: Callable[..., Any], probe: Any, graph: Graph, policy: Path
) -> None:
    node = start('console_node', policy=policy, port=0)
    page = Page(probe, node)
    hello = page.wait_for(lambda values: values.get('hello'))
    assert hello['robot'] == 'panda' and hello['targets'] == list(graph.spec.cameras) and not hello['deadman']
    assert hello['lower_rad'] == pytest.approx(PANDA.limits.position_min_rad.tolist(), abs=1e-4)
    page.say(look=['camera/front'])
    picture = page.wait_for(lambda values: values.get('pictures'))[0]
    assert (picture['view'], picture['width'], picture['height']) == ('camera/front', 160, 120)
    np.testing.assert_allclose(picture['pixels'][60, 80], (10, 200, 60), atol=8)

    def complete(values: dict[str, Any]) -> Any:
        status = values.get('status', {})
        parts = [status.get(name) for name in ('guard', 'joints', 'chunk', 'spheres')]
        seen = status.get('streams', {}).get('camera front', {'hz': 0.0})['hz'] > 1.0
        return status if all(parts) and seen and status['available']['guard'] else None

    status = page.wait_for(complete)
    assert status['guard']['state'] == 'disarmed' and 'arm to let chunks through' in status['guard']['reasons'][0]
    assert status['guard']['clock_ahead_s'] == pytest.approx(-0.012) and status['guard']['holds'] == list(AROUND.holds)
    assert status['joints']['q_rad'] == pytest.approx(PANDA.home_rad.tolist(), abs=1e-4)
    assert np.shape(status['chunk']['q_rad']) == (10, 7)
    assert status['stages']['act_node.act'] == {'p50_ms': 4.0, 'p99_ms': 4.0}
    scene = target_scene(graph.spec.spheres, PANDA, PANDA.home_rad + 0.1, 1.0)
    centres = np.stack([np.linalg.inv(graph.T_base_camera) @ sphere.T_base_sphere[:, 3] for sphere in scene])[:, :3]
    expected = dict(zip([sphere.name for sphere in scene], CAMERA.project(centres)[0], strict=True))
    circles = {circle['name']: circle for circle in status['spheres']['front']}
    assert circles
    for name, circle in circles.items():
        assert [circle['x'], circle['y']] == pytest.approx(expected[name].tolist(), abs=0.01)
    assert status['available'] == {
        'guard': True, 'simulation': False, 'recorder': False, 'instruction': False, 'failures': False,
    }  # fmt: skip

    assert page.command('arm')['ok'] and graph.asked == ['arm']
    page.wait_for(lambda values: values.get('status', {}).get('guard', {}).get('armed'))
    assert 'disarm first' in page.command('scene', seed=3)['text']
    assert page.command('stop') == {'ok': True, 'text': 'stopped: by service; reset to go on'}
    page.say(stop=1)
    assert page.wait_for(lambda values: values.get('answer'))['ok']
    answer = page.command('arm')
    assert not answer['ok'] and 'reset to go on' in answer['text']
    assert graph.asked == ['arm', 'stop', 'stop', 'arm']
    assert 'nobody offers' in page.command('scene', seed=3)['text'] or 'disarm' in page.command('scene', seed=3)['text']
    for name, values, why in (
        ('start', {}, 'nobody offers recorder_node/start_episode'),
        ('flag', {'cause': 'bad luck'}, 'allowed: calibration'),
        ('dance', {}, "no command 'dance'"),
        ('instruction', {'text': ''}, 'empty'),
        ('instruction', {'text': 7}, 'allowed is a text'),
    ):
        answer = page.command(name, **values)
        assert not answer['ok'] and why in answer['text'], answer
    with urlopen(f'{page.address}log', timeout=5.0) as response:
        log = [entry['text'] for entry in json.load(response)]
    assert any('disarmed →' in text for text in log) and any('arm refused' in text for text in log)
    page.socket.close()
    code, took_s = node.end()
    assert code == 0 and took_s < 5.0 and 'Traceback' not in node.text


def test_the_deadman_is_fed_only_while_a_browser_holds_the_watch(
    start: Callable[..., Any], probe: Any, policy: Path
) -> None:
    heard = probe.listen(Bool, 'deadman', qos.RELIABLE)
    node = start('console_node', policy=policy, port=0, deadman=True)
    page = Page(probe, node)
    probe.spin_until(lambda: len(heard) > 3)
    assert not any(message.data for message in heard)
    hello = page.wait_for(lambda values: values.get('hello'))
    assert hello['deadman']
    assert 'hold the watch first' in page.command('arm', page=hello['page'])['text']
    page.wait_for(lambda values: values.get('watch'), watch='take')
    page.wait_for(lambda values: heard[-1].data, watch='keep')
    assert 'nobody offers guard_node/arm' in page.command('arm', page=hello['page'])['text']
    probe.spin_until(lambda: not heard[-1].data, 2.0, 'for the deadman to let go of a silent page')
    assert page.wait_for(lambda values: None if 'watch' not in values else not values['watch'], watch='keep')
    page.wait_for(lambda values: values.get('watch'), watch='take')
    page.wait_for(lambda values: heard[-1].data, watch='keep')
    page.socket.close()
    probe.spin_until(lambda: not heard[-1].data, 2.0, 'for the deadman to let go of a page that is gone')


def test_a_console_that_cannot_serve_says_why(start: Callable[..., Any], probe: Any, policy: Path) -> None:
    first = start('console_node', policy=policy, port=0)
    port = Page(probe, first).address.rsplit(':', 1)[1].strip('/')
    second = start('console_node', policy=policy, port=port)
    assert second.exit_code() == 1
    assert f'port {port} of 127.0.0.1 cannot be used' in second.text and 'Traceback' not in second.text
    third = start('console_node', policy=policy, port=0, token='short')
    assert third.exit_code() == 1 and '16 to 128' in third.text


def test_open_to_the_network_it_makes_a_token_and_prints_it(start: Callable[..., Any], policy: Path) -> None:
    node = start('console_node', policy=policy, port=0, host='0.0.0.0')
    node.wait_for('console: http')
    assert re.search(rf'console: http://{re.escape(gethostname())}:\d+/[\w-]{{32}}/ ', node.text)
