# SPDX-License-Identifier: Apache-2.0
"""The shapes of a robot and the boxes around it as convex bodies, each in the frame of the joint that moves it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genima.collision.distance import SEGMENTS
from genima.collision.motion import FrameArrays, Local
from genima.collision.obstacles import Box
from genima.robots.profile import RobotProfile
from genima.robots.transforms import transform


@dataclass(frozen=True, eq=False)
class Frames:
    """What the joints of an arm move: frame 0 is the base, frame j + 1 that of arm joint j. Parents come first in `order`.

    Attributes:
        order: Frames in the order in which they are placed, (n,).
        parent: Of each frame, (n + 1,); that of the base is -1.
        R: Of each frame in its parent where the joint is at 0, (n + 1, 3, 3).
        p: Likewise its origin, (n + 1, 3).
        axis: Of its joint in it, (n + 1, 3).
    """

    order: np.ndarray
    parent: np.ndarray
    R: np.ndarray
    p: np.ndarray
    axis: np.ndarray

    @property
    def arrays(self) -> FrameArrays:
        """All of it, as compiled functions take it."""
        return self.order, self.parent, self.R, self.p, self.axis

    def path(self, frame: int) -> list[int]:
        """Return the frames from the base's first child to a frame."""
        path: list[int] = []
        while frame > 0:
            path.insert(0, frame)
            frame = int(self.parent[frame])
        return path


@dataclass(frozen=True, eq=False)
class Bodies:
    """Convex bodies as `distance_m` takes them, each in its frame.

    Attributes:
        names: Of the link or box that each belongs to.
        frame: Index of the frame of each, (S,).
        arrays: Centre (S, 3), half segments (S, 4, 3), normal (S, 3), disc (S,), ball (S,).
        around_m: Radius about the centre within which each lies, (S,).
    """

    names: tuple[str, ...]
    frame: np.ndarray
    arrays: Local
    around_m: np.ndarray


@dataclass(frozen=True, eq=False)
class Place:
    """Where a link is: its pose (4, 4) in a frame, gripper closed, and how far it moves in that frame to open, (3,)."""

    frame: int
    T: np.ndarray
    stroke_m: np.ndarray


def arm_frames(profile: RobotProfile) -> tuple[Frames, dict[str, Place]]:
    """Return the frames of an arm, and the place of each link by name."""
    n = profile.n_joints
    parent, order = np.full(n + 1, -1), []
    R, p, axis = np.tile(np.eye(3), (n + 1, 1, 1)), np.zeros((n + 1, 3)), np.tile([0.0, 0.0, 1.0], (n + 1, 1))
    places = {profile.base_link: Place(0, np.eye(4), np.zeros(3))}
    for link in profile.links:
        if link.parent is None or link.joint is None:
            continue
        above, joint = places[link.parent], link.joint
        frame, T, stroke_m = above.frame, above.T @ joint.T_parent_joint, above.stroke_m
        if joint.kind == 'revolute':
            own = profile.arm_joints.index(joint.name) + 1
            parent[own], R[own], p[own], axis[own] = frame, T[:3, :3], T[:3, 3], joint.axis
            order.append(own)
            frame, T, stroke_m = own, np.eye(4), np.zeros(3)
        elif joint.kind == 'prismatic':
            stroke_m = stroke_m + T[:3, :3] @ joint.axis * (profile.gripper.open_m - profile.gripper.closed_m)
            T = T @ transform(joint.axis * profile.gripper.closed_m, np.zeros(3))
        places[link.name] = Place(frame, T, stroke_m)
    return Frames(np.array(order), parent, R, p, axis), places


def make_bodies(profile: RobotProfile, places: dict[str, Place], boxes: Sequence[Box]) -> Bodies:
    """Return the shapes of all links and then the boxes; a finger is all that it sweeps between closed and open."""
    names, frames, rows = [], [], []
    for link in profile.links:
        place = places[link.name]
        for shape in link.shapes:
            names.append(link.name)
            frames.append(place.frame)
            rows.append(_body(shape.kind, shape.size, place.T @ transform(shape.xyz, shape.rpy), place.stroke_m))
    for box in boxes:
        names.append(box.name)
        frames.append(0)
        rows.append(_body('box', box.size_m, transform(box.center_m, box.rpy_rad), np.zeros(3)))
    count = len(rows)
    centre, segments, normal, disc, ball = (np.array([row[i] for row in rows]) for i in range(5))
    centre, segments, normal = centre.reshape(count, 3), segments.reshape(count, SEGMENTS, 3), normal.reshape(count, 3)
    lengths = np.linalg.norm(segments, axis=2)
    around = np.sqrt((lengths[:, :3] ** 2).sum(axis=1) + disc**2) + lengths[:, 3] + ball
    return Bodies(tuple(names), np.array(frames, dtype=int), (centre, segments, normal, disc, ball), around)


def _body(
    kind: str, size: np.ndarray, T: np.ndarray, stroke: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float, float]:
    """Return centre, half segments, normal, disc and ball of a shape at `T` that moves by `stroke`."""
    segments, disc, ball = np.zeros((SEGMENTS, 3)), 0.0, 0.0
    if kind == 'box':
        segments[:3] = (T[:3, :3] * size / 2).T
    elif kind == 'sphere':
        ball = float(size[0])
    else:  # a capsule or a cylinder along z
        segments[0] = T[:3, 2] * size[-1] / 2
        disc, ball = (float(size[0]), 0.0) if kind == 'cylinder' else (0.0, float(size[0]))
    segments[3] = stroke / 2
    return T[:3, 3] + stroke / 2, segments, T[:3, 2].copy(), disc, ball
