# SPDX-License-Identifier: Apache-2.0
"""Watches the cameras while everything runs: has one moved, was one swapped, is the arm where its calibration says?"""

import json
import threading
from pathlib import Path
from typing import NoReturn

import cv2
from std_srvs.srv import Trigger

from genima.calibration.mounting import read_folder
from genima.camera_checks.check import CameraChecks, CheckLimits, Verdict
from genima.camera_checks.pictures import Sight
from genima.camera_checks.reference import Reference, read_reference, write_references
from genima.contract.spec import PolicySpec
from genima.errors import CalibrationError, GenimaError
from genima.robots.profile import RobotProfile
from genima_msgs.msg import CameraCheck
from genima_ros.conversions.frames import optical_frame
from genima_ros.core import qos
from genima_ros.core.diagnostics import refuse
from genima_ros.core.parameters import declare
from genima_ros.core.run import run
from genima_ros.core.sturdy import SturdyNode
from genima_ros.core.worker import LatestWorker
from genima_ros.rig.camera_inputs import CameraCheckInputs

COMPLAINT_PERIOD_S = 5.0


class CameraCheckNode(SturdyNode):
    """Checks the newest picture of each camera about twice a second, in a thread of its own."""

    def __init__(self) -> None:
        super().__init__('camera_check_node')
        policy = declare(self, 'policy', '', 'Policy directory; its contract says which cameras. Empty: cameras does.')
        robot = declare(self, 'robot', '', 'Robot profile (name or file); empty: the one that the policy names.')
        named = declare(self, 'cameras', '', "Names of the cameras, by commas; empty: the policy's.")
        rate_hz = declare(self, 'rate_hz', 2.0, 'Checks per second and camera [Hz].', between=(0.1, 10.0))
        folder = declare(self, 'references', '', 'Folder of the reference images; empty: they are kept in memory only.')
        self._pin_soon = declare(self, 'pin_at_start', False, 'Take the first images as references; in simulation only.')
        spec = PolicySpec.load(policy) if policy else None
        self.profile = RobotProfile.load(robot or (spec.robot if spec else 'panda'))
        self.cameras = [name.strip() for name in named.split(',') if name.strip()] or list(spec.cameras if spec else ())
        if not self.cameras:
            raise GenimaError('no camera to check; name them (parameter cameras), or give a policy')
        self._folder = Path(folder).expanduser().absolute() if folder else None
        self._checks = CameraChecks(self.profile, self.cameras, self._declare_limits(), self._declare_dates())
        self._read_references()
        self._lock = threading.Lock()  # the service pins while the worker checks
        self._checked_s: dict[str, float] = {}
        self._verdicts = self.create_publisher(CameraCheck, 'camera_check', qos.STATISTICS)
        self._inputs = CameraCheckInputs(self, self.profile, self.cameras)
        cv2.setNumThreads(1)
        self._worker: LatestWorker[None] = LatestWorker(self._check, 'camera check')
        self.create_service(Trigger, '~/pin', self._on_pin)
        self.create_timer(1.0 / rate_hz, lambda: self._worker.submit(None))
        self.get_logger().info(f'camera check ready: {self.profile.name}, cameras {", ".join(self.cameras)}')

    def close(self) -> None:
        """Let the check at hand end, for a moment."""
        self._worker.close()

    def _declare_limits(self) -> CheckLimits:
        standard = CheckLimits()
        drift_px = declare(
            self, 'max_drift_px', standard.drift_px, 'Motion against the reference, in an image 640 px wide [px].',
            between=(0.05, 100.0),
        )  # fmt: skip
        carried_px = declare(
            self, 'max_carried_drift_px', standard.carried_drift_px, 'The same for a camera on the arm [px].',
            between=(0.05, 100.0),
        )  # fmt: skip
        projection_px = declare(
            self, 'max_projection_error_px', standard.projection_px,
            'Distance of the arm from where it should be, in an image 640 px wide [px].', between=(0.5, 100.0),
        )  # fmt: skip
        age_days = declare(
            self, 'max_calibration_age_days', standard.age_days, 'Age of a calibration [d]; 0: any.', between=(0.0, 10000.0)
        )
        in_a_row = declare(
            self, 'in_a_row', standard.in_a_row, 'Bad images in a row that count.', between=(1, 20)
        )
        return CheckLimits(drift_px, carried_px, projection_px, age_days=age_days, in_a_row=in_a_row)

    def _declare_dates(self) -> dict[str, str]:
        folder = declare(self, 'calibrations', '', 'Folder of calibration files, for their dates; empty: none.')
        text = declare(self, 'calibrated_at', '{}', 'Dates of other calibrations by camera as JSON; "" for all others.')
        of_files = {name: each.date for name, each in read_folder(folder).items()} if folder else {}
        return {**read_dates(text), **of_files}

    def _read_references(self) -> None:
        folder = self._folder
        if folder is None:
            return
        for name in self.cameras:
            try:
                reference = read_reference(folder, name, self.profile.name)
            except CalibrationError as error:
                self.get_logger().error(str(error))
                continue
            if reference is not None:
                self._checks.use({name: reference})
                self.get_logger().info(f'camera {name}: reference of {reference.taken_at}')

    def _check(self, _: None) -> None:
        if self._pin_soon and not self._pin():
            self._pin_soon = False
        for name in self.cameras:
            try:
                sight = self._inputs.sight(name)
            except GenimaError as error:
                refuse(self, f'image of {name}', f'camera {name} is not checked: {error}')
                continue
            if sight is None or sight.stamp_s == self._checked_s.get(name) or self._worker.closing:
                continue
            self._checked_s[name] = sight.stamp_s
            with self._lock:
                verdict = self._checks.check(name, sight)
            if self._worker.closing:
                return
            message = verdict_message(verdict)
            message.header.stamp = self._inputs.stamp_of(name, verdict.stamp_s)
            self._verdicts.publish(message)
            if not verdict.ok:
                text = f'camera {name}: {"; ".join(verdict.problems)}'
                self.get_logger().warning(text, throttle_duration_sec=COMPLAINT_PERIOD_S)

    def _on_pin(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        refusal = self._pin()
        response.success = refusal is None
        response.message = refusal or f'references taken of {", ".join(self.cameras)}, {self._where}'
        if refusal:
            self.get_logger().error(refusal)
        return response

    @property
    def _where(self) -> str:
        return f'in {self._folder}' if self._folder else 'in memory only (parameter references names a folder)'

    def _pin(self) -> str | None:
        """Take the newest pictures as references; return why that cannot be done."""
        sights: dict[str, Sight] = {}
        for name in self.cameras:
            try:
                sight = self._inputs.sight(name)
            except GenimaError as error:
                return f'no reference is taken: camera {name}: {error}'
            if sight is None:
                return f'no reference is taken: camera {name}: no picture of the last seconds'
            if not sight.fits:
                return f'no reference is taken: camera {name}: picture and calibration are of different sizes'
            sights[name] = sight
        references = {name: Reference.of(sight, self.profile.name) for name, sight in sights.items()}
        try:
            if self._folder is not None:
                write_references(self._folder, references)
        except OSError as error:
            return f'no reference is taken: {self._folder} cannot be written: {error}'
        with self._lock:
            self._checks.use(references)
        self.get_logger().info(f'references taken of {", ".join(self.cameras)}, {self._where}')
        return None


def read_dates(text: str) -> dict[str, str]:
    """Return dates of calibrations by camera from JSON.

    Raises:
        CalibrationError: if it is no table of texts.
    """
    try:
        table = json.loads(text)
    except ValueError as error:
        raise CalibrationError(f'parameter calibrated_at: {text!r} is not JSON ({error})') from error
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise CalibrationError(f'parameter calibrated_at: {text!r}; the form is {{"wrist": "2026-11-01"}}')
    return table


def verdict_message(verdict: Verdict) -> CameraCheck:
    """Return a verdict as a message."""
    message = CameraCheck(
        camera=verdict.camera,
        ok=verdict.ok,
        problems=list(verdict.problems),
        projection_error_px=float(verdict.projection_error_px),
        drift_px=float(verdict.drift_px),
        drift_direction_px=[float(value) for value in verdict.drift_direction_px],
        calibration_age_days=float(verdict.calibration_age_days),
        pictures=verdict.pictures,
    )
    message.header.frame_id = optical_frame(verdict.camera)
    return message


def main() -> NoReturn:
    """Run the node."""
    run(CameraCheckNode)


if __name__ == '__main__':
    main()
