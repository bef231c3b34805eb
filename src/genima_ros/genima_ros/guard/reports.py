# SPDX-License-Identifier: Apache-2.0
"""What the guard says: its status, a heartbeat for a watchdog, and diagnostics for standard tools."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node
from std_msgs.msg import Header

from genima.guard.guard import Guard
from genima.guard.status import GuardStatus as Judgement
from genima_msgs.msg import GuardStatus
from genima_ros.conversions.messages import stamp
from genima_ros.core import qos

STATUS_TICKS = 5  # unchanged status is repeated at 10 Hz
DIAGNOSTICS_TICKS = 50  # 1 Hz
LEVELS = {
    'moving': DiagnosticStatus.OK,
    'holding': DiagnosticStatus.WARN,
    'disarmed': DiagnosticStatus.WARN,
    'stopped': DiagnosticStatus.ERROR,
}


@dataclass(frozen=True)
class Surroundings:
    """What the guard sees around it.

    Attributes:
        clock_ahead_s: How much the clock here is ahead of that of the robot's controller; None: not known [s].
        holds: All that keeps the arm from moving, in plain words.
    """

    clock_ahead_s: float | None = None
    holds: tuple[str, ...] = ()

    @classmethod
    def of(cls, guard: Guard) -> 'Surroundings':
        """Return what a guard sees."""
        return cls(guard.clock_ahead_s, tuple(reason.text for reason in guard.holds()))


class GuardReports:
    """Publishes status after each chunk, when it changed in kind, and now and then; the heartbeat with each tick.

    Args:
        node: that publishes.
        hardware: name of the robot, for the diagnostics.
        surroundings: gives what the guard sees around it.
    """

    def __init__(self, node: Node, hardware: str, surroundings: Callable[[], Surroundings]) -> None:
        self._node, self._hardware, self._surroundings = node, hardware, surroundings
        self._told: Judgement | None = None
        self._told_chunk = Time()
        self._ticks = self._ticks_since_told = 0
        self._status = node.create_publisher(GuardStatus, 'guard/status', qos.LATCHED)
        self._heartbeat = node.create_publisher(Header, 'guard/heartbeat', qos.COMMAND)
        self._diagnostics = node.create_publisher(DiagnosticArray, '/diagnostics', qos.RELIABLE)

    def tick(self, now_s: float, status: Judgement) -> None:
        """Show that the guard is alive: a watchdog that misses `guard/heartbeat` for 0.2 s may cut the power."""
        self._ticks += 1
        self._heartbeat.publish(Header(stamp=stamp(now_s)))
        if self._ticks % DIAGNOSTICS_TICKS == 0:
            message = DiagnosticArray(status=[diagnostic(status, self._hardware, self._surroundings())])
            message.header.stamp = stamp(now_s)
            self._diagnostics.publish(message)

    def tell(self, now_s: float, status: Judgement, newest_chunk: Time) -> None:
        """Publish the status if there is something new in it, or nothing was told for a while."""
        self._ticks_since_told += 1
        same = self._told is not None and (self._told.state, self._told.reasons) == (status.state, status.reasons)
        if same and self._told_chunk == newest_chunk and self._ticks_since_told < STATUS_TICKS:
            return
        if not same and status.reasons:
            text = f'{status.state}: {"; ".join(status.reasons)}'
            self._node.get_logger().warning(text, throttle_duration_sec=0.5)
        self._told, self._told_chunk, self._ticks_since_told = status, newest_chunk, 0
        self._status.publish(status_message(status, now_s, newest_chunk, self._surroundings()))


def status_message(
    status: Judgement, now_s: float, newest_chunk: Time, around: Surroundings | None = None
) -> GuardStatus:
    """Return a judgement, and what is around it, as a message."""
    around = around or Surroundings()
    message = GuardStatus(
        chunk=newest_chunk,
        state=status.state,
        armed=status.armed,
        reasons=list(status.reasons),
        share=float(status.share),
        rate=float(status.rate),
        limits=list(status.worst),
        worst=[float(share) for share in status.worst.values()],
        holds=list(around.holds),
        clock_ahead_s=math.nan if around.clock_ahead_s is None else around.clock_ahead_s,
        chunks=status.chunks,
        violations=list(status.violations),
        violation_counts=list(status.violations.values()),
    )
    message.header.stamp = stamp(now_s)
    return message


def diagnostic(status: Judgement, hardware: str, around: Surroundings) -> DiagnosticStatus:
    """Return a judgement for rqt_robot_monitor and its like."""
    ahead_s = around.clock_ahead_s
    values = {
        'chunks used': status.chunks,
        'clock ahead of the robot controller': 'not known' if ahead_s is None else f'{1e3 * ahead_s:.1f} ms',
        **{f'holds {number}': text for number, text in enumerate(around.holds, 1)},
        **{f'worst {name}': f'{share:.2f} of the limit' for name, share in status.worst.items()},
        **{f'violations: {kind}': count for kind, count in status.violations.items()},
    }
    return DiagnosticStatus(
        level=LEVELS[status.state],
        name='guard_node: guard',
        message=f'{status.state}: {"; ".join(status.reasons) or "all is well"}',
        hardware_id=hardware,
        values=[KeyValue(key=key, value=str(value)) for key, value in values.items()],
    )
