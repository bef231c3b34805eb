# SPDX-License-Identifier: Apache-2.0
"""The only way of a chunk to the robot: it is judged, spliced and limited, and when anything is lost the arm stops."""

import math
from collections.abc import Iterator

import numpy as np

from genima.chunks.limits import PlanLimits
from genima.chunks.plan import Chunk, Plan
from genima.chunks.splice import Splice, first_change_tick, past_tick, splice, start_plan, stop_plan
from genima.errors import LimitError
from genima.guard import gates
from genima.guard.conditions import Conditions
from genima.guard.controller_watch import ControllerWatch
from genima.guard.gripper import GripperSwitch
from genima.guard.plan_checks import part_allowed, plan_checks, way_refused
from genima.guard.sent_plans import SentPlans
from genima.guard.status import GuardConfig, GuardOutput, GuardStatus, Reason
from genima.guard.tally import Tally
from genima.robots.profile import RobotProfile
from genima.stamps import is_overtaken

CLOCK_JUMP_S = 0.1
IDLE = Reason('disarmed', 'arm to let chunks through')
# what is spliced holds beyond 0.15 s; what is measured is late by the slowest message
ARMING_OFFSET_S, MOVING_OFFSET_S = 0.02, 0.06
# a start further away than this is sent by itself, without a chunk: it would outlast one
FAR_START_S = 0.4


class Guard:
    """Judges chunks and watches the arm.

    Call `observe_joints` for every joint state, `observe_controller` for every state of the robot's controller,
    `accept_chunk` for every chunk and `tick` at about 50 Hz; send the plan of each output, if it has one, to the robot's
    controller at once, and nothing else. All times are ROS time. What else must hold is told to `conditions`.

    Losing anything that motion needs gives one stop plan, then silence until a chunk comes whose observation is newer
    than the loss. Disarmed, the guard is in shadow mode: it judges as if the arm were to start moving, and sends nothing.
    """

    _armed: bool
    _stopped: bool
    _sent: SentPlans
    _newest_s: float  # observations up to this time are of the past
    _used_s: float  # when the last chunk was used

    def __init__(self, profile: RobotProfile, config: GuardConfig | None = None, contract: str | None = None) -> None:
        """Start disarmed for the robot of `profile`; with `contract`, chunks have to carry this hash."""
        self.profile = profile
        self.config, self.contract = config or GuardConfig(), contract
        self.limits = PlanLimits(profile.limits, self.config.splice.grid_s, self.config.margins)
        self._checks = plan_checks(profile, self.config)
        self._now_s = -math.inf
        times = self.config.splice
        self._longest_s = times.lead_s + times.tail_s + times.grid_s  # from the last message to rest
        self._seen_s: float | None = None
        self._q_rad = np.full(profile.n_joints, np.nan)
        self._gripper = GripperSwitch(self.config.gripper)
        self.conditions = Conditions()
        self._tally = Tally(IDLE)
        age_s = self.config.max_controller_age_s
        self._controller = ControllerWatch(profile, age_s) if age_s else None
        self._forget_motion()
        self.reset()

    def arm(self, now_s: float | None = None) -> GuardOutput:
        """Let chunks through from now on, unless stopped: then `reset` first.

        With `now_s`, conditions that must hold before arming are asked for; what starts armed waits for them armed.
        """
        reason = None
        if now_s is not None:
            apart = self._controller.clocks_apart(ARMING_OFFSET_S) if self._controller else None
            reason = self.conditions.violated(now_s, arming=True) or apart
        if reason is not None and not (self._armed or self._stopped):
            return self._refused(Reason(reason.kind, f'not armed: {reason.text}'))
        if not (self._armed or self._stopped):
            self._armed, self._tally.reason = True, None
        return self._output()

    def disarm(self, reason: str, now_s: float | None = None) -> GuardOutput:
        """Bring the arm to rest and send nothing more until armed. Without `now_s` it counts from the last call."""
        if self._stopped:
            return self._output()
        plan = self._stop_motion(self._now(now_s))
        self._armed, self._tally.reason = False, Reason('disarmed', reason)
        return self._output(plan)

    def stop(self, reason: str, now_s: float | None = None) -> GuardOutput:
        """Bring the arm to rest and stay stopped until `reset`. Without `now_s`, the time of the last call counts."""
        plan = self._stop_motion(self._now(now_s))
        self._armed, self._stopped = False, True
        self._tally.refuse(Reason('stop', f'{reason}; reset to go on'))
        return self._output(plan)

    def reset(self, now_s: float | None = None) -> GuardOutput:
        """Forget a stop and the counts. The guard is disarmed then; an arm that moves is brought to rest."""
        plan = self._stop_motion(self._now(now_s))
        if not self._moving():
            self._forget_motion()
        self._armed = self._stopped = False
        self._tally.clear(IDLE)
        return self._output(plan)

    def observe_joints(self, t_s: float, q_rad: np.ndarray) -> None:
        """Take the measured arm joints, shape (n,) in the profile's order, NaN where one is missing, stamped `t_s`."""
        q = np.asarray(q_rad, dtype=float)
        if q.shape != (self.profile.n_joints,):
            raise LimitError(f'{self.profile.name} has {self.profile.n_joints} arm joints, got positions of shape {q.shape}')
        if not is_overtaken(t_s, self._seen_s):
            self._seen_s, self._q_rad = t_s, q
            if self._controller is not None:
                self._controller.hold_against(t_s, q)

    def observe_controller(
        self,
        t_s: float,
        q_rad: np.ndarray,
        running_s: float | None = None,
        heard_s: float | None = None,
        feedback_rad: np.ndarray | None = None,
    ) -> None:
        """Take what the robot's controller commands at `t_s`, shape (n,), and the stamp of the message it executes.

        With `heard_s`, the time on our clock, the clocks are compared; with `feedback_rad` (n,), where the controller
        measures the arm, the joint states.
        """
        if self._controller is not None:
            self._controller.observe(t_s, q_rad, running_s, heard_s, feedback_rad)
            self._sent.settle(t_s, self._controller.runs)

    def accept_chunk(self, now_s: float, chunk: Chunk, contract: str | None = None) -> GuardOutput:
        """Judge a chunk made under the contract of hash `contract`; the output has a plan if the arm may follow it."""
        self._now(now_s)
        if self._stopped:
            return self._output()
        reason = next(self.holds(), None) or gates.wrong_contract(contract, self.contract)
        reason = reason or gates.chunk_malformed(self.profile, chunk, self.config.chunk_points)
        reason = reason or gates.chunk_untimely(self.config, chunk, self._now_s, self._newest_s)
        if reason is not None:
            return self._refused(reason)
        chunk = self.config.workspace.bring_inside(self.profile, chunk)
        base = self._base()
        if base is self._sent.plan and base.start_s > now_s - self.config.settle_s:
            return self._output()  # the robot's controller, whose clock may be behind, still leads over to it
        if base is not self._sent.plan:
            if reason := way_refused(self._checks, self._q_rad, base):
                return self._refused(reason)
            if base.start_s > now_s + FAR_START_S:  # the controller takes its time to reach it
                self._tally.refuse(Reason('bridge', f'moving to the measured position, in {base.start_s - now_s:.1f} s'))
                return self._output(self._follow(base, base.start_s) if self._armed else None)
        tick = first_change_tick(base, now_s, self.config.splice)
        reason = gates.chunk_far(self.profile, self.config, chunk, base, tick)
        if reason is None:
            try:
                spliced = splice(base, chunk, now_s, self.limits, self.config.splice)
            except LimitError as error:
                reason = Reason('short', str(error))
        if reason is not None:
            return self._refused(reason)
        return self._use(chunk, base, spliced)

    def too_late(self, judged_s: float, now_s: float) -> bool:
        """Return whether a plan of `judged_s` must not be sent any more at `now_s`; a new one is forgotten then.

        What it changes may have begun when it arrives, which would be a jump.
        """
        if now_s - judged_s <= self.config.send_within_s:
            return False
        self._sent.withdraw(judged_s)
        self._tally.refuse(Reason('late', f'the guard itself was {now_s - judged_s:.2f} s late, and sent nothing'))
        return True

    def tick(self, now_s: float) -> GuardOutput:
        """Watch the arm: stop it when joint states, tracking or chunks are lost. Send the plan again while that helps."""
        now_s = self._now(now_s)
        astray = self._astray() if self._moving() else None
        if astray is not None:  # a stop on a plan that it does not follow would be a jump; its own ends within its tail
            self._tally.refuse(astray)
            self._forget_motion()
            self._newest_s = now_s
        if self._armed and self._moving() and not self._sent.stopping:
            reason = next(self.holds(), None)
            silence_s = now_s - self._used_s
            if reason is None and silence_s > self.config.max_silence_s + 1e-9:
                allowed = f'allowed are {self.config.max_silence_s:.2f} s'
                reason = Reason('silence', f'no usable chunk for {silence_s:.2f} s, {allowed}')
            if reason is not None:
                plan = self._stop_motion(now_s)
                self._tally.refuse(reason)
                return self._output(plan)
        return self._output(self._again())

    def _again(self) -> Plan | None:
        """Return the plan if it is to be sent once more."""
        quiet = self._controller is not None and self._controller.quiet(self._now_s)
        return self._sent.again(self._now_s) if self._moving() and not quiet else None

    def _now(self, now_s: float | None) -> float:
        """Take the time of a call; when the clock has jumped back, every plan is of another time and forgotten."""
        if now_s is not None:
            if now_s < self._now_s - CLOCK_JUMP_S:
                self._tally.refuse(Reason('clock', f'the clock jumped back by {self._now_s - now_s:.2f} s'))
                self._forget_motion()
                self._newest_s = now_s + self._longest_s  # by then all that the robot was sent has ended
                self._seen_s = None
                if self._controller is not None:
                    self._controller.forget()
            self._now_s = now_s
        return self._now_s

    def holds(self) -> Iterator[Reason]:
        """Find all that is wrong with the robot itself, or around it, and keeps the arm from moving."""
        watch, plan, now_s, seen_s = self._controller, self._sent.plan, self._now_s, self._seen_s
        allowed_rad = self.config.max_tracking_error_rad if self._moving() else self.config.resync_rad
        yield from self.conditions.all_violated(now_s)
        if missing := gates.joints_missing(self.profile, self.config, now_s, seen_s, self._q_rad):
            yield missing  # nothing can be compared with them
        elif astray := gates.tracking_lost(self.profile, self.config, now_s, plan, self._q_rad):
            yield astray
        elif watch and (lost := watch.lost(now_s, seen_s, self._q_rad, allowed_rad)):
            yield lost
        elif watch is None and (led := gates.led_astray(self.profile, allowed_rad, now_s, self._sent, self._q_rad)):
            yield led
        yield from filter(None, (watch and watch.clocks_apart(MOVING_OFFSET_S), self._astray()))

    @property
    def clock_ahead_s(self) -> float | None:
        """How much our clock is ahead of that of the robot's controller; None where too little was heard of it [s]."""
        return self._controller.clock_ahead_s if self._controller is not None else None

    def _astray(self) -> Reason | None:
        """Return why the robot's controller is not where the guard would have it."""
        if self._controller is not None and self._sent.plan is not None and self._moving():
            return self._controller.astray(self._sent.plan)
        return self._controller.restless() if self._controller is not None and self._armed else None

    def _base(self) -> Plan:
        """Return the plan onto which a chunk is spliced: the one under way, or a start from rest.

        That start is where the robot's controller holds the arm; where it does not say, it is given time to bridge.
        """
        if self._sent.plan is not None and self._moving():
            return self._sent.plan
        q_rad, gap_rad = self._q_rad, np.full(self.profile.n_joints, self.config.unknown_gap_rad)
        if self._controller is not None and self._controller.q_rad is not None:
            held_rad = self._controller.q_rad
            return Plan.hold(held_rad, past_tick(self._now_s, self.config.splice), self.limits.grid_s)
        if self._sent.plan is not None:
            end_rad = self._sent.plan.q_rad[-1]
            gap_rad = np.maximum(gap_rad, np.abs(end_rad - q_rad))
            q_rad = end_rad if gap_rad.max() <= self.config.resync_rad else q_rad
        return start_plan(q_rad, gap_rad, self._now_s, self.limits, self.config.splice)

    def _use(self, chunk: Chunk, base: Plan, spliced: Splice) -> GuardOutput:
        start_s = first_change_tick(base, self._now_s, self.config.splice) * base.grid_s
        plan, reason = part_allowed(self._checks, base, spliced.plan, start_s)
        if reason and plan is base:
            return self._refused(reason)
        self._tally.use(spliced, self.profile.arm_joints, reason)
        self._newest_s = chunk.stamp_s
        if not self._armed:
            return self._output()
        return self._output(self._follow(plan, max(self._now_s, plan.start_s)), self._gripper.vote(chunk, self._now_s))

    def _follow(self, plan: Plan, used_s: float, stopping: bool = False) -> Plan:
        """Take a plan as the one that is sent."""
        self._used_s = used_s
        return self._sent.add(plan, self._now_s, stopping)

    def _moving(self) -> bool:
        return self._sent.plan is not None and self._now_s < self._sent.plan.end_s

    def _stop_motion(self, now_s: float) -> Plan | None:
        """Return the stop plan if the arm moves; chunks of observations up to now are of the past."""
        self._newest_s = max(self._newest_s, now_s)
        self._gripper.reset()
        if self._sent.plan is None or not self._moving() or self._sent.stopping:
            return None
        return self._follow(stop_plan(self._sent.plan, now_s, self.limits, self.config.splice), self._used_s, stopping=True)

    def _refused(self, reason: Reason) -> GuardOutput:
        self._tally.refuse(reason)
        return self._output()

    def _forget_motion(self) -> None:
        self._sent = SentPlans(self.config)
        self._newest_s = self._used_s = -math.inf
        self._gripper.reset()

    @property
    def status(self) -> GuardStatus:
        """The judgement as it stands."""
        active = 'moving' if self._moving() else 'holding'
        return self._tally.status('stopped' if self._stopped else active if self._armed else 'disarmed')

    def _output(self, plan: Plan | None = None, gripper_open: float | None = None) -> GuardOutput:
        return GuardOutput(self.status, plan, gripper_open)
