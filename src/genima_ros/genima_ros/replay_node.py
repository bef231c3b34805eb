# SPDX-License-Identifier: Apache-2.0
"""Plays a recording to a graph that has no robot, and says what policy and guard made of it."""

import math
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any, NoReturn

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.publisher import Publisher
from rosgraph_msgs.msg import Clock

from genima.errors import GenimaError
from genima.recording.playback import driver_messages
from genima.recording.reader import Bag, RawMessage
from genima.recording.rosbag2 import Topic
from genima_msgs.msg import GuardStatus, TargetImage
from genima_ros.conversions.messages import stamp
from genima_ros.core import qos
from genima_ros.core.parameters import declare
from genima_ros.core.run import run
from genima_ros.core.sturdy import SturdyNode
from genima_ros.guard.inputs import message_type

CLOCK_S = 0.01
SURVEY_S = 5.0  # what drivers publish is heard within the first seconds; the rest of a large recording is read once
SPIN_S = 0.002
AFTER_S = 1.0  # what was played last is still judged
PATIENCE_S = 120.0  # a painter takes its time to load
LATCHED_TEXT = 'durability: 1'


class ReplayNode(SturdyNode):
    """Is the clock of the graph, and publishes what drivers said when they said it."""

    def __init__(self) -> None:
        super().__init__('replay_node')
        folder = declare(self, 'bag', '', 'Recording to play: a rosbag2 folder or one .mcap file.')
        self._rate = declare(self, 'rate', 1.0, 'Recorded seconds per second.', between=(0.01, 100.0))
        listeners = declare(self, 'wait_for', [''], 'Nodes that must have subscribed before it begins; empty: none.')
        self._awaited = {name for name in listeners if name}
        if not folder:
            raise GenimaError('replay_node: no recording is given; set the parameter bag')
        self._bag = Bag(folder)
        self._played: dict[str, Publisher | None] = {}
        self._clock = self.create_publisher(Clock, '/clock', qos.RELIABLE)
        self._targets = 0
        self._guard: GuardStatus | None = None
        self.create_subscription(TargetImage, 'target_image', self._on_target, qos.COMMAND)
        self.create_subscription(GuardStatus, 'guard/status', self._on_guard, qos.LATCHED)

    def run(self) -> None:
        """Play all.

        Raises:
            GenimaError: if the recording has nothing that can be played, or nobody listens.
        """
        self._spinner = SingleThreadedExecutor()
        self._spinner.add_node(self)
        begin_ns = self._survey()
        if not any(self._played.values()):
            raise GenimaError(f'{self._bag.files[0].parent}: no topic of cameras, joints or tf in it; nothing to play')
        self._wait_for_listeners()
        self._play(driver_messages(self._bag), begin_ns)
        self.get_logger().info(self._summary())

    def _survey(self) -> int:
        """Offer what is played, and return when the recording begins [ns]."""
        begin_ns = 0
        for due_s, raw in driver_messages(self._bag):
            begin_ns = begin_ns or raw.log_time_ns
            if due_s > SURVEY_S:
                break
            self._publisher(raw.topic)
        return begin_ns

    def _publisher(self, topic: Topic) -> Publisher | None:
        """Return the publisher of a topic; None where its messages are not installed."""
        if topic.name not in self._played:
            self._played[topic.name] = self._offer(topic)
        return self._played[topic.name]

    def _offer(self, topic: Topic) -> Publisher | None:
        try:
            kind = message_type(topic.kind)
        except GenimaError as error:
            self.get_logger().warning(f'{topic.name} is not played: {error}')
            return None
        latched = LATCHED_TEXT in topic.qos or topic.name.endswith('/tf_static')
        return self.create_publisher(kind, topic.name, qos.STATIC_FRAMES if latched else qos.RELIABLE)

    def _wait_for_listeners(self) -> None:
        """Wait until every node that was named listens to something that is played."""
        end_s = time.monotonic() + PATIENCE_S
        while missing := self._awaited - self._listeners():
            if time.monotonic() > end_s:
                raise GenimaError(
                    f'{", ".join(sorted(missing))} subscribed to nothing of {", ".join(self._played)} within'
                    f' {PATIENCE_S:.0f} s; are these the topics of your cameras? a rig file (rig:=FILE) maps others'
                )
            self._spin(0.1)

    def _listeners(self) -> set[str]:
        names = [name for name, publisher in self._played.items() if publisher is not None]
        return {info.node_name for name in names for info in self.get_subscriptions_info_by_topic(name)}

    def _play(self, messages: Iterable[tuple[float, RawMessage]], begin_ns: int) -> None:
        start_s, clock_s = time.monotonic(), -math.inf
        for due_s, raw in messages:
            while (now_s := (time.monotonic() - start_s) * self._rate) < due_s:
                if now_s >= clock_s + CLOCK_S:
                    clock_s = self._tick(begin_ns, now_s)
                self._spin(min(SPIN_S, (due_s - now_s) / self._rate))
            if due_s >= clock_s + CLOCK_S:
                clock_s = self._tick(begin_ns, due_s)
            publisher = self._publisher(raw.topic)
            if publisher is not None:
                publisher.publish(bytes(raw.data))
        end_s = time.monotonic() + AFTER_S
        while time.monotonic() < end_s:
            self._spin(SPIN_S)

    def _tick(self, begin_ns: int, now_s: float) -> float:
        self._clock.publish(Clock(clock=stamp(1e-9 * begin_ns + now_s)))
        return now_s

    def _spin(self, timeout_s: float) -> None:
        if not rclpy.ok():
            raise KeyboardInterrupt
        self._spinner.spin_once(timeout_sec=timeout_s)

    def _on_target(self, message: TargetImage) -> None:
        self._targets += 1

    def _on_guard(self, message: GuardStatus) -> None:
        self._guard = message

    def _summary(self) -> str:
        played = f'played; {self._targets} target images'
        if self._guard is None:
            return f'{played}; the guard said nothing'
        counts: Counter[Any] = Counter(dict(zip(self._guard.violations, self._guard.violation_counts, strict=False)))
        refused = ', '.join(f'{kind} {count}' for kind, count in counts.most_common()) or 'nothing'
        return f'{played}; {self._guard.chunks} chunks would have moved the arm; refused or limited: {refused}'


def main() -> NoReturn:
    """Run the node."""
    run(ReplayNode)


if __name__ == '__main__':
    main()
