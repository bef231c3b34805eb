# SPDX-License-Identifier: Apache-2.0
"""What the controller wants (a chunk) and what is sent to the robot (a plan)."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Chunk:
    """Joint positions and gripper openings that the controller wants, point i for `stamp_s + (i + 1) * dt_s`.

    Attributes:
        stamp_s: Time of the observation that the chunk answers, ROS time.
        dt_s: Time between points.
        q_rad: Absolute joint positions in the order of the profile's arm joints, shape (T, n).
        gripper_open: Gripper opening, 0 closed to 1 open, shape (T,).
    """

    stamp_s: float
    dt_s: float
    q_rad: np.ndarray
    gripper_open: np.ndarray

    @property
    def times_s(self) -> np.ndarray:
        """Time of each point, shape (T,)."""
        return self.stamp_s + self.dt_s * np.arange(1, len(self.q_rad) + 1)

    def at(self, t_s: float) -> tuple[np.ndarray, float]:
        """Return joint positions (n,) and gripper opening at `t_s`, linear between points, the end points outside."""
        place = float(np.clip((t_s - self.stamp_s) / self.dt_s - 1.0, 0.0, len(self.q_rad) - 1))
        left = min(int(place), max(len(self.q_rad) - 2, 0))
        right, x = min(left + 1, len(self.q_rad) - 1), place - left
        q = (1.0 - x) * self.q_rad[left] + x * self.q_rad[right]
        return q, float((1.0 - x) * self.gripper_open[left] + x * self.gripper_open[right])


@dataclass(frozen=True)
class Plan:
    """A piecewise cubic joint motion with continuous velocity on a fixed time grid, at rest after its last knot.

    Knots lie on multiples of `grid_s` of ROS time, so that two plans can be compared and blended knot by knot and a
    message can repeat the part of the old plan that is under way without any rounding.

    Attributes:
        first_tick: Time of the first knot in units of `grid_s`.
        grid_s: Time between knots.
        q_rad: Positions at the knots, shape (M, n).
        v_rad_s: Velocities at the knots, shape (M, n); the last row is zero.
    """

    first_tick: int
    grid_s: float
    q_rad: np.ndarray
    v_rad_s: np.ndarray

    @classmethod
    def hold(cls, q_rad: np.ndarray, tick: int, grid_s: float) -> 'Plan':
        """Return the plan that rests at `q_rad`, shape (n,), from `tick` on."""
        q = np.array(q_rad, dtype=float)[None]
        return cls(tick, grid_s, q, np.zeros_like(q))

    @property
    def last_tick(self) -> int:
        """Tick of the last knot."""
        return self.first_tick + len(self.q_rad) - 1

    @property
    def start_s(self) -> float:
        """Time of the first knot."""
        return self.first_tick * self.grid_s

    @property
    def end_s(self) -> float:
        """Time from which the plan rests."""
        return self.last_tick * self.grid_s

    @property
    def times_s(self) -> np.ndarray:
        """Time of each knot, shape (M,)."""
        return np.arange(self.first_tick, self.last_tick + 1) * self.grid_s

    def towards(self, other: 'Plan', share: float) -> 'Plan':
        """Return the plan on the knots of `other` that lies the given share of the way from this plan to it."""
        q, v = self.knots(other.first_tick, other.last_tick)
        return Plan(other.first_tick, other.grid_s, q + share * (other.q_rad - q), v + share * (other.v_rad_s - v))

    def preceded(self, old: 'Plan', tick: int) -> 'Plan':
        """Return the plan that begins at `tick`, or as near to it as `old` reaches, with what `old` has until this one."""
        first = max(tick, old.first_tick + 1)
        if first >= self.first_tick:
            return self
        q, v = old.knots(first, self.first_tick - 1)
        return Plan(first, self.grid_s, np.concatenate((q, self.q_rad)), np.concatenate((v, self.v_rad_s)))

    def knots(self, from_tick: int, to_tick: int) -> tuple[np.ndarray, np.ndarray]:
        """Return positions and velocities at the ticks from `from_tick` to `to_tick` inclusive, at rest outside."""
        wanted = np.arange(from_tick, to_tick + 1) - self.first_tick
        index = np.clip(wanted, 0, len(self.q_rad) - 1)
        inside = (wanted == index)[:, None]
        return self.q_rad[index], np.where(inside, self.v_rad_s[index], 0.0)

    def rest(self, from_s: float) -> tuple[np.ndarray, np.ndarray]:
        """Return positions and velocities (M, n) at the knots from `from_s` on; the last one at least."""
        first = min(max(0, round(from_s / self.grid_s) - self.first_tick), len(self.q_rad) - 1)
        return self.q_rad[first:], self.v_rad_s[first:]

    def at(self, t_s: np.ndarray | float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return position, velocity and acceleration at times of shape (...), each of shape (..., n)."""
        place = np.asarray(t_s, dtype=float) / self.grid_s - self.first_tick
        inside = ((place >= 0) & (place < len(self.q_rad) - 1))[..., None]
        place = np.clip(place, 0, len(self.q_rad) - 1)
        left = np.minimum(place.astype(int), max(len(self.q_rad) - 2, 0))
        right = np.minimum(left + 1, len(self.q_rad) - 1)
        x, h = (place - left)[..., None], self.grid_s
        q0, v0 = self.q_rad[left], self.v_rad_s[left]
        slope, v1 = (self.q_rad[right] - q0) / h, self.v_rad_s[right]
        bend, twist = 3 * slope - 2 * v0 - v1, v0 + v1 - 2 * slope
        q = q0 + h * x * (v0 + x * (bend + x * twist))
        v = v0 + x * (2 * bend + 3 * x * twist)
        a = (2 * bend + 6 * x * twist) / h
        return q, np.where(inside, v, 0.0), np.where(inside, a, 0.0)
