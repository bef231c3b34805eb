# SPDX-License-Identifier: Apache-2.0
"""Which bodies can run into each other, and how fast the joints between them can bring them together."""

from dataclasses import dataclass

import numpy as np

from genima.collision.bodies import Bodies, Frames
from genima.collision.distance import SEGMENTS, WORK, distance_m
from genima.collision.motion import carry, place
from genima.collision.obstacles import Obstacles
from genima.errors import ProfileError
from genima.robots.profile import RobotProfile

SAMPLES = 200
ALWAYS = 0.95  # a pair that is near in so many poses is drawn so: it says nothing about collisions


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of bodies.

    Attributes:
        one, other: Their indices, (P,); a box is the other one.
        least_m: Distance that they keep, (P,).
        reach_m: How far the one can be from the axis of each joint that moves it against the other, (P, n).
    """

    one: np.ndarray
    other: np.ndarray
    least_m: np.ndarray
    reach_m: np.ndarray


def find_pairs(profile: RobotProfile, frames: Frames, bodies: Bodies, obstacles: Obstacles) -> Pairs:
    """Return the pairs to watch.

    Left out are bodies that one joint connects or none, pairs that the file names under `ignore`, shapes of the robot
    that overlap where it is at home, and what is near in nearly every pose. These are the rules of MoveIt's setup
    assistant ("adjacent", "default", "always"), but for the last: what is never near today may be with another margin.

    Raises:
        ProfileError: if a name under `ignore` is neither a link nor a box, or a box is named as a link.
    """
    _check_names(profile, obstacles)
    margins = {box.name: (box.margin_m, box.gripper_margin_m) for box in obstacles.boxes}
    hand = _hand(profile)
    reach = _reach_m(frames, bodies)
    rows = []
    for other, (frame, name) in enumerate(zip(bodies.frame, bodies.names, strict=True)):
        for one in range(other):
            mine = int(bodies.frame[one])
            named = frozenset((bodies.names[one], name))
            beside = name not in margins and (frames.parent[mine] == frame or frames.parent[frame] == mine)
            if mine == frame or beside or bodies.names[one] in margins or named in obstacles.ignored:
                continue
            least_m = margins[name][bodies.names[one] in hand] if name in margins else obstacles.self_margin_m
            rows.append((one, other, least_m, reach[one] * (reach[other] == 0) + reach[other] * (reach[one] == 0)))
    n = profile.n_joints
    pairs = Pairs(
        np.array([row[0] for row in rows], dtype=int),
        np.array([row[1] for row in rows], dtype=int),
        np.array([row[2] for row in rows], dtype=float),
        np.array([row[3] for row in rows], dtype=float).reshape(len(rows), n),
    )
    kept = ~_drawn_so(profile, frames, bodies, pairs, set(margins))
    return Pairs(pairs.one[kept], pairs.other[kept], pairs.least_m[kept], pairs.reach_m[kept])


def distances_m(q_rad: np.ndarray, frames: Frames, bodies: Bodies, pairs: Pairs) -> np.ndarray:
    """Return the distance of each pair at positions (N, n), shape (N, P); what overlaps is not above 0."""
    count, n = len(bodies.frame), q_rad.shape[1]
    R, p = np.empty((n + 1, 3, 3)), np.empty((n + 1, 3))
    placed = np.empty((1, count, 3)), np.empty((1, count, SEGMENTS, 3)), np.empty((1, count, 3))
    distances, disc_m, ball_m = np.empty((len(q_rad), len(pairs.one))), *bodies.arrays[3:]
    for row, q in enumerate(q_rad):
        place(np.ascontiguousarray(q), frames.arrays, R, p)
        for body in range(count):
            carry(int(bodies.frame[body]), R, p, body, bodies.arrays, 0, placed)
        centre, segments, normal = (each[0] for each in placed)
        for column, (one, other) in enumerate(zip(pairs.one, pairs.other, strict=True)):
            work = np.zeros((WORK, 3))
            distances[row, column] = distance_m(centre, segments, normal, disc_m, ball_m, one, other, np.inf, work)
    return distances


def _drawn_so(profile: RobotProfile, frames: Frames, bodies: Bodies, pairs: Pairs, boxes: set[str]) -> np.ndarray:
    """Return which pairs overlap at home or are near in nearly every pose, (P,); of a box, only what is near in all."""
    limits = profile.limits
    drawn = np.random.default_rng(0).uniform(
        limits.position_min_rad, limits.position_max_rad, (SAMPLES, profile.n_joints)
    )
    distances = distances_m(np.vstack((profile.home_rad, drawn)), frames, bodies, pairs)
    near = (distances[1:] < pairs.least_m).mean(axis=0)
    is_box = np.array([bodies.names[other] in boxes for other in pairs.other], dtype=bool)
    return np.where(is_box, near == 1.0, (distances[0] <= 0.0) | (near >= ALWAYS))


def _reach_m(frames: Frames, bodies: Bodies) -> np.ndarray:
    """Return how far each body can ever be from the axis of each joint that moves it, (S, n); 0 of other joints."""
    centre = bodies.arrays[0]
    reach = np.zeros((len(bodies.frame), len(frames.parent) - 1))
    for body, frame in enumerate(bodies.frame):
        way, around_m = centre[body], bodies.around_m[body]
        for each in reversed(frames.path(int(frame))):
            axis = frames.axis[each]
            reach[body, each - 1] = np.linalg.norm(way - (way @ axis) * axis) + around_m
            around_m += np.linalg.norm(way)
            way = frames.p[each]
    return reach


def _hand(profile: RobotProfile) -> set[str]:
    """Return the links of the gripper: the fingers, what they hang on and what hangs on that."""
    fingers = [link for link in profile.links if link.joint and link.joint.name in profile.gripper.joints]
    hands = {str(link.parent) for link in fingers}
    return {link.name for link in profile.links if hands & {each.name for each in profile.chain(link.name)}}


def _check_names(profile: RobotProfile, obstacles: Obstacles) -> None:
    boxes = [box.name for box in obstacles.boxes]
    if both := sorted(set(boxes) & set(profile.link_by_name)):
        raise ProfileError(f'obstacles: {", ".join(both)} is a link of {profile.name}; call the box otherwise')
    known = {*boxes, *profile.link_by_name}
    if unknown := sorted({name for pair in obstacles.ignored for name in pair} - known):
        raise ProfileError(f'obstacles: ignore names {", ".join(unknown)}; known: {", ".join(sorted(known))}')
