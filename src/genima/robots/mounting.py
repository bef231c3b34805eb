# SPDX-License-Identifier: Apache-2.0
"""The gripper of one profile on the arm of another."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genima.borders.texts import read_yaml
from genima.errors import ProfileError
from genima.files import config_dir
from genima.robots.profile import RobotProfile


@dataclass(frozen=True, eq=False)
class Mounted:
    """A gripper as it stands in a profile, and its links; the first one hangs on the arm."""

    gripper: dict[str, Any]
    links: list[dict[str, Any]]

    @property
    def hand_link(self) -> str:
        """The link that the fingers are on."""
        return str(self.links[0]['name'])

    @property
    def tcp_link(self) -> str:
        """The TCP's link."""
        return str(self.gripper['tcp_link'])


def mounted_gripper(robot: str, tip_link: str) -> Mounted:
    """Return the gripper of a profile, mounted on a link as it is mounted there.

    Raises:
        ProfileError: if the profile has no gripper, or its TCP is not on it.
    """
    profile = RobotProfile.load(robot)
    if not profile.gripper.is_there:
        raise ProfileError(f'robot {robot} has no gripper to mount; name a profile with one')
    fingers = [link for link in profile.links if link.joint and link.joint.name in profile.gripper.joints]
    hand = str(fingers[0].parent)
    names = {link.name for link in profile.links if hand in [each.name for each in profile.chain(link.name)]}
    if profile.gripper.tcp_link not in names:
        raise ProfileError(f'robot {robot}: the TCP {profile.gripper.tcp_link} is not on {hand}, where the fingers are')
    path = Path(robot) if Path(robot).suffix in ('.yaml', '.yml') else config_dir() / 'robots' / f'{robot}.yaml'
    data = read_yaml(path)
    links = [link for link in data['links'] if link['name'] in names]
    return Mounted(data['gripper'], [{**links[0], 'parent': tip_link}, *links[1:]])
