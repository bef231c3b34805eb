# SPDX-License-Identifier: Apache-2.0
"""Spheres that a view does not show although the contract says so, because the arm was in front of them."""

from collections import Counter
from collections.abc import Sequence

from genima.failures.arm_shapes import in_the_way
from genima.failures.evidence import Evidence
from genima.failures.finding import Finding
from genima.failures.moments import Moment

NAME = 'hidden_by_arm'
WANTED_PX = 20  # what should show fewer may be missed for other reasons
BEFORE_M = 0.02  # the body of a link around its own sphere hides nothing
LEAST, LEAST_SHARE = 6, 0.35


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
        view, where = moment.views[camera], moment.places_m.get(sphere, moment.then_m.get(sphere))
        if where is None or view.wanted_px.get(sphere, 0) < WANTED_PX or not view.holds(where, radius_m):
            continue
        wanted += 1
        if sphere not in view.seen:
            margin_m = radius_m + BEFORE_M
            link = in_the_way(evidence.profile, moment.q_rad, moment.gripper_open, view.eye_m, where, margin_m)
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
