# SPDX-License-Identifier: Apache-2.0
"""No motion with a camera that has moved, was swapped, or is not where its calibration says."""

from collections.abc import Sequence

from genima.guard.conditions import Condition

MAX_AGE_S = 2.0  # checks come about twice a second


def camera_kind(camera: str) -> str:
    """Return by what the violations of a camera are counted."""
    return f'camera_check/{camera}'


def camera_condition(camera: str) -> Condition:
    """Return the condition that a camera was checked lately and is ok; without it the guard is not armed."""
    unknown = f'camera {camera}: no check of it: is camera_check_node running, and the camera?'
    return Condition(camera_kind(camera), unknown, MAX_AGE_S, before_arming=True)


def camera_trouble(camera: str, ok: bool, problems: Sequence[str]) -> str | None:
    """Return what is wrong with a camera, or None."""
    return None if ok else f'camera {camera}: {"; ".join(problems) or "it is not ok"}'
