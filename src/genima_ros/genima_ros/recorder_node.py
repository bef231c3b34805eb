# SPDX-License-Identifier: Apache-2.0
"""Records episodes as they come over the wire, says how it goes, and never loses anything in silence."""

import shutil
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import rclpy
from rclpy.clock import Clock, ClockType
from std_msgs.msg import String

from genima.episodes.episode import FAILURES
from genima.errors import DatasetError, GenimaError
from genima.recording.bagfile import COMPRESSIONS
from genima.recording.layout import is_finished, list_recordings
from genima.recording.queued import CLOSING_S
from genima.robots.profile import RobotProfile
from genima_msgs.msg import RecorderStatus
from genima_msgs.srv import EndEpisode, MarkEvent, StartEpisode
from genima_ros.conversions.messages import stamp
from genima_ros.core import qos
from genima_ros.core.parameters import declare
from genima_ros.core.run import run
from genima_ros.core.sturdy import SturdyNode
from genima_ros.recording.episode import RecordedEpisode, in_words
from genima_ros.recording.provenance import Provenance
from genima_ros.recording.streams import RecordedStreams
from genima_ros.recording.topics import EVENTS, bag_topic, recorded_streams
from genima_ros.rig.parameter import declared_rig

STATUS_S = 0.5
COMPLAINT_PERIOD_S = 2.0
MARKS = ('mark', 'ignore_begin', 'ignore_end')
OUTCOMES = ('success', 'failure', 'discard')


class RecorderNode(SturdyNode):
    """Watches its streams all the time; writes while an episode runs. Callbacks only queue what comes."""

    def __init__(self) -> None:
        super().__init__('recorder_node')
        robot = declare(self, 'robot', 'panda', 'Robot profile: a name in config/robots or a file.')
        controller = declare(self, 'controller', '', 'Name of the joint_trajectory_controller.')
        rig = declared_rig(self)
        reliable = declare(self, 'reliable_sensors', False, 'Ask drivers to repeat lost messages (reliable QoS).')
        out = declare(self, 'out', 'recordings', 'Folder of the recordings.')
        self._compression = declare(self, 'compression', 'lz4', 'Of the files: none, lz4 or zstd.')
        queue_mb = declare(self, 'queue_mb', 512, 'Messages that may wait for the disk [MB].', between=(1, 65536))
        reserve_gb = declare(
            self, 'reserve_gb', 5.0, 'Free disk space without which no episode begins [GB]; at half of it, it ends.',
            between=(0.0, 10000.0),
        )  # fmt: skip
        if self._compression not in COMPRESSIONS:
            raise GenimaError(f'parameter compression: {self._compression!r}; allowed: {", ".join(COMPRESSIONS)}')
        profile = RobotProfile.load(robot)
        if not controller:
            raise GenimaError(f'parameter controller is empty; {profile.name} has {profile.controllers}')
        self._out = Path(out).expanduser().absolute()
        self._queue_bytes, self._reserve_bytes = queue_mb * 1_000_000, int(reserve_gb * 1e9)
        self._simulated = bool(self.get_parameter('use_sim_time').value)
        self._provenance = Provenance(self, profile, rig)
        self._episode: RecordedEpisode | None = None
        self._last = ''
        self._streams = RecordedStreams(self, recorded_streams(rig, controller, self._simulated), reliable)
        self._events = self.create_publisher(String, EVENTS, qos.STATISTICS)
        self._status = self.create_publisher(RecorderStatus, 'recorder/status', qos.LATCHED)
        self.create_service(StartEpisode, '~/start_episode', self._on_start)
        self.create_service(EndEpisode, '~/end_episode', self._on_end)
        self.create_service(MarkEvent, '~/mark_event', self._on_mark)
        self.create_timer(STATUS_S, self._tick, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._prepare_folder()
        self.get_logger().info(f'recorder ready: {profile.name}, cameras {", ".join(rig.names)}, into {self._out}')

    def close(self) -> None:
        """Finish the episode that runs."""
        if self._episode is not None:
            self._end(self._episode, 'unfinished', None, 'the recorder was told to end while it recorded')

    def _prepare_folder(self) -> None:
        try:
            self._out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise GenimaError(f'parameter out: {self._out} cannot be made: {error}') from error
        with suppress(DatasetError):  # there is none yet
            for path in list_recordings(self._out):
                if not is_finished(path):
                    self.get_logger().warning(f'{path} was not finished: `genima dataset repair` keeps what was written')

    def _now_ns(self) -> int:
        return int(self.get_clock().now().nanoseconds)

    def _free_bytes(self) -> int:
        return shutil.disk_usage(self._out).free

    def _refusal(self) -> str | None:
        """Return why no episode can begin."""
        if self._episode is not None:
            return f'{self._episode.name} is being recorded; end it first'
        if self._simulated and self._now_ns() == 0:
            return 'there is no simulated time yet: is the simulation running?'
        silent = self._streams.silent()
        if silent:
            return f'nothing comes on {", ".join(silent)}: start what publishes there, or record without it'
        crowded = self._streams.crowded()
        if crowded:
            what = 'is another robot or simulation running? Stop it, or give it another ROS_DOMAIN_ID'
            return f'several programs publish {", ".join(crowded)}: {what}'
        free_bytes = self._free_bytes()
        if free_bytes < self._reserve_bytes:
            wanted = f'{1e-9 * self._reserve_bytes:.1f} GB are wanted (parameter reserve_gb)'
            return f'{1e-9 * free_bytes:.1f} GB are free at {self._out}, {wanted}: make room'
        return None

    def _on_start(self, request: StartEpisode.Request, response: StartEpisode.Response) -> StartEpisode.Response:
        refusal = self._refusal()
        try:
            response.success = refusal is None
            response.message = refusal or self._begin(request.instruction, request.seed)
        except DatasetError as error:
            response.success, response.message = False, str(error)
        if response.success and self._episode is not None:
            response.folder = str(self._episode.bag.folder)
            self.get_logger().info(response.message)
        else:
            self.get_logger().error(f'no episode: {response.message}')
        return response

    def _begin(self, instruction: str, seed: int) -> str:
        provenance = self._provenance.read(self._simulated, instruction, seed)
        events = self.resolve_topic_name(EVENTS)
        topics, now_ns = [*self._streams.topics(), bag_topic(self, events, String)], self._now_ns()
        self._episode = RecordedEpisode(self._out, topics, events, provenance, self._compression, self._queue_bytes, now_ns)
        self._streams.begin(self._episode.queue, now_ns)
        self._mark(self._episode, 'start', provenance['instruction'])
        self._last = self._episode.name
        return f'{self._last}: recording'

    def _on_end(self, request: EndEpisode.Request, response: EndEpisode.Response) -> EndEpisode.Response:
        response.success = False
        episode = self._episode
        if episode is None:
            response.message = 'no episode is being recorded'
        elif request.outcome not in OUTCOMES:
            response.message = f'outcome {request.outcome!r}; allowed: {", ".join(OUTCOMES)}'
        elif (request.outcome == 'failure') != (request.cause in FAILURES) or (
            request.cause and request.outcome != 'failure'
        ):
            allowed = f'a failure has one of {", ".join(FAILURES)}, and nothing else has one'
            response.message = f'outcome {request.outcome!r} with cause {request.cause!r}: {allowed}'
        else:
            response.success, response.message = self._end(episode, request.outcome, request.cause or None, request.note)
            response.folder = str(episode.bag.folder) if request.outcome != 'discard' else ''
        return response

    def _on_mark(self, request: MarkEvent.Request, response: MarkEvent.Response) -> MarkEvent.Response:
        response.success = self._episode is not None and request.kind in MARKS
        if self._episode is None:
            response.message = 'no episode is being recorded'
        elif not response.success:
            response.message = f'kind {request.kind!r}; allowed: {", ".join(MARKS)}'
        else:
            self._mark(self._episode, request.kind, request.note)
        return response

    def _mark(self, episode: RecordedEpisode, kind: str, note: str) -> None:
        self._events.publish(episode.mark(kind, note, self._now_ns()))

    def _end(self, episode: RecordedEpisode, outcome: str, cause: str | None, note: str) -> tuple[bool, str]:
        """End an episode; return whether it is on the disk (or was removed, as asked), and what became of it."""
        if outcome != 'unfinished':
            self._mark(episode, outcome, note)
        elapsed_s = 1e-9 * (self._now_ns() - episode.start_ns)
        self._streams.end()
        self._episode = None
        self._publish('finishing', None, [])
        try:
            if outcome == 'discard':
                episode.discard()
                words, lost = f'{episode.name}: discarded after {elapsed_s:.1f} s', False
            else:
                summary = episode.finish(outcome, cause, note, self._streams.report(), self._streams.packets_dropped)
                words, lost = in_words(episode.name, summary, elapsed_s), summary['dropped'] > 0
        except (DatasetError, OSError) as error:
            self.get_logger().error(f'{episode.name} was not finished: {error}')
            return False, f'{episode.name} was not finished: {error}'
        if lost:  # two calls: rclpy raises a ValueError where one call has another severity than before
            self.get_logger().error(words)
        else:
            self.get_logger().info(words)
        return True, words

    def _tick(self) -> None:
        warnings = self._warnings()
        episode = self._episode
        if episode is not None and (episode.queue.trouble or self._free_bytes() < self._reserve_bytes // 2):
            trouble = episode.queue.trouble or f'{1e-9 * self._free_bytes():.1f} GB are free: the disk is nearly full'
            self.get_logger().error(f'{episode.name} is ended: {trouble}')
            self._end(episode, 'unfinished', None, trouble)
            warnings.append(trouble)
        self._publish('idle' if self._episode is None else 'recording', self._episode, warnings)

    def _warnings(self) -> list[str]:
        lines = [f'nothing comes on {name}' for name in self._streams.silent()]
        lines += [f'several programs publish {name}' for name in self._streams.crowded()]
        lines += [*self._streams.pauses(), *self._streams.losses()] if self._episode is not None else []
        if self._free_bytes() < self._reserve_bytes:
            lines.append(f'{1e-9 * self._free_bytes():.1f} GB are free at {self._out}')
        if self._episode is not None:
            for name, count in self._episode.queue.dropped.items():
                reason = self._episode.queue.trouble or 'the disk is too slow'
                lines.append(f'{count} messages of {name} were dropped: {reason}')
            if lines:
                self.get_logger().warning('; '.join(lines), throttle_duration_sec=COMPLAINT_PERIOD_S)
        return lines

    def _publish(self, state: str, episode: RecordedEpisode | None, warnings: list[str]) -> None:
        if not rclpy.ok():
            return  # the last episode is finished after that
        watches = self._streams.watches
        now_ns = self._now_ns()
        message = RecorderStatus(
            state=state,
            episode=self._last,
            free_bytes=self._free_bytes(),
            topics=list(watches),
            counts=[watch.count for watch in watches.values()],
            rates_hz=[float(watch.rate_hz) for watch in watches.values()],
            missing=[watch.missing for watch in watches.values()],
            lost=[watch.lost for watch in watches.values()] if self._streams.counts_lost else [],
            packets_dropped=self._streams.packets_dropped,
            largest_gaps_s=[float(watch.largest_gap_s) for watch in watches.values()],
            warnings=warnings,
        )
        if episode is not None:
            message.elapsed_s = 1e-9 * (now_ns - episode.start_ns)
            message.size_bytes, message.waiting_bytes = episode.bag.size_bytes, episode.queue.waiting_bytes
            message.dropped = sum(episode.queue.dropped.values())
        message.header.stamp = stamp(now_ns)
        self._status.publish(message)


def main() -> NoReturn:
    """Run the node."""
    run(RecorderNode, closing_s=CLOSING_S)


if __name__ == '__main__':
    main()
