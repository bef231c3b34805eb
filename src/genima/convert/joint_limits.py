# SPDX-License-Identifier: Apache-2.0
"""Are these joint positions of this robot in rad? A dataset of others may hold degrees, another order, another robot."""

import numpy as np

from genima.errors import DatasetError
from genima.robots.profile import RobotProfile

LIMIT_MARGIN_RAD = 0.2
"""How far outside of the robot's limits a position may be read: encoders are not perfect, degrees are far beyond it."""


def check_joints(profile: RobotProfile, q_rad: np.ndarray, where: str, name: str) -> None:
    """Raise DatasetError where joint positions (T, n) are far outside of the limits of a robot.

    Args:
        profile: The robot.
        q_rad: Joint positions (T, n).
        where: Which episode, for the message.
        name: What the numbers are called in the dataset.
    """
    limits = profile.limits
    beyond = np.maximum(limits.position_min_rad - q_rad, q_rad - limits.position_max_rad).max(axis=0, initial=0.0)
    joint = int(beyond.argmax())
    if beyond[joint] > LIMIT_MARGIN_RAD:
        raise DatasetError(
            f'{where}: {profile.arm_joints[joint]} is {beyond[joint]:.2f} rad beyond the limits of robot {profile.name}: '
            f'does {name!r} hold joint positions of this robot, in this order, in rad?'
        )
