# SPDX-License-Identifier: Apache-2.0
"""What the guard has judged since the last reset, and the reason that counts now."""

from collections import Counter
from collections.abc import Sequence

from genima.chunks.splice import Splice
from genima.guard.status import GuardStatus, Reason

HARDLY = 0.1  # a plan that goes less far towards its chunk needs an explanation


class Tally:
    """Counts of refusals by kind, of chunks that were used, and the largest share of each limit."""

    reason: Reason | None
    _counts: Counter[str]
    _worst: dict[str, float]

    def __init__(self, reason: Reason) -> None:
        """Begin with nothing but a reason."""
        self.clear(reason)

    def clear(self, reason: Reason) -> None:
        """Forget all; `reason` is what counts now."""
        self.reason = reason
        self._counts, self._worst = Counter(), {}
        self._share = self._rate = 1.0
        self._chunks = 0

    def refuse(self, reason: Reason) -> None:
        """Count a refusal or a stop, and say why."""
        self._counts[reason.kind] += 1
        self.reason = reason

    def use(self, spliced: Splice, joints: Sequence[str], partly: Reason | None) -> None:
        """Count a chunk that is used, and what limited it.

        Args:
            spliced: The plan and how far it goes.
            joints: Names of the arm's joints.
            partly: Where only a part of the plan is followed, why.
        """
        self.reason = partly
        self._counts.update([partly.kind] if partly else [])
        step = spliced.step
        if step.share < 1.0 and step.quantity is not None and step.joint is not None:
            text = f'{step.quantity} of {joints[step.joint]} lets only {step.share:.0%} of the chunk through'
            limited = Reason('limits', text)
            self._counts[limited.kind] += 1
            self.reason = self.reason or (limited if step.share < HARDLY else None)
        self._share, self._rate = step.share, spliced.rate
        self._worst = {name: max(self._worst.get(name, 0.0), share) for name, share in spliced.worst.items()}
        self._chunks += 1

    def status(self, state: str) -> GuardStatus:
        """Return the judgement as it stands, `state` being what the guard does."""
        reasons: tuple[str, ...] = () if self.reason is None else (self.reason.text,)
        if state == 'holding' and not reasons:
            reasons = ('waiting for a chunk',)
        return GuardStatus(state, reasons, self._share, self._rate, dict(self._worst), self._chunks, dict(self._counts))
