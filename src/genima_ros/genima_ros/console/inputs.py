# SPDX-License-Identifier: Apache-2.0
"""What the graph says, as plain values for the page."""

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from sensor_msgs.msg import JointState

from genima.errors import GenimaError
from genima.robots.profile import RobotProfile
from genima_msgs.msg import ActionChunk, CameraCheck, EpisodeStatus, GuardStatus, NodeStats, RecorderStatus, TargetCheck
from genima_ros.console.listener import Listener
from genima_ros.console.log import ConsoleLog
from genima_ros.console.meters import MEMORY, Meter, percentiles_ms, plain
from genima_ros.console.views import ConsoleViews
from genima_ros.conversions.messages import seconds
from genima_ros.conversions.trajectories import chunk_from_message
from genima_ros.core import qos
from genima_ros.core.caps import keep
from genima_ros.inputs.joint_states import JointStates

MAX_JOINT_AGE_S = 1.0


class ConsoleInputs:
    """Keeps the newest message of each topic while somebody looks.

    Args:
        node: that listens.
        profile: the robot.
        views: is given the chunks.
        log: is told when the guard changes.
    """

    def __init__(self, node: Node, profile: RobotProfile, views: ConsoleViews, log: ConsoleLog) -> None:
        self._node, self._profile, self._views, self._log = node, profile, views, log
        self._joints = JointStates(profile, MAX_JOINT_AGE_S)
        self._meters: dict[str, Meter] = {}
        self._stages: dict[str, deque[float]] = {}
        self._newest: dict[str, dict[str, Any]] = {}
        self._checks: dict[str, dict[str, Any]] = {}
        self.listener = Listener(node)
        add = self.listener.add
        add(JointState, 'joint_states', self._on_joints, qos.NEWEST)
        add(ActionChunk, 'action_chunk', self._on_chunk, qos.COMMAND)
        add(NodeStats, 'node_stats', self._on_stats, qos.STATISTICS)
        add(GuardStatus, 'guard/status', self._on_guard, qos.LATCHED)
        add(TargetCheck, 'target_check', self._on_target_check, qos.COMMAND)
        add(EpisodeStatus, 'episode', self._keep('episode', episode_values), qos.LATCHED)
        add(RecorderStatus, 'recorder/status', self._keep('recorder', recorder_values), qos.LATCHED)
        add(CameraCheck, 'camera_check', self._on_camera_check, qos.STATISTICS)

    def want(self, wanted: bool) -> None:
        """Listen while that is wanted; what was known is forgotten when nobody listened for a while."""
        self.listener.want(wanted)
        if not self.listener.listening:
            for known in (self._newest, self._checks, self._meters, self._stages):
                known.clear()

    def newest(self, name: str) -> dict[str, Any] | None:
        """Return the newest values of `guard`, `episode` or `recorder`; None where nothing is known."""
        return self._newest.get(name)

    def now_s(self) -> float:
        """Return the ROS time [s]."""
        return 1e-9 * self._node.get_clock().now().nanoseconds

    def status(self) -> dict[str, Any]:
        """Return everything that is known, ready for JSON."""
        wall_s, now_s = time.monotonic(), self.now_s()
        meters = {**self._meters, **self._views.meters}
        stages = {}
        for stage, series in self._stages.items():
            p50_ms, p99_ms = percentiles_ms(series)
            stages[stage] = {'p50_ms': p50_ms, 'p99_ms': p99_ms}
        status = {
            'ros_s': now_s,
            'joints': self._joint_values(now_s),
            'streams': {name: meter.read(wall_s, now_s) for name, meter in meters.items()},
            'stages': stages,
            'spheres': self._views.spheres(now_s),
            'checks': list(self._checks.values()),
            **self._newest,
        }
        values: dict[str, Any] = plain(status)
        return values

    def _joint_values(self, now_s: float) -> dict[str, Any] | None:
        try:
            q_rad, stamp_s = self._joints.arm(now_s)
            return {'stamp_s': stamp_s, 'q_rad': q_rad, 'gripper_open': self._joints.gripper_open(now_s)}
        except GenimaError:
            return None

    def _hear(self, stream: str, stamp_s: float) -> None:
        self._meters.setdefault(stream, Meter()).hear(time.monotonic(), self.now_s(), stamp_s)

    def _keep(self, name: str, values: Callable[[Any], dict[str, Any]]) -> Callable[[Any], None]:
        def take(message: Any) -> None:
            self._newest[name] = values(message)

        return take

    def _on_joints(self, message: JointState) -> None:
        stamp_s = seconds(message.header.stamp)
        self._hear('joint_states', stamp_s)
        self._joints.add(message.name, message.position, stamp_s)

    def _on_chunk(self, message: ActionChunk) -> None:
        self._hear('action_chunk', seconds(message.header.stamp))
        try:
            chunk = chunk_from_message(message, self._profile)
            self._views.take_chunk(message)
        except GenimaError as error:
            self._views.complain('chunk', f'chunk not shown: {error}')
            return
        self._newest['chunk'] = {
            'stamp_s': chunk.stamp_s, 'dt_s': chunk.dt_s, 'q_rad': chunk.q_rad, 'gripper_open': chunk.gripper_open,
        }  # fmt: skip

    def _on_stats(self, message: NodeStats) -> None:
        for stage, milliseconds in zip(message.stages, message.milliseconds, strict=False):
            name = f'{message.node}.{stage}'
            keep(self._stages, name, self._stages.get(name, deque(maxlen=MEMORY))).append(float(milliseconds))

    def _on_guard(self, message: GuardStatus) -> None:
        stamp_s = seconds(message.header.stamp)
        self._hear('guard/status', stamp_s)
        before, now = self._newest.get('guard'), guard_values(message)
        if before is not None and before['state'] != now['state']:
            reasons = '; '.join(now['reasons']) or 'all is well'
            self._log.add('guard', f'{before["state"]} → {now["state"]}: {reasons}', now['state'] != 'stopped')
        self._newest['guard'] = now

    def _on_target_check(self, message: TargetCheck) -> None:
        self._hear('target_check', seconds(message.header.stamp))
        names = ('agrees', 'reason', 'distance_m')
        self._newest['target_check'] = {name: getattr(message, name) for name in names}

    def _on_camera_check(self, message: CameraCheck) -> None:
        names = ('camera', 'ok', 'projection_error_px', 'drift_px', 'calibration_age_days', 'pictures')
        values = {name: getattr(message, name) for name in names}
        drift = [float(each) for each in message.drift_direction_px]
        keep(self._checks, message.camera, {**values, 'problems': list(message.problems), 'drift_direction_px': drift})


def guard_values(message: GuardStatus) -> dict[str, Any]:
    """Return a guard's status as plain values."""
    return {
        'stamp_s': seconds(message.header.stamp),
        'state': message.state,
        'armed': bool(message.armed),
        'reasons': list(message.reasons),
        'share': message.share,
        'rate': message.rate,
        'holds': list(message.holds),
        'clock_ahead_s': message.clock_ahead_s,
        'limits': {str(name): float(worst) for name, worst in zip(message.limits, message.worst, strict=False)},
        'chunks': int(message.chunks),
        'violations': {
            str(kind): int(count) for kind, count in zip(message.violations, message.violation_counts, strict=False)
        },
    }


def episode_values(message: EpisodeStatus) -> dict[str, Any]:
    """Return the status of a simulated episode as plain values."""
    names = ('seed', 'elapsed_s', 'success', 'done')
    measures = {str(name): float(value) for name, value in zip(message.measures, message.values, strict=False)}
    return {**{name: getattr(message, name) for name in names}, 'measures': measures}


def recorder_values(message: RecorderStatus) -> dict[str, Any]:
    """Return a recorder's status as plain values."""
    names = ('state', 'episode', 'elapsed_s', 'size_bytes', 'waiting_bytes', 'free_bytes', 'dropped')
    return {**{name: getattr(message, name) for name in names}, 'warnings': list(message.warnings)}
