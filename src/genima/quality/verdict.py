# SPDX-License-Identifier: Apache-2.0
"""How good an episode must be, and what came of measuring it."""

from dataclasses import asdict, dataclass
from typing import Any

from genima.quality.findings import Finding
from genima.quality.idle import Stretch

PASS, FAIL, NOT_MEASURABLE = 'pass', 'fail', 'not measurable'
MEASURES = ('sound', 'speed', 'drift', 'labels', 'skew', 'repeats')
"""The measures, in the order in which they are made."""


@dataclass(frozen=True)
class Thresholds:
    """What is still good.

    Attributes:
        speed_rad_s: Fastest joint; source: the training-data page, "joint-velocity spikes > 2 rad/s".
        drift_px: Largest projection drift; source: the same page, "sphere projection error > 5 pixels".
        skew_s: Largest time between a picture and its step.
        repeats: Largest share of the steps that show the picture of the step before.
        idle_s: Arm and gripper are idle when they are still for longer.
        agreement: Smallest share of the annotators who say the same; source: the same page, "human annotator disagreement".
        accept: Codes of findings that do not make an episode unsound.
    """

    speed_rad_s: float = 2.0
    drift_px: float = 5.0
    skew_s: float = 0.05
    repeats: float = 0.2
    idle_s: float = 0.5
    agreement: float = 1.0
    accept: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measure:
    """One figure: its `name`, what came of it, the `value` and its `limit` in one unit (None: none), and a sentence."""

    name: str
    verdict: str
    text: str
    value: float | None = None
    limit: float | None = None


@dataclass(frozen=True)
class Quality:
    """All measures of one episode, what `genima dataset verify` finds in it alone, and its idle stretches."""

    file: str
    measures: tuple[Measure, ...]
    findings: tuple[Finding, ...] = ()
    steps: int = 0
    seconds: float = 0.0
    idle: tuple[Stretch, ...] = ()

    def reasons(self, strict: bool = False) -> list[str]:
        """Return why the episode is rejected; `strict` rejects what could not be measured, too."""
        bad = (FAIL, NOT_MEASURABLE) if strict else (FAIL,)
        return [f'{each.name}: {each.text}' for each in self.measures if each.verdict in bad]

    @property
    def idle_seconds(self) -> float:
        """Seconds in which nothing moves."""
        return sum(stretch.seconds for stretch in self.idle)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**asdict(self), 'idle_seconds': self.idle_seconds}
