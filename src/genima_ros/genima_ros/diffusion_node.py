# SPDX-License-Identifier: Apache-2.0
"""The painter as a node: camera views in, target images out, as fast as it can and never in anybody's way."""

import time
from itertools import pairwise
from typing import NoReturn

from sensor_msgs.msg import Image

from genima.cameras.views import tile
from genima.contract.spec import PolicySpec
from genima.errors import GenimaError
from genima.stamps import is_overtaken
from genima_msgs.msg import NodeStats, TargetImage
from genima_ros.conversions.images import image_message
from genima_ros.conversions.messages import stamp
from genima_ros.core import qos
from genima_ros.core.devices import BACK_END, check_device
from genima_ros.core.diagnostics import refuse
from genima_ros.core.parameters import declare
from genima_ros.core.run import run
from genima_ros.core.sturdy import SturdyNode
from genima_ros.core.worker import LatestWorker
from genima_ros.inputs.view_inputs import ViewInputs
from genima_ros.inputs.views import ImageSet


class DiffusionNode(SturdyNode):
    """Paints the newest synchronised views in a thread of its own; its callbacks only keep what comes."""

    def __init__(self) -> None:
        super().__init__('diffusion_node')
        policy = declare(self, 'policy', '', 'Policy directory with policy.yaml and painter/.')
        device = declare(self, 'device', 'cpu', 'Torch device of the painter: cpu or cuda.')
        threads = declare(self, 'threads', 2, 'CPU threads of the painter.', between=(1, 256))
        back_end = declare(self, 'backend', 'auto', BACK_END)
        self.spec = PolicySpec.load(policy)
        declare(self, 'instruction', self.spec.instruction, 'The task in words; may change at run time.', live=True)
        self._views = ViewInputs(self, self.spec, 'painting')
        self._submitted_s = float('-inf')
        self._ticks = 0
        self._target = self.create_publisher(TargetImage, 'target_image', qos.COMMAND)
        self._picture = self.create_publisher(Image, 'target_image/image', qos.COMMAND)
        self._stats = self.create_publisher(NodeStats, 'node_stats', qos.STATISTICS)
        self._load(policy, device, threads, back_end)
        self._worker = LatestWorker(self._work, 'painter')
        self._views.listen(self._submit)

    def close(self) -> None:
        """Let the painter finish its picture, for a moment."""
        self._worker.close()

    def _load(self, policy: str, device: str, threads: int, back_end: str) -> None:
        from genima.painter.backend import load_any_painter  # torch takes seconds to import; Ctrl-C works meanwhile

        self._painter, words = load_any_painter(policy, check_device(device), threads, back_end)
        self.get_logger().info(
            f'painter ready: policy {policy}, contract {self.spec.hash()}, robot {self.spec.robot},'
            f' cameras {", ".join(self.spec.cameras)}, device {device}, {threads} threads,'
            f' back end {words}'
        )

    def _submit(self) -> None:
        images = self._views.newest()
        if images is None or images.stamp_s == self._submitted_s or is_overtaken(images.stamp_s, self._submitted_s):
            return
        self._submitted_s = images.stamp_s
        self._worker.submit(images)

    def _work(self, images: ImageSet) -> None:
        try:
            self._paint(images)
        except GenimaError as error:
            refuse(self, 'views', f'not painting: {error}', severe=True)

    def _paint(self, images: ImageSet) -> None:
        begun_s = self._now_s()
        marks_s = [time.perf_counter()]
        views = self._views.prepare(images)
        marks_s.append(time.perf_counter())
        instruction = self.get_parameter('instruction').value
        painted = self._painter.paint(views, instruction)
        marks_s.append(time.perf_counter())
        if self._worker.closing:
            return
        picture = image_message(tile(painted), stamp(images.stamp_ns), '')
        message = TargetImage(
            header=picture.header, contract=self.spec.hash(), instruction=instruction, cameras=list(self.spec.cameras),
            image=picture,
            unchanged_s=list(images.unchanged_s), horizon_s=self.spec.horizon_steps / self.spec.control_rate_hz,
        )  # fmt: skip
        self._target.publish(message)
        self._picture.publish(picture)
        marks_s.append(time.perf_counter())
        self._ticks += 1
        age_s = self._now_s() - images.stamp_s
        stages_ms = [1e3 * (end - start) for start, end in pairwise(marks_s)]
        self._report(begun_s, ['prepare', 'paint', 'publish', 'age'], [*stages_ms, 1e3 * age_s])

    def _now_s(self) -> float:
        return 1e-9 * self.get_clock().now().nanoseconds

    def _report(self, begun_s: float, stages: list[str], milliseconds: list[float]) -> None:
        message = NodeStats(
            tick=stamp(begun_s), node=self.get_name(), stages=stages, milliseconds=milliseconds, ticks=self._ticks
        )
        message.header.stamp = stamp(self._now_s())
        self._stats.publish(message)


def main() -> NoReturn:
    """Run the node."""
    run(DiffusionNode)


if __name__ == '__main__':
    main()
