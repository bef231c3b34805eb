# SPDX-License-Identifier: Apache-2.0
"""A paired test of two success rates that one may look at after every episode.

Both policies run on the same seeds. Pairs in which both succeed or both fail say nothing about who is better; of the
others, each is won by one side with probability 1/2 if they are equally good. A bet on who wins them, started with a capital
of 1, can then not grow on average, and whatever the rule of stopping, it ever reaches 1/alpha with a probability of at most
alpha (Ville 1939; Ramdas et al., Statistical Science 38 (2023) 576).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln

ALPHA = 0.05
STRONG, WEAK = 20.0, 7.0
"""Half of the capital bets that one side wins as Beta(20, 7) says, about 74 % of the pairs, and half on the other side."""


def evidence(wins: NDArray[np.int64] | int, losses: NDArray[np.int64] | int) -> NDArray[np.float64]:
    """Return the capital, the e-value, after so many pairs that were won and lost; arrays broadcast."""
    won, lost = np.asarray(wins, dtype=np.float64), np.asarray(losses, dtype=np.float64)
    sides = [betaln(a + won, b + lost) - betaln(a, b) for a, b in ((STRONG, WEAK), (WEAK, STRONG))]
    return np.asarray(np.exp(np.logaddexp(*sides) - math.log(2.0) + (won + lost) * math.log(2.0)))


@dataclass
class PairedTest:
    """The test as episodes come in.

    Attributes:
        alpha: Probability of ever calling equal policies different.
        history: E-value after each pair.
    """

    alpha: float = ALPHA
    history: list[float] = field(default_factory=list)
    _wins: int = 0
    _losses: int = 0

    def add(self, first: bool, second: bool) -> bool:
        """Take the outcomes on one seed; return whether the policies are told apart by now."""
        self._wins += first and not second
        self._losses += second and not first
        self.history.append(float(evidence(self._wins, self._losses)))
        return self.decided

    @property
    def counts(self) -> tuple[int, int]:
        """Pairs that only the first, and that only the second policy did."""
        return self._wins, self._losses

    @property
    def decided(self) -> bool:
        """Whether the evidence was ever enough."""
        return self.p <= self.alpha

    @property
    def p(self) -> float:
        """The p-value that holds at any time, so that looking early costs nothing."""
        return min(1.0, 1.0 / max(self.history, default=1.0))


def episodes_needed(first: NDArray[np.bool_], second: NDArray[np.bool_], alpha: float = ALPHA) -> NDArray[np.int64]:
    """Return after how many pairs each of N comparisons (N, E) would have stopped; 0 where it never did."""
    wins, losses = (np.cumsum(won, axis=1, dtype=np.int64) for won in (first & ~second, second & ~first))
    enough = evidence(wins, losses) >= 1.0 / alpha
    return np.where(enough.any(axis=1), enough.argmax(axis=1) + 1, 0)


def fixed_test(first: Sequence[bool], second: Sequence[bool]) -> float:
    """Return the p-value of McNemar's exact test, which may be looked at once only, at the end."""
    from scipy.stats import binomtest

    wins = int(np.sum(np.asarray(first) & ~np.asarray(second)))
    losses = int(np.sum(np.asarray(second) & ~np.asarray(first)))
    return float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0
