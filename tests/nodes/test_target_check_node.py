# SPDX-License-Identifier: Apache-2.0
"""target_check_node: agrees with what is painted where the chunk goes, and says which sphere is not."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from genima_ros.conversions.frames import optical_frame, transform_messages
from genima_ros.conversions.images import image_message
from genima_ros.conversions.messages import camera_info_message, stamp
from genima_ros.conversions.trajectories import chunk_message
from genima_ros.core import qos
from sensor_msgs.msg import CameraInfo, JointState
from tf2_msgs.msg import TFMessage

from genima.cameras.views import tile
from genima.chunks.plan import Chunk
from genima.contract.spec import PolicySpec
from genima.contract.targets import paint_targets
from genima.rig.rig import info_topic
from genima.robots.profile import RobotProfile
from genima.sim.world import World
from genima_msgs.msg import ActionChunk, TargetCheck, TargetImage

PANDA = RobotProfile.load('panda')


@pytest.mark.parametrize('named', [('front',), ()], ids=['one camera', 'all cameras'])
def test_it_tells_the_guard_whether_target_and_chunk_agree(
    start: Callable, probe, policy: Path, tmp_path: Path, named: tuple[str, ...]  # type: ignore[no-untyped-def, type-arg]
) -> None:
    spec, cameras = PolicySpec.load(policy), World(PANDA).cameras
    if named:
        policy, spec = tmp_path, replace(spec, cameras=named, hidden={}, radius_scale={})
        spec.save(policy)
    verdicts = probe.listen(TargetCheck, 'target_check', qos.COMMAND)
    frames = probe.create_publisher(TFMessage, 'tf_static', qos.STATIC_FRAMES)
    edges = [(each.parent_link, optical_frame(name), np.asarray(each.T_parent_camera)) for name, each in cameras.items()]
    frames.publish(TFMessage(transforms=transform_messages(edges, 0.0)))
    infos = {name: probe.create_publisher(CameraInfo, info_topic(name), qos.RELIABLE) for name in spec.cameras}
    joints = probe.create_publisher(JointState, 'joint_states', qos.RELIABLE)
    targets = probe.create_publisher(TargetImage, 'target_image', qos.COMMAND)
    chunks = probe.create_publisher(ActionChunk, 'action_chunk', qos.COMMAND)
    node = start('target_check_node', policy=policy)
    node.wait_for('target check ready')

    q_next_rad = PANDA.home_rad + 0.1
    views = np.full((len(spec.cameras), spec.view_size_px, spec.view_size_px, 3), 90, np.uint8)
    painted = paint_targets(spec, PANDA, cameras, views, PANDA.home_rad, q_next_rad, 1.0)

    def send(turn_rad: float, calibrated: bool = True) -> TargetCheck:
        now_s = 1e-9 * probe.get_clock().now().nanoseconds
        message = JointState(name=list(PANDA.arm_joints), position=PANDA.home_rad.tolist())
        message.header.stamp = stamp(now_s)
        joints.publish(message)
        for name in spec.cameras if calibrated else ():
            infos[name].publish(camera_info_message(cameras[name].model, now_s, optical_frame(name)))
        image = image_message(tile(painted), now_s, '')
        targets.publish(TargetImage(header=image.header, contract=spec.hash(), cameras=list(spec.cameras), image=image))
        probe.spin_for(0.1)
        q_rad = np.linspace(PANDA.home_rad, q_next_rad, spec.chunk_steps + 1)[1:] + turn_rad * np.eye(7)[0]
        before = len(verdicts)
        chunks.publish(chunk_message(Chunk(now_s, 0.1, q_rad, np.ones(len(q_rad))), PANDA, spec.hash()))
        probe.spin_until(lambda: len(verdicts) > before, why='for a verdict')
        return verdicts[-1]

    assert 'no calibration on cameras/' in send(0.0, calibrated=False).reason
    verdict = send(0.0)
    assert verdict.agrees and not verdict.reason and verdict.distance_m < 0.005, verdict
    assert list(verdict.spheres) == [sphere.name for sphere in spec.spheres]
    assert [send(0.2).agrees for _ in range(3)] == [True, True, False]
    assert ('across the view' in verdicts[-1].reason) == (len(named) == 1)
    assert 'worst is sphere' in verdicts[-1].reason and verdicts[-1].distance_m > 0.05
    assert send(0.0).agrees
