# SPDX-License-Identifier: Apache-2.0
"""The last stage before the robot: whatever is wanted, what is commanded stays inside velocity, acceleration and jerk.

What is wanted is followed exactly where it is inside the limits. Where it is not (a jump, a step of acceleration at the
knot of a cubic, what lost packets left behind) it is approached again: at a speed from which the joint can still brake.
"""

import numpy as np

from genima.fci.door import CYCLE_S
from genima.robots.profile import JointLimits

NEAR_HZ, FAST_HZ = 15.0, 60.0  # how quickly an error of position goes, and one of velocity
# shares of the limits that are used. A lost answer makes twice the step of acceleration of a cycle, 2 rad/s², of which
# the half is added to what is commanded. One that franka-sim takes late counts 1.5 times: it looks at two cycles then
VELOCITY, ACCELERATION, JERK = 0.97, 0.65, 0.2
SINGLE_RAD = 3e-7
MOST_LOST = 20  # in a row; then the robot stops by itself
BRAKING = 0.5  # share of the acceleration with which an error of position is approached


Motion = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Position, velocity and acceleration, (n,) each."""


class Tracker:
    """One cycle a millisecond; arrays of shape (n,).

    Attributes:
        q_rad: The last command, `v_rad_s` and `a_rad_s2` its backward differences.
    """

    def __init__(self, limits: JointLimits, q_rad: np.ndarray) -> None:
        """Rest at `q_rad`."""
        self._limits = limits
        self._acceleration = ACCELERATION * limits.acceleration_rad_s2
        self._jerk_step = JERK * limits.jerk_rad_s3 * CYCLE_S
        self._take((q_rad.copy(), np.zeros_like(q_rad), np.zeros_like(q_rad)))
        self._robot = self._command  # what the robot goes on from if the next answer does not arrive
        self._guess = self._command
        self._missed = False

    def account_for(self, lost: int, q_d_rad: np.ndarray) -> None:
        """Go on from what the robot made of packets that were lost: it keeps the acceleration of the last one.

        An answer that seems lost may only have been late, and taken after the state was sent. The first time the middle
        is taken, from which the robot's limits hold either way; the second time the robot is believed.
        Source: Franka documentation, system requirements, packet handling.

        Args:
            lost: States that did not come, or were too old; the robot went on without our answers.
            q_d_rad: Last command as the robot has it, in single precision.
        """
        if lost == 0 and np.abs(q_d_rad - self._guess[0]).max() < np.abs(q_d_rad - self.q_rad).max() - SINGLE_RAD:
            ours, self._robot = self._command, self._guess
            self._take(self._robot if self._missed else _middle(ours, self._robot))
            self._missed = True
            return
        self._missed = False
        for _ in range(min(lost, MOST_LOST)):
            self._take(_extrapolated(self._command))
        self._robot = self._command

    @property
    def _command(self) -> Motion:
        return self.q_rad, self.v_rad_s, self.a_rad_s2

    def _take(self, motion: Motion) -> None:
        self.q_rad, self.v_rad_s, self.a_rad_s2 = motion

    def step(self, error_rad: np.ndarray, v_rad_s: np.ndarray, a_rad_s2: np.ndarray) -> np.ndarray:
        """Return the next command.

        Args:
            error_rad: What was wanted in the last cycle less what was commanded.
            v_rad_s: Velocity that was wanted in the last cycle.
            a_rad_s2: Acceleration that is wanted in this one.
        """
        far = np.abs(error_rad)
        back = np.minimum(NEAR_HZ * far, np.sqrt(2.0 * BRAKING * self._acceleration * far))
        speed = v_rad_s + np.copysign(back, error_rad)
        slowest, fastest = self._limits.velocity_bounds_rad_s(self.q_rad)
        bounded = np.minimum(np.maximum(speed, VELOCITY * slowest), VELOCITY * fastest)
        a = np.where(bounded == speed, a_rad_s2, 0.0) + FAST_HZ * (bounded - self.v_rad_s)
        a = np.minimum(np.maximum(a, -self._acceleration), self._acceleration)
        a = np.minimum(np.maximum(a, self.a_rad_s2 - self._jerk_step), self.a_rad_s2 + self._jerk_step)
        self._guess = _extrapolated(self._robot)
        self.a_rad_s2 = a
        self.v_rad_s = self.v_rad_s + a * CYCLE_S
        self.q_rad = self.q_rad + self.v_rad_s * CYCLE_S
        return self.q_rad


def _extrapolated(motion: Motion) -> Motion:
    q_rad, v_rad_s, a_rad_s2 = motion
    v_rad_s = v_rad_s + a_rad_s2 * CYCLE_S
    return q_rad + v_rad_s * CYCLE_S, v_rad_s, a_rad_s2


def _middle(one: Motion, other: Motion) -> Motion:
    return (one[0] + other[0]) / 2.0, (one[1] + other[1]) / 2.0, (one[2] + other[2]) / 2.0
