# SPDX-License-Identifier: Apache-2.0
"""Whether a plan stays inside the limits of a robot, and how far it may move towards one that does not.

Every quantity here is a linear function of the knots: position at knots (between them it strays by grid² · acceleration
/ 8, a milliradian, for which there is the margin), control points of velocity in Bernstein form (which bound the whole
segment), acceleration at both ends of each segment (it is linear between), and jerk, with the steps of acceleration at
knots counted as a controller of finite rate sees them. Where the velocity limit depends on the position, it is a concave
curve, and chords below it bound both together. The plans inside the limits are therefore a convex set: from a plan inside,
any other can be approached, and the largest step has a closed form.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from genima.robots.profile import BrakingLimits, JointLimits

QUANTITIES = ('position', 'velocity', 'acceleration', 'jerk')
BRAKING = 'velocity near the end of the range'
# largest value of the quadratic B-spline, times the step: what the third difference makes of a step in acceleration
THIRD_DIFFERENCE_PEAK = 0.75
# chords that stand for the curve of velocity over position near the end of a joint's range
CHORDS = 6


@dataclass(frozen=True)
class LimitMargins:
    """How far inside the profile's limits a plan has to stay.

    Attributes:
        position_rad: Distance from the position limits.
        velocity: Share of the velocity limit that may be used; likewise `acceleration` and `jerk`.
        controller_rate_hz: Rate at which the robot controller samples the plan; jerk is bounded as sampled at it.
    """

    position_rad: float = 0.05
    velocity: float = 0.9
    acceleration: float = 0.9
    jerk: float = 0.9
    controller_rate_hz: float = 500.0


class Step(NamedTuple):
    """How far a plan may move towards another, and what stops it there: a quantity and the index of a joint."""

    share: float
    quantity: str | None = None
    joint: int | None = None


class _Chords:
    """Chords below the curve of the velocity allowed towards one end of the range, as one-sided linear limits."""

    def __init__(
        self,
        braking: BrakingLimits,
        side: int,
        gap_rad: np.ndarray,
        range_rad: np.ndarray,
        velocity_rad_s: np.ndarray,
        share: float,
    ) -> None:
        """Lay chords from `gap_rad` before the end that is meant to where the curve reaches `velocity_rad_s`.

        Args:
            braking: The curve.
            side: 1 for motion to the upper end, -1 to the lower.
            gap_rad: (n,) how near to that end a plan may come.
            range_rad: (n,) from there to the other end of what plans may use.
            velocity_rad_s: (n,) velocity allowed far from the end.
            share: Of the curve that may be used.
        """
        self._side = side
        self._end_rad = braking.max_rad if side > 0 else braking.min_rad
        full_rad = (velocity_rad_s / share + braking.offset_rad_s) ** 2 / (2 * braking.deceleration_rad_s2)
        full_rad = np.clip(full_rad, gap_rad + 1e-3, gap_rad + range_rad)
        # closer together where the curve bends most
        distance = gap_rad + (full_rad - gap_rad) * (np.arange(CHORDS + 1)[:, None] / CHORDS) ** 2
        speed = share * braking.speed_rad_s(distance)
        self._slope = np.diff(speed, axis=0) / np.diff(distance, axis=0)
        self._at_end = speed[:-1] - self._slope * distance[:-1]
        highest = self._at_end + self._slope * (gap_rad + range_rad)
        self._scale = (velocity_rad_s + highest) / 2  # keeps the shares of what is allowed above -1

    def shares(self, q_rad: np.ndarray, v_rad_s: np.ndarray) -> np.ndarray:
        """Return 1 where a chord is reached and less below it, shape (CHORDS * M, n), for knots (M, n)."""
        distance = self._side * (self._end_rad - q_rad)
        allowed = self._at_end[:, None] + self._slope[:, None] * distance
        share: np.ndarray = 1.0 + (self._side * v_rad_s - allowed) / self._scale[:, None]
        return share.reshape(-1, q_rad.shape[1])


class PlanLimits:
    """The limits of one robot with their margins, for plans on one time grid."""

    def __init__(self, limits: JointLimits, grid_s: float, margins: LimitMargins | None = None) -> None:
        """Take `limits` from the profile and narrow them by `margins`."""
        margins = margins or LimitMargins()
        low = limits.position_min_rad + margins.position_rad
        high = limits.position_max_rad - margins.position_rad
        middle = (limits.position_max_rad - limits.position_min_rad) / 2
        self.grid_s = grid_s
        self._used = ((high - low) / 2 / middle, margins.velocity, margins.acceleration, margins.jerk)
        self.step_jerk_hz = THIRD_DIFFERENCE_PEAK * margins.controller_rate_hz
        self._centre_rad, self._reach_rad = (low + high) / 2, (high - low) / 2
        self.velocity_rad_s = margins.velocity * limits.velocity_rad_s
        self.acceleration_rad_s2 = margins.acceleration * limits.acceleration_rad_s2
        self.jerk_rad_s3 = margins.jerk * limits.jerk_rad_s3
        self._limits = limits
        self._chords = []
        if limits.braking is not None:
            gaps_rad = low - limits.braking.min_rad, limits.braking.max_rad - high
            self._chords = [
                _Chords(limits.braking, side, gap_rad, high - low, self.velocity_rad_s, margins.velocity)
                for side, gap_rad in zip((-1, 1), gaps_rad, strict=True)
            ]

    def shares(self, q_rad: np.ndarray, v_rad_s: np.ndarray) -> list[np.ndarray]:
        """Return signed shares of the narrowed limits, 1 = at the limit, by `QUANTITIES`.

        Args:
            q_rad: Consecutive knots, shape (M, n); the plan rests before the first and after the last when they do.
            v_rad_s: Their velocities, shape (M, n).

        Returns:
            One array of shape (rows, n) for each of `QUANTITIES`, and one for `BRAKING` where the robot has such limits;
            rows correspond between plans of equal length.
        """
        h = self.grid_s
        q0, q1, v0, v1 = q_rad[:-1], q_rad[1:], v_rad_s[:-1], v_rad_s[1:]
        slope = (q1 - q0) / h
        start, end = (6 * slope - 4 * v0 - 2 * v1) / h, (2 * v0 + 4 * v1 - 6 * slope) / h
        jerk = (end - start) / h
        jump = self.step_jerk_hz * (start[1:] - end[:-1])
        velocity = np.concatenate((v_rad_s, 3 * slope - v0 - v1))
        near_end = [chords.shares(q_rad, v_rad_s) for chords in self._chords]
        near_end += [chords.shares(each, velocity[len(q_rad) :]) for chords in self._chords for each in (q0, q1)]
        return [
            (q_rad - self._centre_rad) / self._reach_rad,
            velocity / self.velocity_rad_s,
            np.concatenate((start, end)) / self.acceleration_rad_s2,
            np.concatenate((jerk, jerk[:-1] + jump, jerk[1:] + jump)) / self.jerk_rad_s3,
            *([np.concatenate(near_end)] if near_end else []),
        ]

    def worst(self, q_rad: np.ndarray, v_rad_s: np.ndarray) -> dict[str, float]:
        """Return the largest share of each of the profile's own limits (1 = at it) over all joints and knots."""
        shares = zip(QUANTITIES, self.shares(q_rad, v_rad_s), self._used, strict=False)
        worst = {name: float((np.abs(share) * used).max()) for name, share, used in shares}
        worst['velocity'] = max(worst['velocity'], float(self._limits.velocity_share(q_rad, v_rad_s).max()))
        return worst

    def velocity_share(self, q_rad: np.ndarray, v_rad_s: np.ndarray) -> np.ndarray:
        """Return velocities (..., n) as shares of the narrowed limits at positions (..., n)."""
        return self._limits.velocity_share(q_rad, v_rad_s) / self._used[1]

    def largest_step(self, inside: list[np.ndarray], wanted: list[np.ndarray]) -> Step:
        """Return the largest share in [0, 1] of the way from one plan to another that stays inside the limits.

        Args:
            inside: `shares` of the plan to start from. Where it is outside itself (an arm that was left beyond a
                margin) the step may not take it further out.
            wanted: `shares` of the plan to approach.
        """
        p, n = np.concatenate(inside), np.concatenate(wanted)
        bound = np.maximum(1.0, np.abs(p))
        over = np.abs(n) > bound
        if not over.any():
            return Step(1.0)
        steps = np.full(p.shape, np.inf)
        steps[over] = (np.copysign(bound, n)[over] - p[over]) / (n - p)[over]
        row, joint = np.unravel_index(int(steps.argmin()), steps.shape)
        quantity = int(np.searchsorted(np.cumsum([len(share) for share in wanted]), row, side='right'))
        return Step(float(max(steps[row, joint], 0.0)), (*QUANTITIES, BRAKING)[quantity], int(joint))

