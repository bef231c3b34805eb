# SPDX-License-Identifier: Apache-2.0
"""diffusion_node: a target image per set of views, and a word about every camera that it cannot use."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from genima_ros.conversions.images import image_array, image_message
from genima_ros.conversions.messages import camera_info_message, seconds
from genima_ros.core import qos
from sensor_msgs.msg import CameraInfo, Image

from genima.cameras.model import CameraModel
from genima.contract.spec import PolicySpec
from genima.rig.rig import image_topic, info_topic
from genima_msgs.msg import NodeStats, TargetImage

CAMERA = CameraModel('any', 160, 128, np.array([[130.0, 0, 79.5], [0, 130.0, 63.5], [0, 0, 1]]))


class Cameras:
    """Streams all cameras of a policy; single ones can be left out or replaced."""

    def __init__(self, probe, spec: PolicySpec) -> None:  # type: ignore[no-untyped-def]
        self._probe = probe
        self._images = {name: probe.create_publisher(Image, image_topic(name), qos.RELIABLE) for name in spec.cameras}
        self._infos = {name: probe.create_publisher(CameraInfo, info_topic(name), qos.RELIABLE) for name in spec.cameras}
        self.last_s = 0.0

    def stream(self, duration_s: float, without: str = '', depth: str = '') -> None:
        end_s = self.now_s + duration_s
        while self.now_s < end_s:
            self.last_s = self.now_s
            for name in self._images:
                if name == without:
                    continue
                image = image_message(np.full((128, 160, 3), 90, dtype=np.uint8), self.last_s, f'{name}_optical_frame')
                if name == depth:
                    image.encoding = '16UC1'
                self._infos[name].publish(camera_info_message(CAMERA, self.last_s, f'{name}_optical_frame'))
                self._images[name].publish(image)
            self._probe.spin_for(0.1)

    @property
    def now_s(self) -> float:
        return 1e-9 * self._probe.get_clock().now().nanoseconds


def test_it_paints_what_it_can_and_says_what_it_cannot(start: Callable, probe, policy: Path) -> None:  # type: ignore[no-untyped-def, type-arg]
    spec = PolicySpec.load(policy)
    cameras = Cameras(probe, spec)
    targets = probe.listen(TargetImage, 'target_image', qos.COMMAND)
    stats = probe.listen(NodeStats, 'node_stats', qos.RELIABLE)
    node = start('diffusion_node', policy=policy, reliable_images=True, threads=1)
    node.wait_for('painter ready')
    assert 'back end torch (auto: ' in node.text and 'the painter has not been exported' in node.text

    cameras.stream(1.0, without='wrist')
    node.wait_for("camera 'wrist': no image yet on cameras/wrist/image_raw", 5.0)
    assert not targets

    cameras.stream(2.0)
    probe.spin_until(lambda: targets and stats, 10.0)
    target = targets[-1]
    assert target.contract == spec.hash()
    assert tuple(target.cameras) == spec.cameras
    assert target.horizon_s == pytest.approx(1.0)
    assert image_array(target.image, 'x').shape == (256, 256, 3)
    assert 0.0 < cameras.now_s - seconds(target.header.stamp) < 10.0
    assert list(stats[-1].stages) == ['prepare', 'paint', 'publish', 'age']

    cameras.stream(1.0, depth='front')
    node.wait_for("camera 'front', topic cameras/front/image_raw: encoding '16UC1'", 5.0)
    probe.spin_for(0.5)
    targets.clear()
    cameras.stream(1.0, depth='front')
    assert not targets

    code, took_s = node.end()
    assert code == 0, node.text
    assert took_s < 10.0
    assert 'Traceback' not in node.text


@pytest.mark.parametrize('part', ['policy.yaml', 'painter/model_index.json'])
def test_an_incomplete_policy_is_one_clear_line(start: Callable, policy: Path, tmp_path: Path, part: str) -> None:  # type: ignore[type-arg]
    for path in policy.rglob('*'):
        if path.is_file() and str(path.relative_to(policy)) != part:
            copy = tmp_path / path.relative_to(policy)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)  # links that leave the folder are refused
    node = start('diffusion_node', policy=tmp_path)
    assert node.exit_code() == 1
    assert f'error: {tmp_path}/{part} is missing' in node.text
    assert 'Traceback' not in node.text


@pytest.mark.parametrize(
    ('node_name', 'backend', 'words'),
    [
        ('act_node', 'onnxruntime', 'the controller has not been exported; genima export'),
        ('diffusion_node', 'onyx', "back end 'onyx': allowed are auto, torch"),
    ],
)
def test_a_back_end_that_cannot_be_is_one_clear_line(
    start: Callable, policy: Path, node_name: str, backend: str, words: str  # type: ignore[type-arg]
) -> None:
    node = start(node_name, policy=policy, backend=backend)
    assert node.exit_code(60.0) == 1
    assert 'error: ' in node.text and words in node.text
    assert 'Traceback' not in node.text
