# SPDX-License-Identifier: Apache-2.0
"""What the policy and the guard are about to do, as markers that stock RViz and Foxglove show."""

import textwrap
from collections.abc import Sequence

import numpy as np
from geometry_msgs.msg import Point
from numpy.typing import NDArray
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker

from genima.spheres.scene import Sphere
from genima_msgs.msg import GuardStatus
from genima_ros.conversions.messages import duration, seconds, stamp

LIFE_S = 0.5
PATH_WIDTH_M = 0.006
PATH_RGB = (0.15, 0.85, 1.0)
TEXT_M = 0.045
TEXT_ABOVE_BASE_M = 1.25  # over the reach of the arms we know
TEXT_WIDTH, TEXT_LINES = 56, 5
STATE_RGB = {
    'moving': (0.25, 0.9, 0.35), 'holding': (1.0, 0.75, 0.2), 'disarmed': (0.7, 0.75, 0.85), 'stopped': (1.0, 0.3, 0.25)
}  # fmt: skip
UNKNOWN_RGB = STATE_RGB['stopped']


def sphere_markers(spheres: Sequence[Sphere], frame: str, now_s: float) -> list[Marker]:
    """Return the predicted spheres, namespace 'target'.

    Args:
        spheres: what the painter should paint.
        frame: of the robot base.
        now_s: ROS time [s].
    """
    markers = []
    for index, sphere in enumerate(spheres):
        marker = _marker('target', index, Marker.SPHERE, frame, now_s)
        marker.pose.position = _point(sphere.T_base_sphere[:3, 3])
        marker.scale.x = marker.scale.y = marker.scale.z = 2.0 * sphere.radius_m
        red, green, blue = (float(value) / 255.0 for value in sphere.color_rgb)
        marker.color = ColorRGBA(r=red, g=green, b=blue, a=0.8)
        markers.append(marker)
    return markers


def path_markers(path_m: NDArray[np.float64], frame: str, now_s: float) -> list[Marker]:
    """Return the way of the tool centre point in a chunk as a line strip, namespace 'path'; nothing for a single point.

    Args:
        path_m: (T, 3) positions in the base [m].
        frame: of the robot base.
        now_s: ROS time [s].
    """
    if len(path_m) < 2:
        return []
    marker = _marker('path', 0, Marker.LINE_STRIP, frame, now_s)
    marker.scale.x = PATH_WIDTH_M
    marker.points = [_point(position) for position in path_m]
    red, green, blue = PATH_RGB
    marker.color = ColorRGBA(r=red, g=green, b=blue, a=1.0)
    return [marker]


def guard_marker(status: GuardStatus | None, frame: str, now_s: float) -> Marker:
    """Return what the guard says as a text over the robot, namespace 'guard'.

    Args:
        status: the newest one; `None` before the first.
        frame: of the robot base.
        now_s: ROS time; a status that is too old to be repeated by a living guard is not shown as the present one [s].
    """
    marker = _marker('guard', 0, Marker.TEXT_VIEW_FACING, frame, now_s)
    marker.pose.position = Point(x=0.0, y=0.0, z=TEXT_ABOVE_BASE_M)
    marker.scale.z = TEXT_M
    if status is None or now_s - seconds(status.header.stamp) > LIFE_S:
        marker.text, (red, green, blue) = 'the guard is silent', UNKNOWN_RGB
    else:
        marker.text, (red, green, blue) = _words(status), STATE_RGB.get(status.state, UNKNOWN_RGB)
    marker.color = ColorRGBA(r=red, g=green, b=blue, a=1.0)
    return marker


def _words(status: GuardStatus) -> str:
    lines = [line for reason in status.reasons for line in textwrap.wrap(reason, TEXT_WIDTH)]
    if len(lines) > TEXT_LINES:
        lines = [*lines[: TEXT_LINES - 1], '...']
    return '\n'.join([status.state, *lines])


def _marker(namespace: str, index: int, kind: int, frame: str, now_s: float) -> Marker:
    marker = Marker(ns=namespace, id=index, type=kind, action=Marker.ADD, lifetime=duration(LIFE_S))
    marker.header.frame_id = frame
    marker.header.stamp = stamp(now_s)
    marker.pose.orientation.w = 1.0
    return marker


def _point(position_m: NDArray[np.float64]) -> Point:
    x, y, z = (float(value) for value in position_m)
    return Point(x=x, y=y, z=z)
