# SPDX-License-Identifier: Apache-2.0
"""Remembers the last seconds of everything, and keeps those around a moment that an operator flags."""

import os
import shutil
import time
from pathlib import Path
from typing import Any, NoReturn

from rclpy.clock import Clock, ClockType

from genima.contract.spec import PolicySpec
from genima.errors import DatasetError, GenimaError
from genima.failures.causes import check_cause
from genima.failures.cutter import Cutter
from genima.failures.layout import SEGMENT
from genima.recording.bagfile import COMPRESSIONS
from genima.recording.numbered import next_number, numbered_name
from genima.recording.queued import CLOSING_S
from genima.recording.rosbag2 import Topic
from genima.robots.profile import RobotProfile
from genima_msgs.srv import FlagFailure
from genima_ros.core.parameters import declare
from genima_ros.core.run import run
from genima_ros.core.sturdy import SturdyNode
from genima_ros.failures.provenance import FailureProvenance
from genima_ros.failures.writer import SegmentJob, SegmentWriter
from genima_ros.recording.streams import RecordedStreams
from genima_ros.recording.topics import failure_streams
from genima_ros.rig.parameter import declared_rig

TICK_S = 0.1
NICE = 10  # it must never take time from what moves the arm


class FailureNode(SturdyNode):
    """Callbacks only remember what comes; a thread of its own writes."""

    def __init__(self) -> None:
        super().__init__('failure_node')
        policy = declare(self, 'policy', '', 'Policy directory that runs; empty: none.')
        robot = declare(self, 'robot', '', 'Robot profile (name or file); empty: the one that the policy names.')
        controller = declare(self, 'controller', '', 'Name of the joint_trajectory_controller.')
        reliable = declare(self, 'reliable_sensors', False, 'Ask drivers to repeat lost messages (reliable QoS).')
        out = declare(self, 'out', 'failures', 'Folder of the segments.')
        seconds = declare(self, 'seconds', 10.0, 'How much is remembered [s].', between=(1.0, 120.0))
        after_s = declare(self, 'after_s', 3.0, 'How much after a flag belongs to it [s].', between=(0.0, 60.0))
        memory_mb = declare(self, 'memory_mb', 512, 'Of the memory; above it, it is shorter [MB].', between=(1, 65536))
        reserve_gb = declare(
            self, 'reserve_gb', 1.0, 'Free disk space without which nothing is kept [GB].', between=(0.0, 10000.0)
        )
        self._compression = declare(self, 'compression', 'lz4', 'Of the files: none, lz4 or zstd.')
        diagnose = declare(self, 'diagnose', True, 'Say what the data say about a failure, as soon as it is written.')
        if self._compression not in COMPRESSIONS:
            raise GenimaError(f'parameter compression: {self._compression!r}; allowed: {", ".join(COMPRESSIONS)}')
        if not controller:
            raise GenimaError('parameter controller is empty; name the joint_trajectory_controller of the arm')
        spec = PolicySpec.load(policy) if policy else None
        profile = RobotProfile.load(robot or (spec.robot if spec else ''))
        rig = declared_rig(self, spec.cameras if spec else ())
        self._out, self._reserve_bytes = Path(out).expanduser().absolute(), int(reserve_gb * 1e9)
        self._simulated = bool(self.get_parameter('use_sim_time').value)
        self._provenance = FailureProvenance(self, profile, rig, policy, spec)
        streams = failure_streams(rig, controller, self._simulated)
        holds = {self.resolve_topic_name(stream.name): stream.holds for stream in streams}
        self._cutter = Cutter(seconds, after_s, memory_mb * 1_000_000, holds)
        self._writer = SegmentWriter(self.get_logger(), diagnose and spec is not None)
        # when the node ends, nobody can be asked any more
        self._known: dict[Path, tuple[list[Topic], dict[str, Any]]] = {}
        self._prepare_folder()
        self._next = next_number(self._out, SEGMENT)
        self._streams = RecordedStreams(self, streams, reliable)
        self._streams.begin(self._cutter, self._now_ns())
        self.create_service(FlagFailure, '~/flag', self._on_flag)
        self.create_timer(TICK_S, self._hand_over, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self.get_logger().info(
            f'failures ready: {profile.name}, {seconds:.0f} s before and {after_s:.0f} s after a flag, into {self._out}'
        )

    def close(self) -> None:
        """Write what was flagged, with what has come until now."""
        self._streams.end()
        self._hand_over(ending=True)
        self._writer.close()

    def _prepare_folder(self) -> None:
        try:
            self._out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise GenimaError(f'parameter out: {self._out} cannot be made: {error}') from error

    def _now_ns(self) -> int:
        return int(self.get_clock().now().nanoseconds)

    def _on_flag(self, request: FlagFailure.Request, response: FlagFailure.Response) -> FlagFailure.Response:
        try:
            folder = self._begin(request.cause, request.note, request.seconds_ago)
            response.success, response.folder = True, str(folder)
            response.message = ' '.join(filter(None, (f'{folder.name}: kept in a few seconds.', self._writer.trouble)))
            self.get_logger().info(f'flagged: {request.cause}, {folder.name}')
        except DatasetError as error:
            response.success, response.message = False, str(error)
            self.get_logger().error(f'not flagged: {error}')
        return response

    def _begin(self, cause: str, note: str, seconds_ago: float) -> Path:
        check_cause(cause)
        if self._simulated and self._now_ns() == 0:
            raise DatasetError('there is no simulated time yet: is the simulation running?')
        free_bytes = shutil.disk_usage(self._out).free
        wanted_bytes = self._reserve_bytes + 2 * self._cutter.ring.size_bytes
        if free_bytes < wanted_bytes:
            raise DatasetError(
                f'{1e-9 * free_bytes:.1f} GB are free at {self._out}, {1e-9 * wanted_bytes:.1f} GB are wanted '
                '(parameter reserve_gb): make room'
            )
        folder = self._out / numbered_name(SEGMENT, max(self._next, next_number(self._out, SEGMENT)))
        self._cutter.flag(folder, self._provenance.flag(cause, note), seconds_ago, self._now_ns(), time.monotonic())
        self._next = int(folder.name.rpartition('_')[2]) + 1
        self._known[folder] = self._streams.topics(), self._provenance.of_bag(self._simulated)
        return folder

    def _hand_over(self, ending: bool = False) -> None:
        """Give complete segments to the writer."""
        for segment in self._cutter.ready(self._now_ns(), time.monotonic(), ending):
            topics, provenance = self._known.pop(segment.folder)
            self._writer.put(SegmentJob(segment, topics, provenance, self._compression))


def main() -> NoReturn:
    """Run the node."""
    os.nice(NICE)
    run(FailureNode, closing_s=CLOSING_S)


if __name__ == '__main__':
    main()
