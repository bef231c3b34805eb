# SPDX-License-Identifier: Apache-2.0
"""All checks of all cameras, and what they say: one verdict per picture."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone

from genima.align.latency import small_grey
from genima.camera_checks.drift import LEAST_LIKENESS, DriftPin, guidance
from genima.camera_checks.identity import likenesses, mistaken
from genima.camera_checks.motion import PictureMotion
from genima.camera_checks.pictures import Sight, SmallSight, made_small
from genima.camera_checks.projection import ProjectionCheck
from genima.camera_checks.reference import Reference
from genima.camera_checks.silhouette import Silhouette
from genima.errors import CalibrationError
from genima.robots.profile import RobotProfile

UNSEEN = 6  # pictures without a comparison; more are a problem
PIN = 'call the service camera_check_node/pin when the camera is where it was calibrated'


@dataclass(frozen=True)
class CheckLimits:
    """What is still right.

    Attributes:
        drift_px: largest motion of the picture against its reference, in a picture `at_width_px` wide. The training-data
            page allows 2 px and 5 mm; 5 mm along the axis of a camera 1.4 m away are 0.48 px of what is behind the arm.
        carried_drift_px: likewise for a camera on the arm: what it is compared with is near.
        projection_px: largest distance of the arm from where the calibration has it, likewise; 5 px in the page.
        at_width_px: the limits in pixels grow and shrink with the width of the picture.
        least_drift_px, least_projection_px: what can be told in a picture of any width.
        age_days: largest age of a calibration; 0: any.
        in_a_row: so many pictures one after another must be wrong; also so many right ones make it right again.
    """

    drift_px: float = 0.45
    carried_drift_px: float = 2.0
    projection_px: float = 5.0
    at_width_px: int = 640
    least_drift_px: float = 0.18
    least_projection_px: float = 2.0
    age_days: float = 0.0
    in_a_row: int = 2

    def drift_at(self, width_px: int, carried: bool) -> float:
        """Return the limit of the drift for pictures of some width [px]."""
        limit_px = self.carried_drift_px if carried else self.drift_px
        return max(limit_px * width_px / self.at_width_px, self.least_drift_px)

    def projection_at(self, width_px: int) -> float:
        """Return the limit of the projection error for pictures of some width [px]."""
        return max(self.projection_px * width_px / self.at_width_px, self.least_projection_px)


@dataclass(frozen=True)
class Verdict:
    """What one picture says about its camera; figures are NaN where nothing was measured.

    Attributes:
        camera: its name.
        stamp_s: of the picture [s].
        ok: whether the camera may be used.
        problems: sentences with numbers and what to do.
        projection_error_px: how far the arm is from where it should be; infinite where it is not found.
        drift_px: largest motion against the reference.
        drift_direction_px: mean motion of the picture, right and down.
        calibration_age_days: since the date of the calibration.
        pictures: checked so far.
    """

    camera: str
    stamp_s: float
    ok: bool
    problems: tuple[str, ...] = ()
    projection_error_px: float = math.nan
    drift_px: float = math.nan
    drift_direction_px: tuple[float, float] = (math.nan, math.nan)
    calibration_age_days: float = math.nan
    pictures: int = 0


@dataclass
class _Watched:
    """What is remembered of a camera."""

    projection: ProjectionCheck
    date: datetime | None = None
    pictures: int = 0
    unseen: int = 0
    compared: bool = False
    bad: bool = True
    same: int = 0
    problems: tuple[str, ...] = ()


@dataclass
class _Figures:
    """What one picture gives."""

    problems: list[str] = field(default_factory=list)
    at_once: bool = False  # these problems are certain
    motion: PictureMotion | None = None
    projection_px: float = math.nan
    age_days: float = math.nan


class CameraChecks:
    """Holds pictures against references and predictions.

    Args:
        profile: the robot.
        cameras: names of all cameras.
        limits: what is still right.
        calibrated_at: ISO 8601 dates of the calibrations by camera; '' for all others.

    Raises:
        CalibrationError: if a date cannot be read.
    """

    def __init__(
        self,
        profile: RobotProfile,
        cameras: Iterable[str],
        limits: CheckLimits | None = None,
        calibrated_at: Mapping[str, str] | None = None,
    ) -> None:
        self.limits = limits or CheckLimits()
        self._silhouette = Silhouette(profile)
        self.robot = profile.name
        self._pins: dict[str, DriftPin] = {}
        dates = calibrated_at or {}
        self._watched = {
            name: _Watched(ProjectionCheck(self._silhouette), _date(name, dates.get(name, dates.get('', ''))))
            for name in cameras
        }

    def use(self, references: Mapping[str, Reference]) -> None:
        """Compare with these references from now on."""
        for name, reference in references.items():
            self._pins[name] = DriftPin(reference, self._silhouette)
            self._watched[name].projection.forget()

    def check(self, camera: str, sight: Sight) -> Verdict:
        """Check one picture of a camera."""
        watched, figures = self._watched[camera], _Figures()
        watched.pictures += 1
        self._check_age(watched, figures)
        if sight.fits:
            self._check_picture(camera, made_small(sight), watched, figures)
        else:
            self._refuse_size(camera, sight, figures)
        self._settle(watched, figures)
        motion = figures.motion
        return Verdict(
            camera=camera,
            stamp_s=sight.stamp_s,
            ok=not watched.bad,
            problems=watched.problems,
            projection_error_px=figures.projection_px,
            drift_px=motion.largest_px if motion else math.nan,
            drift_direction_px=(float(motion.shift_px[0]), float(motion.shift_px[1])) if motion else (math.nan, math.nan),
            calibration_age_days=figures.age_days,
            pictures=watched.pictures,
        )

    def _check_age(self, watched: _Watched, figures: _Figures) -> None:
        if watched.date is None:
            return
        figures.age_days = (datetime.now(timezone.utc) - watched.date).total_seconds() / 86400
        if 0 < self.limits.age_days < figures.age_days:
            allowed = f'{self.limits.age_days:.0f} are allowed'
            figures.problems.append(f'the calibration is {figures.age_days:.0f} days old, {allowed}: calibrate again')
            figures.at_once = True

    def _refuse_size(self, camera: str, sight: Sight, figures: _Figures) -> None:
        (height, width), model = sight.picture.shape[:2], sight.camera.model
        calibrated = f'the calibration is for {model.width_px}x{model.height_px}'
        figures.problems.append(f'pictures are {width}x{height}, {calibrated}: calibrate at the size that is sent')
        figures.at_once = True
        found = likenesses(small_grey(sight.picture), self._pins, sight.q_rad, sight.gripper_open)
        figures.problems += filter(None, [mistaken(camera, found)])

    def _check_picture(self, camera: str, live: SmallSight, watched: _Watched, figures: _Figures) -> None:
        pin, width_px = self._pins.get(camera), live.sight.picture.shape[1]
        if pin is None:
            figures.problems.append(f'there is no reference picture: {PIN}')
            figures.at_once = True
        else:
            other = pin.reference.other_calibration(live.sight.camera)
            if other:
                figures.problems.append(f'{other}: {PIN}')
                figures.at_once = True
            if pin.small.grey.shape == live.grey.shape:
                self._check_drift(pin, live, watched, figures)
            if figures.problems or figures.motion is None:  # whose picture is it, then?
                found = likenesses(live.grey, self._pins, live.sight.q_rad, live.sight.gripper_open)
                figures.problems += filter(None, [mistaken(camera, found)])
        usable = pin if pin is not None and not figures.problems else None
        watched.projection.observe(live, usable)
        figures.projection_px = watched.projection.error_px
        self._check_projection(watched.projection, width_px, figures)

    def _check_drift(self, pin: DriftPin, live: SmallSight, watched: _Watched, figures: _Figures) -> None:
        width_px = live.sight.picture.shape[1]
        allowed_px = self.limits.drift_at(width_px, pin.parts.carried)
        motion = pin.measure(live, allowed_px)
        watched.unseen = watched.unseen + 1 if motion is None else 0
        if watched.unseen > UNSEEN:
            figures.problems.append(
                f'{watched.unseen} pictures could not be compared with the reference of {pin.reference.taken_at}: move the'
                ' arm out of the way, open the gripper as it was then, or uncover the camera'
            )
        if motion is None:
            return
        if motion.likeness < LEAST_LIKENESS:
            figures.problems.append(
                f'the picture is not like its reference of {pin.reference.taken_at} (likeness {motion.likeness:.2f}, '
                f'{LEAST_LIKENESS} is needed): is the camera where it was, and uncovered?'
            )
            return
        figures.motion = motion
        if motion.largest_px > allowed_px:
            figures.problems.append(
                f'the camera has moved: the picture is off by {motion.largest_px:.1f} px, {allowed_px:.1f} px are allowed; '
                f'to restore: {guidance(motion, width_px)}; or calibrate again'
            )

    def _check_projection(self, check: ProjectionCheck, width_px: int, figures: _Figures) -> None:
        allowed_px = self.limits.projection_at(width_px)
        if check.error_px > allowed_px:  # not if NaN
            off = 'is not where' if math.isinf(check.error_px) else f'is {check.error_px:.1f} px from where'
            figures.problems.append(
                f'the arm {off} joints and calibration have it ({allowed_px:.1f} px are allowed, agreement {check.fit:.2f}):'
                ' are camera_info and tf those of this camera? Calibrate again'
            )

    def _settle(self, watched: _Watched, figures: _Figures) -> None:
        """Believe a change after some pictures in a row, and what is certain at once."""
        bad = bool(figures.problems)
        if not bad and figures.motion is None:  # nothing was seen that speaks for the camera
            watched.problems = watched.problems or (('it could not be compared with its reference yet',) * watched.bad)
            return
        watched.same = watched.same + 1 if bad != watched.bad else 0
        if watched.same >= self.limits.in_a_row or figures.at_once or not (bad or watched.compared):
            watched.bad, watched.same = bad, 0
        watched.compared = watched.compared or figures.motion is not None
        if bad or not watched.bad:
            watched.problems = tuple(figures.problems)


def _date(camera: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        date = datetime.fromisoformat(text.replace('Z', '+00:00'))
    except ValueError as error:
        raise CalibrationError(f'camera {camera!r}: calibration date {text!r}; the form is 2026-11-01') from error
    return date if date.tzinfo else date.replace(tzinfo=timezone.utc)
