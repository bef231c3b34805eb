# SPDX-License-Identifier: Apache-2.0
"""The replacement and interpolation rules of the ros2_controllers joint_trajectory_controller, without ROS."""

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from genima.errors import LimitError

REST_RAD_S = float(np.finfo(np.float32).eps)


@dataclass(frozen=True)
class _Message:
    """A validated trajectory that waits for the next controller cycle."""

    stamp_s: float
    times_from_start_s: np.ndarray
    q_rad: np.ndarray
    v_rad_s: np.ndarray | None


class TrajectoryController:
    """What a joint_trajectory_controller of ROS 2 Jazzy does with the messages on its topic.

    Position interface, `interpolate_from_desired_state: true`, `allow_nonzero_velocity_at_trajectory_end: false`.
    A new message replaces the old plan at the next cycle, whatever its stamp: stamp 0 starts then; a first point in
    the future is reached by one segment from the state commanded for the next cycle, as if it were that of the last one:
    a moving arm is one cycle ahead then; a first point in the past is not bridged, the command jumps if it has to.
    Between points it is cubic where velocities are given and linear where not; the last point is held.

    Source: ros2_controllers `joint_trajectory_controller/src/{trajectory,joint_trajectory_controller}.cpp`, 4.42.1.

    Attributes:
        start_s: Stamp of the message that is executed; None for a hold.
    """

    def __init__(self, n_joints: int, q_start_rad: np.ndarray, cycle_s: float = 0.002) -> None:
        """Hold `q_start_rad`, shape (n,), until the first message; update every `cycle_s`."""
        self.n_joints = n_joints
        self._cycle_s = cycle_s
        self.reset(q_start_rad)

    def reset(self, q_rad: np.ndarray) -> None:
        """Forget every plan and hold `q_rad`, shape (n,), as a controller does when it is activated."""
        hold = np.asarray(q_rad, dtype=float).reshape(1, self.n_joints)
        self._pending: _Message | None = None
        self.start_s: float | None = None
        self._install(np.zeros(1), hold, None)

    def set_trajectory(
        self,
        now_s: float,
        stamp_s: float,
        times_from_start_s: np.ndarray,
        q_rad: np.ndarray,
        v_rad_s: np.ndarray | None = None,
    ) -> None:
        """Take a message; the cycle of the next `sample` starts it.

        Args:
            now_s: Time at which the message arrives.
            stamp_s: Header stamp; 0 means "start at once".
            times_from_start_s: Time of each point after the stamp, shape (T,), strictly increasing.
            q_rad: Positions, shape (T, n).
            v_rad_s: Velocities, shape (T, n); the last row is zero. None: positions only.

        Raises:
            LimitError: if the real controller would refuse the message; the running plan goes on.
        """
        times = np.asarray(times_from_start_s, dtype=float)
        q = np.asarray(q_rad, dtype=float)
        v = None if v_rad_s is None else np.asarray(v_rad_s, dtype=float)
        reason = self._why_refused(now_s, stamp_s, times, q, v)
        if reason:
            raise LimitError(f'trajectory refused: {reason}')
        self._pending = _Message(stamp_s, times, q, v)

    def sample(self, t_s: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the commanded position and velocity at `t_s`, shapes (n,) and (n,). Times must not decrease."""
        if self._pending is not None:
            message, self._pending = self._pending, None
            self._replace(t_s, message)
        i = max(bisect_right(self._breaks_s, t_s) - 1, 0)
        x = t_s - self._breaks_s[i]
        state = np.array(((1.0, x, x * x, x * x * x), (0.0, 1.0, 2.0 * x, 3.0 * x * x))) @ self._coefficients[i]
        return state[0], state[1]

    @property
    def end_s(self) -> float:
        """Time of the last point of the plan that runs."""
        return self._breaks_s[-1]

    def _why_refused(
        self, now_s: float, stamp_s: float, times: np.ndarray, q: np.ndarray, v: np.ndarray | None
    ) -> str | None:
        if times.ndim != 1 or len(times) == 0:
            return f'it needs at least one point, got times of shape {times.shape}'
        shape = (len(times), self.n_joints)
        if q.shape != shape or (v is not None and v.shape != shape):
            return f'points must have shape {shape}, got {q.shape}' + ('' if v is None else f' and {v.shape}')
        if not (np.isfinite(stamp_s) and np.isfinite(times).all() and np.isfinite(q).all()):
            return 'a time or a position is not finite'
        if v is not None and not np.isfinite(v).all():
            return 'a velocity is not finite'
        if (np.diff(times) <= 0).any():
            return 'time_from_start must increase strictly from point to point'
        if v is not None and np.abs(v[-1]).max() > REST_RAD_S:
            return f'the velocity of the last point must be zero, got up to {np.abs(v[-1]).max():.3g} rad/s'
        if stamp_s != 0 and stamp_s + times[-1] < now_s:
            return f'it ends {now_s - stamp_s - times[-1]:.3f} s in the past'
        return None

    def _replace(self, t_s: float, message: _Message) -> None:
        self.start_s = t_s if message.stamp_s == 0 else message.stamp_s
        points_s = self.start_s + message.times_from_start_s
        q, v = message.q_rad, message.v_rad_s
        if t_s < points_s[0]:
            q_now, v_now = self.sample(t_s)
            points_s, q = np.r_[t_s - self._cycle_s, points_s], np.vstack((q_now, q))
            v = None if v is None else np.vstack((v_now, v))
        self._install(points_s, q, v)

    def _install(self, points_s: np.ndarray, q: np.ndarray, v: np.ndarray | None) -> None:
        """Store the polynomial of each segment, lowest power first, and the hold after the last point."""
        duration = np.diff(points_s)[:, None]
        slope = np.diff(q, axis=0) / duration
        coefficients = np.zeros((len(points_s), 4, self.n_joints))
        coefficients[:, 0] = q
        if v is None:
            coefficients[:-1, 1] = slope
        else:
            coefficients[:-1, 1] = v[:-1]
            coefficients[:-1, 2] = (3 * slope - 2 * v[:-1] - v[1:]) / duration
            coefficients[:-1, 3] = (v[:-1] + v[1:] - 2 * slope) / duration**2
        self._coefficients = coefficients
        self._breaks_s: list[float] = points_s.tolist()
