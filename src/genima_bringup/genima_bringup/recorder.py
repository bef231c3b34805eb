# SPDX-License-Identifier: Apache-2.0
"""Keeps what a graph publishes, in bounded memory."""

from collections import Counter, deque

import numpy as np
from genima_ros.conversions.images import image_array
from genima_ros.conversions.messages import seconds
from genima_ros.conversions.trajectories import chunk_from_message
from genima_ros.core import qos
from genima_ros.core.caps import keep
from genima_ros.inputs.joint_states import JointStates
from genima_ros.inputs.views import ViewBuffer
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image, JointState

from genima.cameras.views import untile
from genima.contract.spec import PolicySpec
from genima.errors import GenimaError
from genima.rig.rig import image_topic, info_topic
from genima.robots.profile import RobotProfile
from genima.sim.usage import JUDGED
from genima_bringup.records import ChunkRecord, EpisodeRecord, Frame, GraphRecord
from genima_msgs.msg import ActionChunk, EpisodeStatus, GuardStatus, NodeStats, TargetCheck, TargetImage

SERIES_LENGTH = 20_000  # joint states of 200 s
TIMINGS_LENGTH = 200_000


class Recorder:
    """Subscribes to the graph; `begin` and `end` cut its stream into episodes.

    Args:
        node: whose subscriptions these are; it uses simulated time.
        spec: contract of the policy.
        frames_per_episode: pictures kept per episode, at most.
    """

    def __init__(self, node: Node, spec: PolicySpec, frames_per_episode: int) -> None:
        self.record = GraphRecord()
        self.status: EpisodeStatus | None = None
        self._node = node
        self._spec = spec
        self._profile = RobotProfile.load(spec.robot)
        self._frames_per_episode = frames_per_episode
        self._views = ViewBuffer(spec.cameras, max_skew_s=0.005)
        self._target: TargetImage | None = None
        self._checked = False
        self._episode: EpisodeRecord | None = None
        self._start_s = float('inf')
        self._keeps_frames = False
        self._listen()

    def begin(self, seed: int, keeps_frames: bool) -> None:
        """Start a new episode; call it before the reset."""
        self._episode = EpisodeRecord(seed)
        self._start_s = float('inf')
        self._began_s = self.now_s()
        self._keeps_frames = keeps_frames
        self._last_frame_s = float('-inf')
        self._joints = JointStates(self._profile, max_age_s=1.0)
        self._joint_rows: deque[tuple[float, ...]] = deque(maxlen=SERIES_LENGTH)
        self._object_rows: deque[tuple[float, ...]] = deque(maxlen=SERIES_LENGTH)
        self._guard: Counter[str] = Counter()

    def sees_new_scene(self) -> bool:
        """Return whether a target image of the new scene has come."""
        return self._target is not None and seconds(self._target.header.stamp) > self._start_s

    @property
    def done(self) -> bool:
        """Whether the running episode is over."""
        return self.status is not None and self._start_s < float('inf') and self.status.done

    def end(self, wall_s: float, timed_out: bool) -> EpisodeRecord:
        """Finish the episode and return it."""
        episode, status = self._episode, self.status
        if episode is None or status is None:
            raise GenimaError('no episode was begun')
        episode.wall_s, episode.timed_out = wall_s, timed_out
        episode.success, episode.elapsed_s = status.success, status.elapsed_s
        episode.measures = dict(zip(status.measures, status.values, strict=False))
        episode.limits = {name: getattr(status, f'{name}_share') for name in JUDGED}
        joints = np.array(self._joint_rows).reshape(-1, self._profile.n_joints + 2)
        episode.joint_time_s, episode.q_rad, episode.gripper_open = joints[:, 0], joints[:, 1:-1], joints[:, -1]
        episode.objects = tuple(status.objects)
        objects = np.array(self._object_rows).reshape(-1, 1 + 7 * len(episode.objects))
        episode.object_time_s = objects[:, 0]
        episode.object_pose = objects[:, 1:].reshape(-1, len(episode.objects), 7)
        episode.guard = dict(self._guard)
        self.record.episodes.append(episode)
        self._episode = None
        return episode

    @property
    def complete(self) -> bool:
        """Whether chunks come, and checks of them where a node makes any."""
        return bool(self.record.chunk_arrivals_s) and (self._checked or not self._node.count_publishers('target_check'))

    def missing(self) -> str:
        """Return what has not been heard of yet."""
        if self.status is None:
            return 'sim_node (no episode status)'
        if self._target is None:
            return 'diffusion_node, or policy_node (no target image)'
        if not self.record.chunk_arrivals_s:
            return 'act_node, or policy_node (no action chunk)'
        return 'target_check_node (no check)'

    def _listen(self) -> None:
        subscribe = self._node.create_subscription
        subscribe(EpisodeStatus, 'episode', self._on_status, qos.LATCHED)
        subscribe(GuardStatus, 'guard/status', self._on_guard, qos.LATCHED)
        subscribe(NodeStats, 'node_stats', self._on_stats, qos.STATISTICS)
        subscribe(ActionChunk, 'action_chunk', self._on_chunk, qos.RELIABLE)
        subscribe(JointState, 'joint_states', self._on_joints, qos.SENSOR)
        subscribe(TargetImage, 'target_image', self._on_target, qos.COMMAND)
        subscribe(TargetCheck, 'target_check', self._on_check, qos.COMMAND)
        for name in self._spec.cameras:
            subscribe(Image, image_topic(name), lambda m, name=name: self._on_image(name, m), qos.NEWEST_RELIABLE)
            subscribe(CameraInfo, info_topic(name), lambda m, name=name: self._views.add_info(name, m), qos.SENSOR)

    def now_s(self) -> float:
        """Return the ROS time [s]."""
        return 1e-9 * self._node.get_clock().now().nanoseconds

    def _on_status(self, message: EpisodeStatus) -> None:
        now_s = seconds(message.header.stamp)
        self.status = message
        self.record.holds, self.record.holds_given_up = message.holds, message.holds_given_up
        if (
            self._episode is None
            or message.seed != self._episode.seed
            or now_s - message.elapsed_s < self._began_s - 0.5
        ):
            return
        self._start_s = now_s - message.elapsed_s
        places = [(each.position, each.orientation) for each in message.poses]
        row = [value for p, o in places for value in (p.x, p.y, p.z, o.x, o.y, o.z, o.w)]
        self._object_rows.append((message.elapsed_s, *row))

    def _on_guard(self, message: GuardStatus) -> None:
        if self._episode is not None:
            self._guard.update(list(message.reasons))

    def _on_stats(self, message: NodeStats) -> None:
        for stage, milliseconds in zip(message.stages, message.milliseconds, strict=False):
            name = f'{message.node}.{stage}'
            series = keep(self.record.timing_ms, name, self.record.timing_ms.get(name, []))
            if len(series) < TIMINGS_LENGTH:
                series.append(float(milliseconds))
        if message.node in ('act_node', 'policy_node'):
            self.record.ticks, self.record.ticks_without_input = message.ticks, message.ticks_without_input
            if len(message.stages) and len(self.record.chunk_published_s) < TIMINGS_LENGTH:
                self.record.chunk_published_s.append(seconds(message.header.stamp))

    def _on_chunk(self, message: ActionChunk) -> None:
        if len(self.record.chunk_arrivals_s) < TIMINGS_LENGTH:
            self.record.chunk_arrivals_s.append(self.now_s())
        if self._episode is not None and self._start_s < float('inf'):
            chunk = chunk_from_message(message, self._profile)
            self._episode.chunks.append(ChunkRecord(chunk.times_s - self._start_s, chunk.q_rad, chunk.gripper_open))

    def _on_check(self, message: TargetCheck) -> None:
        self._checked = True
        if self._episode is not None and seconds(message.header.stamp) > self._start_s:
            self.record.target_distances_m.append(float(message.distance_m))
            self.record.targets_held += not message.agrees

    def _on_joints(self, message: JointState) -> None:
        if self._episode is None or self._start_s == float('inf'):
            return
        time_s = seconds(message.header.stamp)
        self._joints.add(message.name, message.position, time_s)
        try:
            q_rad, _ = self._joints.arm(time_s)
            self._joint_rows.append((time_s - self._start_s, *q_rad, self._joints.gripper_open(time_s)))
        except GenimaError:
            return  # a driver that sends arm and gripper apart has not sent both yet

    def _on_target(self, message: TargetImage) -> None:
        self._target = message

    def _on_image(self, name: str, message: Image) -> None:
        self._views.add_image(name, message, 0.0)
        images = self._views.newest()
        episode = self._episode
        if episode is None or not self._keeps_frames or images is None or images.stamp_s <= self._last_frame_s:
            return
        if images.stamp_s < self._start_s or len(episode.frames) >= self._frames_per_episode:
            return
        self._last_frame_s = images.stamp_s
        views = np.stack([image_array(image, image_topic(name)) for image in images.images])
        target = None if self._target is None else untile(image_array(self._target.image, 'target_image'), len(views))
        episode.frames.append(Frame(images.stamp_s - self._start_s, views, target))
