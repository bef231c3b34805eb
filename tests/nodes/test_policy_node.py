# SPDX-License-Identifier: Apache-2.0
"""policy_node: chunks of a policy on another computer; a lost server is a hold with a reason, and it is found again."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from genima_ros.conversions.images import image_array, image_message
from genima_ros.conversions.messages import camera_info_message, seconds, stamp
from genima_ros.conversions.trajectories import chunk_from_message
from genima_ros.core import qos
from sensor_msgs.msg import CameraInfo, Image, JointState

from genima.cameras.model import CameraModel
from genima.cameras.views import untile
from genima.chunks.plan import Chunk
from genima.contract.spec import PolicySpec
from genima.policy.protocols import Observation
from genima.policy.server import PolicyServer
from genima.rig.rig import image_topic, info_topic
from genima.robots.profile import RobotProfile
from genima_msgs.msg import ActionChunk, NodeStats, TargetImage

PANDA = RobotProfile.load('panda')
SPEC = replace(PolicySpec.from_recipe('small', PANDA), cameras=('front', 'wrist'), hidden={}, view_size_px=32)
CAMERA = CameraModel('any', 32, 32, np.array([[30.0, 0, 15.5], [0, 30.0, 15.5], [0, 0, 1]]))


class Still:
    """Stays where it is, and paints the views upside down."""

    spec = SPEC
    targets: np.ndarray | None = None
    instruction: str | None = None

    def reset(self) -> None: ...

    def infer(self, observation: Observation, instruction: str | None = None) -> Chunk:
        self.targets, self.instruction = observation.views[:, ::-1], instruction
        return Chunk(observation.stamp_s, 0.1, np.tile(observation.q_rad, (10, 1)), np.ones(10))


def serve(policy: Still, port: int = 0) -> PolicyServer:
    server = PolicyServer(policy, port=port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Robot:
    """Streams two cameras and the joints."""

    def __init__(self, probe) -> None:  # type: ignore[no-untyped-def]
        self._probe = probe
        self._joints = probe.create_publisher(JointState, 'joint_states', qos.RELIABLE)
        self._images = {name: probe.create_publisher(Image, image_topic(name), qos.RELIABLE) for name in SPEC.cameras}
        self._infos = {name: probe.create_publisher(CameraInfo, info_topic(name), qos.RELIABLE) for name in SPEC.cameras}
        self.pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)

    def send(self) -> None:
        now_s = 1e-9 * self._probe.get_clock().now().nanoseconds
        for name in SPEC.cameras:
            self._infos[name].publish(camera_info_message(CAMERA, now_s, name))
            self._images[name].publish(image_message(self.pixels, now_s, name))
        names = [*PANDA.arm_joints, *PANDA.gripper.joints]
        message = JointState(name=names, position=[*PANDA.home_rad.tolist(), 0.04, 0.04])
        message.header.stamp = stamp(now_s)
        self._joints.publish(message)
        self._probe.spin_for(0.05)

    def until(self, condition: Callable[[], object], tries: int = 200) -> None:
        for _ in range(tries):
            self.send()
            if condition():
                return
        pytest.fail('it did not happen')


def test_a_policy_elsewhere_moves_the_arm_here(start: Callable, probe, tmp_path: Path) -> None:  # type: ignore[no-untyped-def, type-arg]
    SPEC.save(tmp_path)
    policy = Still()
    server = serve(policy)
    chunks = probe.listen(ActionChunk, 'action_chunk', qos.RELIABLE)
    targets = probe.listen(TargetImage, 'target_image', qos.COMMAND)
    stats = probe.listen(NodeStats, 'node_stats', qos.RELIABLE)
    address = f'ws://127.0.0.1:{server.port}'
    node = start('policy_node', policy=tmp_path, server=address, reliable_images=True, max_joint_age_s=1.0)
    node.wait_for('policy ready')
    robot = Robot(probe)
    robot.until(lambda: chunks and targets)

    chunk = chunk_from_message(chunks[-1], PANDA)
    assert chunks[-1].contract == targets[-1].contract == SPEC.hash()
    np.testing.assert_allclose(chunk.q_rad, np.tile(PANDA.home_rad, (10, 1)), atol=1e-9)
    assert policy.instruction == SPEC.instruction
    views = untile(image_array(targets[-1].image, 'target'), 2)
    np.testing.assert_array_equal(views[0], robot.pixels[::-1])
    assert list(stats[-1].stages) == ['infer', 'target_age'] and seconds(stats[-1].tick) > 0

    port = server.port
    server.close()
    robot.until(lambda: any('no chunk: the policy server is lost' in line for line in node.lines))
    probe.spin_for(0.3)
    chunks.clear()
    for _ in range(10):
        robot.send()
    assert not chunks

    again = serve(policy, port)
    robot.until(lambda: chunks)
    again.close()
    code, _ = node.end()
    assert code == 0


def test_a_server_with_another_policy_is_refused(start: Callable, tmp_path: Path) -> None:  # type: ignore[type-arg]
    replace(SPEC, horizon_steps=20).save(tmp_path)
    server = serve(Still())
    node = start('policy_node', policy=tmp_path, server=f'ws://127.0.0.1:{server.port}')
    assert node.exit_code() == 1
    assert 'this policy has' in node.text
    server.close()


@pytest.mark.parametrize('server', ['http://127.0.0.1:1', 'ws://127.0.0.1:9'])
def test_an_address_without_a_server_is_an_error(start: Callable, tmp_path: Path, server: str) -> None:  # type: ignore[type-arg]
    SPEC.save(tmp_path)
    node = start('policy_node', policy=tmp_path, server=server)
    assert node.exit_code() == 1
    assert 'Traceback' not in node.text and ('allowed: ws://' in node.text or 'no policy at' in node.text)
