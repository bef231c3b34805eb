# SPDX-License-Identifier: Apache-2.0
"""One camera that shows the painted spheres beside where all others do and the arm then went: a wrong extrinsic.

Each sphere that three views show is where it is: that place is eliminated, so that an arm that lags behind, or goes
elsewhere, does not count. What remains is explained by shifting what one camera sees, parallel to its image; the camera
that explains most of it is the suspect. A turn by a small angle looks the same at one depth.

With one or two cameras, where the arm then went takes the place of the other views.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from genima.failures.evidence import Evidence, Floats
from genima.failures.finding import Finding
from genima.failures.moments import Moment, View

NAME = 'camera_offset'
LIMIT_M = 0.005  # training data demand extrinsics that are good to 5 mm
LIMIT_ALONE_M = 0.015  # against the arm alone: it goes not exactly where it wanted to
MOST_LEFT = 0.6  # the shift has to explain so much that no more than this share of the residual is left
LEAST = 15  # sightings
LEAST_PX = 1e-6
WHOLE = 0.7  # spheres that are covered by more than the other spheres account for have no centre
WORDS = (('its left', 'its right'), ('up', 'down'))


def camera_offset(evidence: Evidence, moments: Sequence[Moment]) -> Finding | None:
    """Say which camera's extrinsic is wrong, by how much and in which direction of its image."""
    equations = [each for moment in moments for each in _equations(moment, evidence)]
    alone = len(evidence.spec.cameras) < 3
    fits = []
    for camera in evidence.spec.cameras:
        own = [each for each in equations if camera in each[1]]
        if len(own) >= LEAST:
            shift = np.median([_shift(each, camera) for each in own], axis=0)
            left = _size_px(own, camera, shift) / max(_size_px(own, camera, np.zeros(2)), LEAST_PX)
            fits.append((left, camera, shift, len(own)))
    if not fits:
        return None
    left, camera, shift, count = min(fits, key=lambda fit: fit[0])
    if np.linalg.norm(shift) <= (LIMIT_ALONE_M if alone else LIMIT_M) or left > MOST_LEFT:
        return None
    others = 'the arm then went' if alone else 'the other views have them'
    words = _direction(shift)
    arm = _against_arm(moments, camera)
    beside = '' if alone or arm is None else f' ({_direction(arm)} of where the arm then went)'
    text = (
        f'suspect the extrinsic of camera {camera}: it shows the painted spheres {words} of where {others}{beside}, in '
        f'{count} sightings: calibrate it again'
    )
    right_mm, down_mm = (1e3 * shift).tolist()
    return Finding(NAME, text, {'camera': camera, 'right_mm': right_mm, 'down_mm': down_mm, 'left_over': left})


Equation = tuple[Floats, dict[str, Floats]]
"""Residuals [px] without those that the place of the sphere explains; by camera what a shift of 1 m does to them [px]."""


def _equations(moment: Moment, evidence: Evidence) -> Iterator[Equation]:
    """Yield what the views of one picture say about each sphere."""
    alone = len(evidence.spec.cameras) < 3
    for sphere in evidence.spec.spheres:
        name = sphere.name
        where = (moment.then_m if alone else moment.places_m).get(name)
        views = {
            camera: view
            for camera, view in moment.views.items()
            if _whole(view, name, where, sphere.radius_m * evidence.spec.radius_scale.get(camera, 1.0))
        }
        if where is None or len(views) < (1 if alone else 3):
            continue
        residuals, jacobians, shifts = [], [], {}
        for row, (camera, view) in enumerate(views.items()):
            residuals.append(view.seen[name].uv_px - view.pixel(where))
            moved = view.pixel_slopes(where)
            jacobians.append(moved @ view.T_camera_base[:3, :3])
            shifts[camera] = np.zeros((2 * len(views), 2))
            shifts[camera][2 * row : 2 * row + 2] = moved[:, :2]
        J = np.concatenate(jacobians)
        keep = np.eye(len(J)) if alone else np.eye(len(J)) - J @ np.linalg.pinv(J)
        yield keep @ np.concatenate(residuals), {camera: keep @ shift for camera, shift in shifts.items()}


def _whole(view: View, sphere: str, where_m: Floats | None, radius_m: float) -> bool:
    """Return whether a view shows as much of a sphere as it should, and its border does not cut it."""
    sighting, wanted_px = view.seen.get(sphere), view.wanted_px.get(sphere, 0)
    if sighting is None or where_m is None or not view.holds(where_m, radius_m):
        return False
    return wanted_px > 0 and sighting.pixels >= WHOLE * wanted_px


def _shift(equation: Equation, camera: str) -> Floats:
    """Return the shift (right, down) [m] of what a camera sees that explains most of one sphere's residuals."""
    residual, shifts = equation
    return np.asarray(np.linalg.lstsq(shifts[camera], residual, rcond=None)[0])


def _size_px(equations: Sequence[Equation], camera: str, shift: Floats) -> float:
    """Return the median residual that a shift of one camera leaves."""
    return float(np.median([np.linalg.norm(residual - shifts[camera] @ shift) for residual, shifts in equations]))


def _against_arm(moments: Sequence[Moment], camera: str) -> Floats | None:
    """Return how far right and down of where the arm then went a camera shows the spheres, median (2,) [m]."""
    found = []
    for moment in moments:
        view = moment.views[camera]
        for name, sighting in view.seen.items():
            if name in moment.then_m:
                x, y, z = view.in_camera(moment.then_m[name])
                ahead = np.array([x, y, 1.0]) / [z, z, 1.0]
                away_px = sighting.uv_px - (view.model.K @ ahead)[:2]
                found.append(away_px * 1e-3 * view.mm_per_px(moment.then_m[name]))
    return np.median(found, axis=0) if len(found) >= LEAST else None


def _direction(shift: Floats) -> str:
    """Return a shift (right, down) [m] in words, without a part that hardly counts."""
    parts = [
        f'{1e3 * abs(value):.0f} mm {"to " if axis == 0 else ""}{WORDS[axis][int(value > 0)]}'
        for axis, value in enumerate(shift)
        if abs(value) > 0.3 * np.linalg.norm(shift)
    ]
    return ' and '.join(parts)
