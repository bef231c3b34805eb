# SPDX-License-Identifier: Apache-2.0
"""Make a robot profile of a URDF, and compute where its links are.

    python examples/own_urdf.py --urdf examples/arm.urdf --out my_arm.yaml
"""

from pathlib import Path

import numpy as np
import typer

from genima import RobotProfile
from genima.files import write_atomic
from genima.robots.kinematics import link_poses, solve_ik, tcp_pose
from genima.robots.urdf_import import ImportOptions, import_urdf

URDF = Path(__file__).with_name('arm.urdf')


def main(urdf: Path = URDF, out: Path = Path('my_arm.yaml'), tip_link: str = '') -> None:
    """Import the URDF, say what is proposed, write the profile; then forward and inverse kinematics with it."""
    imported = import_urdf(urdf, ImportOptions(name='my_arm', tip_link=tip_link))
    write_atomic(out, imported.text)
    print(f'{out}: {len(imported.taken)} facts of the URDF; proposed, and for you to look at:')
    for text in [*imported.proposed, *imported.human]:
        print('  -', text)

    profile = RobotProfile.load(out)  # a path that ends in .yaml, or a name such as 'panda'
    print(f'\n{profile.name}: {profile.n_joints} joints, TCP on {profile.gripper.tcp_link}')
    for name, T_base_link in link_poses(profile, profile.home_rad, gripper_open=1.0).items():
        print(f'  {name:<14}', np.round(T_base_link[:3, 3], 3), 'm')

    T_base_goal = tcp_pose(profile, profile.home_rad).copy()
    T_base_goal[2, 3] -= 0.05  # 5 cm lower
    q_rad = solve_ik(profile, T_base_goal, profile.home_rad)
    error_m = np.linalg.norm(tcp_pose(profile, q_rad)[:3, 3] - T_base_goal[:3, 3])
    print('\n5 cm lower:', np.round(q_rad, 3), f'rad, off by {1e3 * error_m:.3f} mm')

    many_rad = np.linspace(profile.home_rad, q_rad, 1000)  # everything is batched over leading axes
    print('a way there:', tcp_pose(profile, many_rad).shape)


if __name__ == '__main__':
    typer.run(main)
