# SPDX-License-Identifier: Apache-2.0
"""Hand-eye calibration against known truth, many times: how far off, and does the stated uncertainty hold the truth?"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from genima.calibration.boards import DEFAULT, Board
from genima.calibration.detect import find_board
from genima.calibration.hand_eye import fit_hand_eye, half_widths, inside_region
from genima.calibration.intrinsics import calibrate_intrinsics
from genima.calibration.poses import difference
from genima.calibration.problem import View
from genima.calibration.synthetic import KINDS, Rig, lens_sightings, make_rig, picture, random_joints, sight
from genima.cameras.model import CameraModel
from genima.errors import CalibrationError
from genima.processes import in_processes
from genima.robots.profile import RobotProfile

SIZE_PX = (640, 480)
LENSES = {
    'pinhole': CameraModel(
        'bench', *SIZE_PX, np.array([[600.0, 0, 318], [0, 602, 243], [0, 0, 1]]),
        np.array([0.1, -0.2, 0.001, -0.001, 0.05]), 'plumb_bob',
    ),
    'fisheye': CameraModel(
        'bench', *SIZE_PX, np.array([[300.0, 0, 318], [0, 301, 243], [0, 0, 1]]),
        np.array([0.02, -0.01, 0.003, -0.001]), 'equidistant',
    ),
}  # fmt: skip
LENS_PICTURES = 40  # of the intrinsic calibration, where the lens is not known
GOAL_MM, GOAL_DEG, GOAL_COVERAGE = 1.0, 0.1, (0.90, 0.99)


@dataclass(frozen=True)
class Trial:
    """One simulated calibration.

    Attributes:
        kind: 'eye_to_hand' or 'eye_in_hand'.
        lens: 'pinhole' or 'fisheye'.
        lens_known: the intrinsics are exact; otherwise they are calibrated from noisy pictures before, and adjusted.
        poses: pictures for hand-eye.
        noise_px: standard deviation on each pixel coordinate.
        rendered: pictures are rendered and the real detector finds the corners; no other noise is added.
        robot: profile.
        seed: of everything random.
    """

    kind: str
    lens: str
    lens_known: bool
    poses: int
    noise_px: float
    rendered: bool
    robot: str
    seed: int


@dataclass(frozen=True)
class Outcome:
    """Error of the camera's pose, whether the stated region of 95 % holds the truth, and two standard deviations."""

    trial: Trial
    mm: float
    deg: float
    inside: bool
    stated_mm: float
    stated_deg: float


def trials(count: int, poses: int, noise_px: float, rendered: bool, robot: str) -> list[Trial]:
    """Return `count` trials for each mount, lens and knowledge of the lens."""
    return [
        Trial(kind, lens, known, poses, noise_px, rendered, robot, seed)
        for kind in KINDS
        for lens in LENSES
        for known in (True, False)
        for seed in range(count)
    ]


def run_trials(work: list[Trial], workers: int) -> Iterator[Outcome | None]:
    """Yield the outcome of each trial as it is done, None for a calibration that was refused."""
    return in_processes(run_trial, work, workers)


def run_trial(trial: Trial) -> Outcome | None:
    """Calibrate once."""
    rng = np.random.default_rng([trial.seed, KINDS.index(trial.kind), list(LENSES).index(trial.lens)])
    board, profile, camera = Board.parse(DEFAULT), RobotProfile.load(trial.robot), LENSES[trial.lens]
    corners = board.corners_m()
    rig = make_rig(trial.kind, profile, board, camera, rng)
    q = random_joints(rig, trial.poses, rng)
    views = _rendered(rig, q) if trial.rendered else sight(rig, q, trial.noise_px, rng)
    begin, prior = camera, None
    try:
        if not trial.lens_known:
            shown = lens_sightings(board, camera, LENS_PICTURES, trial.noise_px, rng)
            lens = calibrate_intrinsics(corners, shown, SIZE_PX, camera.model, hold_out=False)
            begin, prior = lens.camera, lens.prior()
        found = fit_hand_eye(corners, views, begin, not trial.lens_known, prior)
    except CalibrationError:
        return None
    d = difference(found.fit.T_parent_camera, rig.T_parent_camera)
    inside = inside_region(rig.T_parent_camera, found.fit)
    mm, deg = 1e3 * float(np.linalg.norm(d[:3])), float(np.degrees(np.linalg.norm(d[3:])))
    return Outcome(trial, mm, deg, inside, *half_widths(found.fit.covariance))


def _rendered(rig: Rig, q_rad: np.ndarray) -> list[View]:
    """Return what the detector finds in rendered pictures."""
    views = []
    for view, T in zip(sight(rig, q_rad, 0.0, np.random.default_rng(0)), rig.board_poses(q_rad), strict=True):
        seen = find_board(rig.board, picture(rig.board, rig.camera, T))
        if seen is not None:
            views.append(replace(view, sighting=seen))
    return views


def summary(outcomes: list[Outcome]) -> list[dict[str, str | float | int]]:
    """Return one row per mount, lens and knowledge of the lens."""
    rows: list[dict[str, str | float | int]] = []
    keys = dict.fromkeys((o.trial.kind, o.trial.lens, o.trial.lens_known) for o in outcomes)
    for kind, lens, known in sorted(keys, key=str):
        mine = [o for o in outcomes if (o.trial.kind, o.trial.lens, o.trial.lens_known) == (kind, lens, known)]
        rows.append(
            {
                'mount': kind,
                'lens': lens,
                'intrinsics': 'exact' if known else f'from {LENS_PICTURES} pictures',
                'trials': len(mine),
                'median_mm': float(np.median([o.mm for o in mine])),
                'median_deg': float(np.median([o.deg for o in mine])),
                'coverage': float(np.mean([o.inside for o in mine])),
                'stated_mm': float(np.median([o.stated_mm for o in mine])),
                'stated_deg': float(np.median([o.stated_deg for o in mine])),
            }
        )
    return rows


def reaches(row: dict[str, str | float | int]) -> bool:
    """Return whether a row reaches the goals: 1 mm, 0.1 degrees, and a coverage of 90 to 99 %."""
    low, high = GOAL_COVERAGE
    near = float(row['median_mm']) <= GOAL_MM and float(row['median_deg']) <= GOAL_DEG
    return near and low <= float(row['coverage']) <= high
