# SPDX-License-Identifier: Apache-2.0
"""A segment, or any recording of a running policy, as evidence."""

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from genima.align.joints import openings_at
from genima.cameras.pixels import raw_pixels
from genima.cameras.views import tile, untile
from genima.contract.preprocessor import Preprocessor
from genima.contract.spec import PolicySpec
from genima.convert.mcap import topics
from genima.convert.mcap.survey import Survey
from genima.convert.mcap.views import picture
from genima.errors import DatasetError
from genima.failures.diagnose import diagnose
from genima.failures.evidence import Evidence, JointSeries, PaintedTarget
from genima.failures.layout import Flag, read_flag, write_flag
from genima.guard.workspace import Workspace
from genima.recording.layout import SUMMARY, read_summary
from genima.recording.reader import Bag
from genima.recording.schemas import Schemas
from genima.robots.profile import RobotProfile

TARGET = 'target_image'
CONTRACT, WORKSPACE = 'policy_contract', 'workspace'
"""Keys of the provenance: the whole contract, and the box in which the spheres may be."""


def contract_of(folder: Path, policy: Path | str = '') -> PolicySpec:
    """Return the contract of the policy that ran: of a policy directory, or as the segment has it.

    Raises:
        DatasetError: if nobody knows it.
    """
    if str(policy):
        return PolicySpec.load(policy)
    provenance = read_summary(folder)['provenance'] if (folder / SUMMARY).is_file() else {}
    if CONTRACT not in provenance:
        raise DatasetError(f'{folder} does not have the contract of its policy: name the policy directory with --policy')
    return PolicySpec.from_dict(provenance[CONTRACT], folder)


def read_evidence(folder: Path, spec: PolicySpec) -> Evidence:
    """Return what a bag says about painted pictures and the arm.

    Raises:
        DatasetError: if the bag is damaged, or there are no target images or joints in it.
        CalibrationError: if a camera has no calibration, or moved meanwhile.
    """
    return SegmentReader(folder, spec).evidence()


class SegmentReader:
    """Reads a bag once for its numbers; pictures are looked up when they are wanted.

    Args:
        folder: The bag.
        spec: The contract of the policy that ran.
    """

    def __init__(self, folder: Path, spec: PolicySpec) -> None:
        self._folder, self._spec, self._bag = folder, spec, Bag(folder)
        self._profile = RobotProfile.named(self._provenance().get('robot') or spec.robot)
        spec.check_robot(self._profile)
        self._survey = Survey(self._profile, {})
        self._survey.read(self._bag)

    def evidence(self) -> Evidence:
        """Return everything that diagnoses need; see `read_evidence`."""
        cameras = self._survey.cameras()
        missing = [name for name in self._spec.cameras if name not in cameras]
        if missing:
            raise DatasetError(f'{self._folder} has no pictures of {", ".join(missing)}: record all cameras of the policy')
        return Evidence(
            spec=self._spec,
            profile=self._profile,
            cameras={name: replace(each, model=each.model.pinhole()) for name, each in cameras.items()},
            targets=self._targets,
            joints=self._joints(),
            gripper_commands=tuple(self._survey.streams.gripper_commands),
            workspace=self._workspace(),
        )

    def pictures(self, time_s: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the camera views and the target image nearest to a time, both tiled (H, W, 3) uint8.

        The views are those that the target image was painted on. Without target images the second is black.
        """
        newest = min(self._targets, key=lambda target: abs(target.stamp_s - time_s), default=None)
        cameras, schemas, views = self._survey.cameras(), Schemas(), []
        preprocessor = Preprocessor(self._spec)
        for name in self._spec.cameras:
            place = self._survey.streams.cameras[name].nearest(time_s if newest is None else newest.stamp_s).payload
            (raw,) = self._bag.at([place])
            views.append(preprocessor.view(name, picture(raw, schemas, cameras[name]), cameras[name].model))
        seen = tile(np.stack(views))
        return seen, np.zeros_like(seen) if newest is None else tile(newest.views)

    @cached_property
    def _targets(self) -> tuple[PaintedTarget, ...]:
        found, schemas = [], Schemas()
        for raw in self._bag.raw():
            if raw.topic.name.endswith(f'/{TARGET}'):
                schemas.add(raw.topic.kind, raw.topic.schema)
                found.append(self._target(schemas.decode(raw.topic.kind, raw.data), raw.topic.name))
        return tuple(sorted(found, key=lambda target: target.stamp_s))

    def _target(self, message: Any, topic: str) -> PaintedTarget:
        self._spec.require_same(message.contract, topic)
        return PaintedTarget(topics.stamp_s(message), untile(raw_pixels(message.image, topic), len(self._spec.cameras)))

    def _joints(self) -> JointSeries:
        track, arm = self._survey.streams.joints, self._profile.arm_joints
        begin_s, end_s = track.span_s(arm)
        times_s = track.times_s(arm[0])
        times_s = times_s[(times_s >= begin_s) & (times_s <= end_s)]
        opening = openings_at(self._profile.gripper, track, times_s, np.inf)
        return JointSeries(times_s, track.at(arm, times_s, np.inf), opening)

    def _provenance(self) -> dict[str, Any]:
        return dict(read_summary(self._folder)['provenance']) if (self._folder / SUMMARY).is_file() else {}

    def _workspace(self) -> Workspace:
        low, high = self._provenance().get(WORKSPACE) or (Workspace.min_xyz_m, Workspace.max_xyz_m)
        return Workspace(tuple(low), tuple(high))


def diagnose_segment(folder: Path, policy: Path | str = '') -> Flag:
    """Diagnose a finished segment and write what was found into its `failure.json`; return that.

    Args:
        folder: Of the segment.
        policy: Directory of the policy that ran; empty: the segment has its contract.

    Raises:
        GenimaError: if the segment cannot be read, or it is not known which policy ran.
        OSError: if `failure.json` cannot be written.
    """
    findings = diagnose(read_evidence(folder, contract_of(folder, policy)))
    flag = replace(read_flag(folder), diagnoses=tuple(each.to_dict() for each in findings), diagnosed=True)
    write_flag(folder, flag)
    return flag
