# SPDX-License-Identifier: Apache-2.0
"""Does the robot's controller follow what it was sent? Its own reference says so.

A joint_trajectory_controller publishes the position that it commands. If a message was lost, or the controller was
restarted or is used by somebody else, that is not the plan; a plan spliced onto the wrong one would be a jump.
"""

from collections import deque

import numpy as np

from genima.chunks.plan import Plan
from genima.guard.status import Reason
from genima.robots.profile import RobotProfile
from genima.stamps import is_overtaken

ASTRAY = 'astray'
TOLERANCE_RAD = 0.001
TOLERANCE_S = 0.002  # the state may be of the cycle before or after its stamp
REST_RAD_S = 0.002
FEEDBACK_KEPT = 32
FEEDBACK_RAD, FEEDBACK_S = 0.01, 0.02  # joint states and feedback may differ by so much, and be so much apart in time
LIE_COUNTS_S = 0.5
OFFSET_WINDOW_S, OFFSET_LEAST = 2.0, 10  # the fastest of so many messages tells the offset of the clocks
QUIET_S = 0.06  # three states at 50 Hz: it may be about to restart, and is not sent anything twice


class ControllerWatch:
    """The newest reference of the robot's controller."""

    def __init__(self, profile: RobotProfile, max_age_s: float) -> None:
        """Know nothing yet; references older than `max_age_s` mean that the controller is not active."""
        self._profile, self._max_age_s = profile, max_age_s
        self.forget()

    def forget(self) -> None:
        """Forget what was seen: the clock has jumped."""
        self._t_s: float | None = None
        self.q_rad: np.ndarray | None = None
        self._running_s: float | None = None
        self._speed_rad_s = np.zeros(self._profile.n_joints)
        self._feedback: deque[tuple[float, np.ndarray]] = deque(maxlen=FEEDBACK_KEPT)
        self._lie: tuple[float, Reason] | None = None
        self._heard: deque[tuple[float, float]] = deque()  # when it was heard, and how much later than its stamp

    @property
    def clock_ahead_s(self) -> float | None:
        """How much the clock here is ahead of the controller's: the least time from stamp to ear; None: too few [s]."""
        if len(self._heard) < OFFSET_LEAST:
            return None
        return min(later_s for _, later_s in self._heard)

    def clocks_apart(self, allowed_s: float) -> Reason | None:
        """Return a reason if the clock here and that of the controller differ by more than `allowed_s`."""
        ahead_s = self.clock_ahead_s
        if ahead_s is None or abs(ahead_s) <= allowed_s:
            return None
        side = 'ahead of' if ahead_s > 0 else 'behind'
        return Reason(
            'clock',
            f'the clock here is {1e3 * abs(ahead_s):.0f} ms {side} that of the robot controller, allowed are'
            f' {1e3 * allowed_s:.0f} ms: run the guard on that computer, or keep the clocks in step (chrony, PTP)',
        )

    def observe(
        self,
        t_s: float,
        q_rad: np.ndarray,
        running_s: float | None,
        heard_s: float | None = None,
        feedback_rad: np.ndarray | None = None,
    ) -> None:
        """Take the reference of time `t_s`, shape (n,), and the stamp of the message that is executed if that is known.

        Args:
            t_s: On the clock of the controller.
            q_rad: Reference, shape (n,).
            running_s: Stamp of the message that is executed; None if it does not say.
            heard_s: When it was heard, on the clock here; None: the clocks are not compared.
            feedback_rad: Where the controller measures the arm, shape (n,); None if it does not say.
        """
        if heard_s is not None:
            self._heard.append((heard_s, heard_s - t_s))
            while self._heard[0][0] < heard_s - OFFSET_WINDOW_S:  # by our clock: a stamp may be nonsense
                self._heard.popleft()
        if self._t_s is not None and self.q_rad is not None:
            if t_s == self._t_s or is_overtaken(t_s, self._t_s):
                return
            self._speed_rad_s = np.abs(q_rad - self.q_rad) / max(t_s - self._t_s, 1e-3)
        self._t_s, self.q_rad, self._running_s = t_s, np.array(q_rad, dtype=float), running_s
        if feedback_rad is not None:
            self._feedback.append((t_s, np.array(feedback_rad, dtype=float)))

    def runs(self, plan: Plan) -> bool | None:
        """Return whether the controller says that it executes the message of a plan; None if it does not say."""
        return None if self._running_s is None else abs(self._running_s - plan.start_s) < plan.grid_s / 2

    def quiet(self, now_s: float) -> bool:
        """Return whether the controller has said nothing for a moment."""
        return self._t_s is None or now_s - self._t_s > QUIET_S

    def lost(self, now_s: float, seen_s: float | None, measured_rad: np.ndarray, allowed_rad: float) -> Reason | None:
        """Return a reason if the controller is silent, or the arm, measured at `seen_s`, is not where it has it."""
        if seen_s is None:
            return None
        return self._silent(now_s) or self._apart(measured_rad, allowed_rad) or self._lied(seen_s)

    def hold_against(self, seen_s: float, measured_rad: np.ndarray) -> None:
        """Compare joint states, stamped `seen_s`, with the feedback; a contradiction counts for a while.

        A sensor that is wrong every now and then is wrong, whichever of its messages is the newest when somebody looks.
        """
        reason = self.contradicts(seen_s, measured_rad)
        if reason is not None:
            self._lie = seen_s, reason

    def _lied(self, seen_s: float) -> Reason | None:
        return self._lie[1] if self._lie is not None and abs(seen_s - self._lie[0]) <= LIE_COUNTS_S else None

    def _apart(self, measured_rad: np.ndarray, allowed_rad: float) -> Reason | None:
        assert self.q_rad is not None
        error_rad = np.abs(self.q_rad - measured_rad)
        worst = int(error_rad.argmax())
        if error_rad[worst] <= allowed_rad:
            return None
        joint = self._profile.arm_joints[worst]
        why = 'is it blocked, or does its encoder lie? Restart the controller where the arm is'
        return Reason(
            'tracking', f'{joint} is measured {error_rad[worst]:.2f} rad from where the robot controller has it, {why}'
        )

    def contradicts(self, seen_s: float, measured_rad: np.ndarray) -> Reason | None:
        """Return a reason if joint states, stamped `seen_s`, are not what the controller measured then."""
        if len(self._feedback) < 2:
            return None
        times_s, rows = np.array([t_s for t_s, _ in self._feedback]), np.stack([q_rad for _, q_rad in self._feedback])
        near = (times_s >= seen_s - FEEDBACK_S) & (times_s <= seen_s + FEEDBACK_S)
        i = int(np.abs(times_s - seen_s).argmin())
        near[i] = True
        beyond = np.maximum(rows[near].min(axis=0) - measured_rad, measured_rad - rows[near].max(axis=0))
        speed = np.abs(np.diff(rows, axis=0) / np.diff(times_s)[:, None]).max(axis=0)
        beyond -= FEEDBACK_RAD + speed * max(FEEDBACK_S, abs(times_s[i] - seen_s))
        worst = int(beyond.argmax())
        if not beyond[worst] > 0:
            return None
        joint, off_rad = self._profile.arm_joints[worst], abs(rows[i, worst] - measured_rad[worst])
        return Reason(
            'joint_states',
            f'joint_states has {joint} {off_rad:.3f} rad off what the robot controller measures: is there a second publisher'
            ' of joint_states (`ros2 topic info -v`), or a relay that changes them?',
        )

    def _silent(self, now_s: float) -> Reason | None:
        """Return a reason if the controller does not say what it does."""
        if self._t_s is None:
            return Reason('controller', 'no state of the robot controller yet: is it loaded and active?')
        age_s = now_s - self._t_s
        if abs(age_s) <= self._max_age_s + 1e-9:
            return None
        allowed = f'allowed are {self._max_age_s:.2f} s: is it active?'
        return Reason('controller', f'the state of the robot controller is {age_s:.2f} s old, {allowed}')

    def astray(self, plan: Plan) -> Reason | None:
        """Return a reason if the reference is not on the plan that was sent."""
        if self._t_s is None or self.q_rad is None or self._t_s < plan.start_s:
            return None
        q_rad, v_rad_s, _ = plan.at(self._t_s)
        error_rad = np.abs(q_rad - self.q_rad)
        beyond = error_rad - (TOLERANCE_RAD + TOLERANCE_S * np.maximum(np.abs(v_rad_s), self._speed_rad_s))
        worst = int(beyond.argmax())
        if beyond[worst] <= 0:
            return None
        joint = self._profile.arm_joints[worst]
        text = 'a message was lost, it was restarted, or somebody else commands it'
        return Reason(ASTRAY, f'the robot controller has {joint} {error_rad[worst]:.3f} rad off the plan: {text}')

    def restless(self) -> Reason | None:
        """Return a reason if the controller moves the arm."""
        worst = int(self._speed_rad_s.argmax())
        if self._speed_rad_s[worst] <= REST_RAD_S:
            return None
        joint, speed = self._profile.arm_joints[worst], self._speed_rad_s[worst]
        return Reason(ASTRAY, f'the robot controller moves {joint} at {speed:.2f} rad/s without us: waiting for its end')
