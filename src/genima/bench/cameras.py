# SPDX-License-Identifier: Apache-2.0
"""How surely a bumped or swapped camera is noticed, how soon, and how often one that nobody touched is suspected."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from genima.bench.camera_work import Bump, WorkingArm
from genima.camera_checks.check import CameraChecks, CheckLimits, Verdict
from genima.camera_checks.pictures import Sight
from genima.camera_checks.reference import Reference
from genima.processes import in_processes

PERIOD_S = 0.5  # between two checks
WITHIN_S = 2.0
SEGMENT_S = 300.0
TRIALS_PER_JOB = 20
PATIENCE = 10  # pictures in which a swapped camera must have been refused
UNDISTURBED, BUMPED, DIRECTIONS, SWAPPED = 'undisturbed', 'bumped', 'directions', 'swapped'
SHIFT_M, TURN_RAD = 0.005, float(np.deg2rad(0.5))


@dataclass(frozen=True)
class Job:
    """A part of the measurement.

    Attributes:
        kind: undisturbed, bumped, directions or swapped.
        robot: profile name or file.
        size_px: width and height of the pictures.
        seed: of everything that is random in it.
        limits: of the checks.
        count: bumps per camera and kind, or moments.
        duration_s: of undisturbed motion [s].
    """

    kind: str
    robot: str
    size_px: tuple[int, int]
    seed: int
    limits: CheckLimits
    count: int = 0
    duration_s: float = 0.0


@dataclass
class Outcome:
    """What came of a job; lists of rows, see `genima.bench.camera_rows`.

    Attributes:
        job: that was done.
        rows: (camera, what, figure) of each single event.
        cpu_s: processor time of the checks alone [s], of `pictures` pictures.
        pictures: that were checked.
    """

    job: Job
    rows: list[tuple[str, str, float]] = field(default_factory=list)
    cpu_s: float = 0.0
    pictures: int = 0


def jobs(
    robot: str, sizes_px: Sequence[tuple[int, int]], trials: int, hours: float, limits: CheckLimits, seed: int = 0
) -> list[Job]:
    """Return all parts of the measurement, for `run`."""
    listed = []
    for size_px in sizes_px:
        basis = Job('', robot, size_px, seed, limits)
        segments = max(round(hours * 3600 / SEGMENT_S), 1)
        duration_s = hours * 3600 / segments
        listed += [replace(basis, kind=UNDISTURBED, seed=seed + i, duration_s=duration_s) for i in range(segments)]
        batches = -(-trials // TRIALS_PER_JOB)
        counts = [min(TRIALS_PER_JOB, trials - i * TRIALS_PER_JOB) for i in range(batches)]
        listed += [replace(basis, kind=BUMPED, seed=seed + 1000 + i, count=n) for i, n in enumerate(counts)]
        listed.append(replace(basis, kind=DIRECTIONS, seed=seed + 2000, count=3))
        listed.append(replace(basis, kind=SWAPPED, seed=seed + 3000, count=max(min(trials // 10, 10), 1)))
    return listed


def run(listed: Sequence[Job], workers: int) -> Iterator[Outcome]:
    """Do the jobs and yield what came of them, as they are done."""
    yield from in_processes(do, listed, workers)


def do(job: Job) -> Outcome:
    """Do one job."""
    return _Measurement(job).run()


class _Measurement:
    """One working arm, its cameras pinned at the start, and the checks."""

    def __init__(self, job: Job) -> None:
        self._job, self._outcome = job, Outcome(job)
        self._arm = WorkingArm(job.robot, *job.size_px, job.seed)
        self._checks = CameraChecks(self._arm.profile, self._arm.cameras, job.limits)
        self._t_s = 0.0
        self._rng = np.random.default_rng([job.seed, 9])
        pinned = self._arm.sights(0.0)
        self._checks.use({name: Reference.of(sight, job.robot) for name, sight in pinned.items()})

    def run(self) -> Outcome:
        """Do what the job says."""
        try:
            work = {
                UNDISTURBED: self._undisturbed, BUMPED: self._bumped, DIRECTIONS: self._directions, SWAPPED: self._swapped,
            }  # fmt: skip
            work[self._job.kind]()
        finally:
            self._arm.close()
        return self._outcome

    def _note(self, camera: str, what: str, figure: float) -> None:
        self._outcome.rows.append((camera, what, float(figure)))

    def _check(self, camera: str, sight: Sight) -> Verdict:
        began_s = time.process_time()
        verdict = self._checks.check(camera, sight)
        self._outcome.cpu_s += time.process_time() - began_s
        self._outcome.pictures += 1
        return verdict

    def _step(self, cameras: tuple[str, ...] = ()) -> dict[str, Verdict]:
        self._t_s += PERIOD_S
        return {name: self._check(name, sight) for name, sight in self._arm.sights(self._t_s, cameras).items()}

    def _undisturbed(self) -> None:
        while self._t_s < self._job.duration_s:
            for name, verdict in self._step().items():
                self._note(name, 'false alarm', not verdict.ok)
                self._note(name, 'drift', verdict.drift_px)
                self._note(name, 'projection', verdict.projection_error_px)

    def _bumped(self) -> None:
        for camera in self._arm.cameras:
            for what, shift_m, turn_rad in (('5 mm', SHIFT_M, 0.0), ('0.5 deg', 0.0, TURN_RAD)):
                for _ in range(self._job.count):
                    self._calm(camera)
                    # somebody bumps it between two checks
                    waited_s = float(self._rng.uniform(0, PERIOD_S))
                    self._arm.bump(camera, Bump.draw(self._rng, shift_m, turn_rad))
                    self._note(camera, what, self._noticed_after_s(camera, waited_s))
                    self._arm.bump(camera, Bump())

    def _calm(self, camera: str) -> None:
        """Go on until the camera is ok again, elsewhere than in the trial before."""
        self._t_s += float(self._rng.uniform(1.0, 4.0))
        for _ in range(20):
            if self._step((camera,))[camera].ok:
                return

    def _noticed_after_s(self, camera: str, first_s: float) -> float:
        for number in range(20):
            after_s = first_s + number * PERIOD_S
            if after_s > WITHIN_S:
                break
            if not self._step((camera,))[camera].ok:
                return after_s
        return float('inf')

    def _directions(self) -> None:
        """What a bump along or about each axis does to the picture."""
        for camera in self._arm.cameras:
            for axis, letter in enumerate('xyz'):
                unit = np.eye(3)[axis]
                for what, bump in (
                    (f'5 mm along {letter}', Bump.of(SHIFT_M * unit, 0 * unit)),
                    (f'0.5 deg about {letter}', Bump.of(0 * unit, TURN_RAD * unit)),
                ):
                    self._arm.bump(camera, bump)
                    for _ in range(self._job.count):
                        self._t_s += 2.0
                        self._note(camera, what, self._step((camera,))[camera].drift_px)
                    self._arm.bump(camera, Bump())

    def _swapped(self) -> None:
        """Each camera shows what another one sees, or what it sees the wrong way up."""
        for _ in range(self._job.count):
            pictures: tuple[str | int, ...] = (*self._arm.cameras, 90, 180, 270)
            for shown in pictures:
                for camera in self._arm.cameras:
                    if shown == camera:
                        continue
                    for _ in range(PATIENCE):
                        self._t_s += PERIOD_S
                        sights = self._arm.sights(self._t_s, (camera,) if isinstance(shown, int) else (camera, shown))
                        verdict = self._check(camera, _mistaken(sights, camera, shown))
                        if not verdict.ok:
                            break
                    what = 'turned' if isinstance(shown, int) else 'swapped'
                    self._note(camera, what, not verdict.ok)
                    self._calm(camera)


def _mistaken(sights: dict[str, Sight], camera: str, shown: str | int) -> Sight:
    """Return the sight of a camera with the picture of another one, or turned clockwise by so many degrees."""
    picture = np.rot90(sights[camera].picture, -shown // 90) if isinstance(shown, int) else sights[shown].picture
    return replace(sights[camera], picture=np.ascontiguousarray(picture))
