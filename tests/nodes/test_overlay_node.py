# SPDX-License-Identifier: Apache-2.0
"""overlay_node: what the policy intends and what the guard says, as markers and over the views."""

from array import array
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from builtin_interfaces.msg import Time
from genima_ros.conversions.frames import transform_messages
from genima_ros.conversions.images import image_array, image_message
from genima_ros.conversions.markers import guard_marker
from genima_ros.conversions.messages import camera_info_message, stamp
from genima_ros.conversions.trajectories import chunk_message
from genima_ros.core import qos
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import String
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import Marker, MarkerArray

from genima.cameras.model import CameraModel
from genima.chunks.plan import Chunk
from genima.contract.spec import PolicySpec
from genima.robots.kinematics import link_poses, tcp_pose
from genima.robots.profile import RobotProfile
from genima.robots.urdf import to_urdf
from genima.spheres.scene import target_scene
from genima_msgs.msg import ActionChunk, GuardStatus

PANDA = RobotProfile.load('panda')
BASE = PANDA.base_link
CAMERA = CameraModel('front', 160, 120, np.array([[130.0, 0, 79.5], [0, 130.0, 59.5], [0, 0, 1]]))
GREY = np.full((120, 160, 3), 100, dtype=np.uint8)


def _chunk(now_s: float) -> Chunk:
    ahead = np.arange(1, 17)[:, None] / 16
    return Chunk(now_s, 0.1, PANDA.home_rad + 0.4 * ahead * np.array([1.0, -0.5, 0, 0.3, 0, 0, 0]), np.ones(16))


def _frames() -> TFMessage:
    T_base_camera = np.eye(4)
    T_base_camera[:3, :3] = np.array([[0, 0, -1], [1, 0, 0], [0, -1, 0]])  # looks back at the arm
    T_base_camera[:3, 3] = 1.7, 0.0, 0.5
    return TFMessage(transforms=transform_messages([(BASE, 'front_optical_frame', T_base_camera)], 0.0))


class Graph:
    """What overlay_node hears; `say` repeats all of it."""

    def __init__(self, probe) -> None:  # type: ignore[no-untyped-def]
        self._probe = probe
        self._chunks = probe.create_publisher(ActionChunk, 'action_chunk', qos.COMMAND)
        self._images = probe.create_publisher(Image, 'cameras/front/image_raw', qos.RELIABLE)
        self._infos = probe.create_publisher(CameraInfo, 'cameras/front/camera_info', qos.RELIABLE)
        self._tf = probe.create_publisher(TFMessage, 'tf', qos.RELIABLE)
        self._guard = probe.create_publisher(GuardStatus, 'guard/status', qos.LATCHED)

    def say(self, chunk: bool = True, guard: bool = True) -> None:
        now_s = 1e-9 * self._probe.get_clock().now().nanoseconds
        self._tf.publish(_frames())
        self._infos.publish(camera_info_message(CAMERA, now_s, 'front_optical_frame'))
        self._images.publish(image_message(GREY, now_s, 'front_optical_frame'))
        if chunk:
            self._chunks.publish(chunk_message(_chunk(now_s), PANDA, 'any'))
        if guard:
            status = GuardStatus(state='holding', reasons=['no fresh target image: 0.9 s old, allowed 0.5 s'])
            status.header.stamp = stamp(now_s)
            self._guard.publish(status)
        self._probe.spin_for(0.1)


def _by_namespace(message: MarkerArray) -> dict[str, list[Marker]]:
    found: dict[str, list[Marker]] = {}
    for marker in message.markers:
        found.setdefault(marker.ns, []).append(marker)
    return found


def _positions(points: list) -> np.ndarray:  # type: ignore[type-arg]
    return np.array([[point.x, point.y, point.z] for point in points])


def test_spheres_path_and_guard_are_shown_and_an_old_intention_is_not(start: Callable, probe, policy: Path) -> None:  # type: ignore[no-untyped-def, type-arg]
    spec, graph = PolicySpec.load(policy), Graph(probe)
    arrays = probe.listen(MarkerArray, 'markers', qos.RELIABLE)
    overlays = probe.listen(Image, 'overlay/front', qos.COMMAND)
    start('overlay_node', policy=policy, rate_hz=10.0)

    def complete() -> bool:
        graph.say()
        return bool(arrays) and {'target', 'path', 'guard'} <= set(_by_namespace(arrays[-1])) and bool(overlays)

    probe.spin_until(complete, 60.0, 'for the markers')
    shown, chunk = _by_namespace(arrays[-1]), _chunk(0.0)
    last = spec.horizon_steps - 1
    spheres = target_scene(spec.spheres, PANDA, chunk.q_rad[last], 1.0)
    centres_m = np.array([sphere.T_base_sphere[:3, 3] for sphere in spheres])
    np.testing.assert_allclose(_positions([marker.pose.position for marker in shown['target']]), centres_m, atol=1e-6)
    assert [marker.scale.x for marker in shown['target']] == [2 * sphere.radius_m for sphere in spheres]
    (path,), (guard,) = shown['path'], shown['guard']
    assert path.type == Marker.LINE_STRIP and path.scale.x > 0 and path.color.a == 1.0
    np.testing.assert_allclose(_positions(path.points), tcp_pose(PANDA, chunk.q_rad)[:, :3, 3], atol=1e-6)
    assert guard.type == Marker.TEXT_VIEW_FACING and guard.text.startswith('holding\nno fresh target image')
    assert guard.pose.position.z > link_poses(PANDA, PANDA.home_rad)['panda_link4'][2, 3], 'above the arm'
    assert {marker.header.frame_id for marker in arrays[-1].markers} == {BASE}
    assert all(marker.pose.orientation.w == 1.0 and marker.lifetime.nanosec for marker in arrays[-1].markers)
    drawn = image_array(overlays[-1], 'overlay/front')
    assert drawn.shape == GREY.shape and (drawn != GREY).any(axis=-1).sum() > 50, 'spheres over the view'

    def outdated() -> bool:
        graph.say(chunk=False, guard=False)
        return set(_by_namespace(arrays[-1])) == {'guard'}

    probe.spin_until(outdated, 20.0, 'for the spheres to go')
    probe.spin_until(lambda: arrays[-1].markers[0].text == 'the guard is silent', 20.0)


def test_the_word_of_the_guard_has_a_colour_and_stays_short() -> None:
    moving = guard_marker(GuardStatus(state='moving'), BASE, 0.0)
    assert moving.text == 'moving' and moving.color.g > moving.color.r
    stopped = guard_marker(GuardStatus(state='stopped', reasons=['why ' * 200]), BASE, 0.0)
    assert stopped.color.r > stopped.color.g and stopped.text.endswith('...')
    lines = stopped.text.split('\n')
    assert len(lines) == 6 and max(len(line) for line in lines) <= 56
    assert guard_marker(None, BASE, 0.0).text == 'the guard is silent'


def test_the_simulation_describes_its_robot_and_opens_its_fingers_in_tf(start: Callable, probe) -> None:  # type: ignore[no-untyped-def, type-arg]
    descriptions = probe.listen(String, 'robot_description', qos.LATCHED)
    frames = probe.listen(TFMessage, 'tf', qos.RELIABLE)
    fixed = probe.listen(TFMessage, 'tf_static', qos.STATIC_FRAMES)
    start('sim_node', pace=False)
    probe.spin_until(lambda: descriptions and frames and fixed, 60.0, 'for the description')
    assert descriptions[-1].data == to_urdf(PANDA)
    told = {transform.child_frame_id for message in (*frames, *fixed) for transform in message.transforms}
    assert {link.name for link in PANDA.links if link.parent} <= told, 'RViz needs a frame for every link'


def test_compressed_images_are_read_and_their_stamps_handed_on_exactly(start: Callable, probe, policy: Path) -> None:  # type: ignore[no-untyped-def, type-arg]
    graph = Graph(probe)
    compressed = probe.create_publisher(CompressedImage, 'cameras/front/image_raw/compressed', qos.RELIABLE)
    overlays = probe.listen(Image, 'overlay/front', qos.COMMAND)
    start('overlay_node', policy=policy, rate_hz=10.0, transport='compressed')
    data = array('B', cv2.imencode('.png', GREY)[1].tobytes())
    exact = Time(sec=1_796_082_598, nanosec=123_456_789)

    def drawn() -> bool:
        graph.say()
        message = CompressedImage(format='png', data=data)
        message.header.stamp, message.header.frame_id = exact, 'front_optical_frame'
        compressed.publish(message)
        return bool(overlays)

    probe.spin_until(drawn, 60.0, 'for an overlay')
    assert overlays[-1].header.stamp == exact and overlays[-1].width == GREY.shape[1]


def test_an_unknown_transport_is_refused(start: Callable, policy: Path) -> None:  # type: ignore[type-arg]
    node = start('overlay_node', policy=policy, transport='theora')
    assert node.exit_code(60.0) == 1 and 'allowed: raw, compressed' in node.text
