# SPDX-License-Identifier: Apache-2.0
"""All diagnoses, and the cause that each of them speaks for."""

from collections.abc import Callable, Sequence

from genima.failures import gripper_color, hidden, jitter, offset, outside
from genima.failures.evidence import Evidence
from genima.failures.finding import Finding
from genima.failures.moments import Moment, look

Diagnosis = Callable[[Evidence, Sequence[Moment]], Finding | None]
DIAGNOSES: dict[str, Diagnosis] = {
    outside.NAME: outside.outside_workspace,
    hidden.NAME: hidden.hidden_by_arm,
    gripper_color.NAME: gripper_color.gripper_color,
    jitter.NAME: jitter.jitter,
    offset.NAME: offset.camera_offset,
}
SPEAKS_FOR = {
    outside.NAME: 'calibration',
    hidden.NAME: 'occlusion',
    gripper_color.NAME: 'wrong_color',
    jitter.NAME: 'jitter',
    offset.NAME: 'calibration',
}
"""Diagnosis to the cause that it speaks for."""


def diagnose(evidence: Evidence) -> list[Finding]:
    """Return everything that is found to be wrong."""
    moments = look(evidence)
    found = (diagnosis(evidence, moments) for diagnosis in DIAGNOSES.values())
    return [finding for finding in found if finding is not None]
