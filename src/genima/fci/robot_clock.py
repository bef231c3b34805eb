# SPDX-License-Identifier: Apache-2.0
"""The time at which a trajectory is sampled: the robot's own, which has no jitter, kept in step with this computer's."""

from genima.errors import GenimaError

SETTLE_S = 1.0  # time constant of the difference that is seen
GAIN_HZ = 0.5
FASTEST = 1e-3  # how much faster or slower than the robot's clock time may run; a joint's speed changes by as much
STEADY = 1e-6  # by how much that may change each millisecond: 1 mrad/s² at 1 rad/s
SET_S = 0.25  # a clock that was set, or a robot that runs slower than real time


class RobotClock:
    """Maps the robot's clock to ROS time.

    Times of this class count from `epoch_s`, so that microseconds are exact.

    Attributes:
        epoch_s: ROS time of its zero.
        behind_s: How much ROS time, as seen here, is ahead of it.
    """

    def __init__(self, robot_s: float, wall_s: float | None) -> None:
        """Begin with the first state.

        Args:
            robot_s: Time of the robot.
            wall_s: Time of this computer at the moment when it came; None: the robot's time is ROS time.
        """
        self.epoch_s = robot_s if wall_s is None else wall_s
        self.time_s = self.behind_s = 0.0
        self._robot_s, self._rate = robot_s, 0.0

    def advance(self, robot_s: float, wall_s: float | None, at_rest: bool) -> float:
        """Return the time of a state that came at `wall_s`.

        A clock that was set while the arm moves is followed slowly: the guard sees the difference and stops.

        Raises:
            GenimaError: if the robot's time went back, which a restart of the robot does.
        """
        step_s = robot_s - self._robot_s
        if step_s < 0:
            raise GenimaError(f"the robot's time went back by {-step_s:.3f} s: was it restarted? Start the driver again")
        self._robot_s = robot_s
        if wall_s is None:
            self.time_s += step_s
            return self.time_s
        self.time_s += step_s * (1.0 + self._rate)
        seen_s = wall_s - self.epoch_s - self.time_s
        self.behind_s += (seen_s - self.behind_s) * min(step_s / SETTLE_S, 1.0)
        if at_rest and abs(self.behind_s) > SET_S:
            self.time_s, self.behind_s = self.time_s + seen_s, 0.0
        wanted = min(max(GAIN_HZ * self.behind_s, -FASTEST), FASTEST)
        self._rate += min(max(wanted - self._rate, -STEADY), STEADY)
        return self.time_s
