# SPDX-License-Identifier: Apache-2.0
"""Spheres that a view does not show although the contract says so, because the arm was in front of them."""

from collections import Counter
from collections.abc import Sequence

from genima.failures.arm_shapes import in_the_way
from genima.failures.evidence import Evidence, Floats
from genima.failures.finding import Finding
from genima.failures.moments import Moment, View

NAME = 'hidden_by_arm'
WANTED_PX = 20  # what should show fewer may be missed for other reasons
BEFORE_M = 0.02  # the body of a link around its own sphere hides nothing
LEAST, LEAST_SHARE = 6, 0.35
ELSEWHERE_M = 0.1  # so far from where the arm then went, a sphere was painted elsewhere


def hidden_by_arm(evidence: Evidence, moments: Sequence[Moment]) -> Finding | None:
    """Say which view lacks which sphere most often while the arm is between them."""
    spec = evidence.spec
    findings = [
        _hidden(evidence, moments, camera, sphere.name, sphere.radius_m * spec.radius_scale.get(camera, 1.0))
        for camera in spec.cameras
        for sphere in spec.spheres
        if sphere.name not in spec.hidden.get(camera, ())
    ]
    return max((each for each in findings if each is not None), key=lambda each: float(each.figures['share']), default=None)


def _hidden(evidence: Evidence, moments: Sequence[Moment], camera: str, sphere: str, radius_m: float) -> Finding | None:
    wanted, links = 0, Counter[str]()
    for moment in moments:
        view, where = moment.views[camera], _where(evidence, moment, sphere, radius_m)
        if where is None or view.wanted_px.get(sphere, 0) < WANTED_PX or not view.holds(where, radius_m):
            continue
        wanted += 1
        if sphere not in view.seen:
            link = _between(evidence, moment, view, where, radius_m)
            links.update([link] if link else [])
    hidden = sum(links.values())
    if hidden < LEAST or hidden < LEAST_SHARE * wanted:
        return None
    text = (
        f'view {camera} does not show sphere {sphere} in {hidden} of {wanted} pictures, where {links.most_common(1)[0][0]} '
        'is in front of it: move the camera, or hide this sphere from it in the contract'
    )
    figures: dict[str, float | str] = {'camera': camera, 'sphere': sphere, 'hidden': float(hidden), 'share': hidden / wanted}
    return Finding(NAME, text, figures)


def _where(evidence: Evidence, moment: Moment, sphere: str, radius_m: float) -> Floats | None:
    """Return where a sphere is, (3,): by two views; or where the arm then went, if no view speaks against that."""
    if sphere in moment.places_m:
        return moment.places_m[sphere]
    where = moment.then_m.get(sphere)
    if where is None:
        return None
    for view in moment.views.values():
        if sphere in view.seen:
            if view.off_mm(where, view.seen[sphere].uv_px) > 1e3 * ELSEWHERE_M:
                return None
        elif view.wanted_px.get(sphere, 0) >= WANTED_PX and view.holds(where, radius_m) and not (
            _between(evidence, moment, view, where, radius_m)
        ):
            return None
    return where


def _between(evidence: Evidence, moment: Moment, view: View, where: Floats, radius_m: float) -> str | None:
    return in_the_way(evidence.profile, moment.q_rad, moment.gripper_open, view.eye_m, where, radius_m + BEFORE_M)
