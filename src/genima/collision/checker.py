# SPDX-License-Identifier: Apache-2.0
"""Does a motion of an arm keep its links apart from each other and from what stands around it?"""

from dataclasses import dataclass

import numpy as np

from genima.collision.bodies import arm_frames, make_bodies
from genima.collision.motion import first_contact
from genima.collision.obstacles import Obstacles
from genima.collision.pairs import distances_m, find_pairs
from genima.robots.profile import RobotProfile


@dataclass(frozen=True)
class Contact:
    """Two things that come nearer than they may.

    Attributes:
        one: A link, and `other`, a link or a box.
        distance_m: Between them; not above 0 where they touch.
        allowed_m: What they keep.
        after_s: Time from the beginning of the motion.
    """

    one: str
    other: str
    distance_m: float
    allowed_m: float
    after_s: float

    @property
    def text(self) -> str:
        """The contact in words."""
        pair = f'{self.one} and {self.other}'
        if self.after_s == 0.0 and self.distance_m <= 0.0:
            return f'{pair} touch where the arm is: move it away by hand, or correct the obstacles (docs/collisions.md)'
        if self.distance_m <= 0.0:
            return f'{pair} would touch in {self.after_s:.2f} s'
        near, kept = 1e3 * self.distance_m, 1e3 * self.allowed_m
        return f'{pair} would come as near as {near:.1f} mm in {self.after_s:.2f} s, {kept:.1f} mm are kept'


class CollisionChecker:
    """Watches the pairs of links of one robot, and of links and boxes.

    Making one takes about a second: it measures which shapes are drawn into each other, and compiles.
    """

    def __init__(self, profile: RobotProfile, obstacles: Obstacles) -> None:
        """Watch the robot of `profile` among `obstacles`.

        Raises:
            ProfileError: if the obstacles name links that the robot does not have.
        """
        self.obstacles = obstacles
        self._frames, places = arm_frames(profile)
        self._bodies = make_bodies(profile, places, obstacles.boxes)
        self._pairs = find_pairs(profile, self._frames, self._bodies, obstacles)
        bodies, pairs = self._bodies, self._pairs
        boxes_from = len(bodies.names) - len(obstacles.boxes)
        self._model = bodies.frame, bodies.arrays, bodies.around_m, boxes_from
        self._watched = pairs.one, pairs.other, pairs.least_m, pairs.reach_m
        self._begin = 0  # the pair found last
        self.contact(profile.home_rad[None], np.zeros((1, profile.n_joints)), 1.0)  # compiled before it is needed

    def contact(self, q_rad: np.ndarray, v_rad_s: np.ndarray, grid_s: float) -> Contact | None:
        """Return a pair that comes nearer than it may, None where none does.

        A pair that is nearer at the beginning may come no nearer; one that touches there may not move.

        Args:
            q_rad: Positions at knots, (M, n); between knots they are cubic.
            v_rad_s: Velocities at knots, (M, n).
            grid_s: Time between knots.
        """
        q, v = np.array(q_rad, dtype=float, order='C'), np.array(v_rad_s, dtype=float, order='C')  # one type is compiled
        pair, knots, distance_m = first_contact(q, v, grid_s, self._frames.arrays, self._model, self._watched, self._begin)
        if pair < 0:
            return None
        self._begin = pair
        names, one, other = self._bodies.names, self._pairs.one[pair], self._pairs.other[pair]
        return Contact(names[one], names[other], distance_m, float(self._pairs.least_m[pair]), knots * grid_s)

    def nearest(self, q_rad: np.ndarray) -> tuple[str, str, float]:
        """Return the pair whose distance is least beside what it keeps at positions (n,), and that distance [m]."""
        distances = distances_m(np.asarray(q_rad, dtype=float)[None], self._frames, self._bodies, self._pairs)[0]
        pair = int((distances - self._pairs.least_m).argmin())
        names = self._bodies.names
        return names[self._pairs.one[pair]], names[self._pairs.other[pair]], float(distances[pair])

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The names of what is watched, each pair once."""
        names = self._bodies.names
        both = zip(self._pairs.one, self._pairs.other, strict=True)
        return list(dict.fromkeys((names[one], names[other]) for one, other in both))
