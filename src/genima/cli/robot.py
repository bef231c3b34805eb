# SPDX-License-Identifier: Apache-2.0
"""`genima robot`: make a profile of a URDF, and show what a profile says."""

from pathlib import Path
from typing import Annotated

import typer

from genima.cli.output import console, print_table
from genima.errors import ProfileError
from genima.files import config_dir, write_atomic

app = typer.Typer(help='Robot profiles: make one of a URDF, show one.', no_args_is_help=True)


@app.command('import')
def import_(
    urdf: Annotated[Path, typer.Argument(help='URDF file; expand xacro first.')],
    name: Annotated[str, typer.Option(help='Name of the profile; empty: that of the robot in the URDF.')] = '',
    out: Annotated[Path | None, typer.Option(help='File to write; without it config/robots/<name>.yaml.')] = None,
    base_link: Annotated[str, typer.Option(help='First link of the arm; empty: the root.')] = '',
    tip_link: Annotated[str, typer.Option(help='Last link of the arm; empty: found, where there is one arm.')] = '',
    tcp: Annotated[
        str, typer.Option(help='Pose of the TCP in the tip link, "x y z roll pitch yaw" [m, rad]; z leaves the gripper.')
    ] = '',
    gripper_joints: Annotated[str, typer.Option(help='Joints of the fingers, with commas; empty: found; or none.')] = '',
    gripper_from: Annotated[str, typer.Option(help='Profile whose gripper goes on the tip link, ur5e for example.')] = '',
    home: Annotated[str, typer.Option(help='Joint positions to start from [rad]; empty: proposed.')] = '',
    controller: Annotated[
        str, typer.Option(help='Name of its joint_trajectory_controller.')
    ] = 'joint_trajectory_controller',
    force: Annotated[bool, typer.Option(help='Replace a file that is there.')] = False,
) -> None:
    """Make a robot profile of a URDF, and say what was taken, what is proposed and what a human has to look at."""
    from genima.robots.urdf_import import ImportOptions, import_urdf

    options = ImportOptions(
        name=name,
        base_link=base_link,
        tip_link=tip_link,
        tcp=_numbers(tcp, 'tcp', 6),
        gripper_joints=() if gripper_joints == 'none' else tuple(gripper_joints.replace(',', ' ').split()),
        no_gripper=gripper_joints == 'none',
        gripper_from=gripper_from,
        home_rad=_numbers(home, 'home'),
        controller=controller,
    )
    made = import_urdf(urdf, options)
    path = out or config_dir() / 'robots' / f'{made.profile.name}.yaml'
    if path.suffix not in ('.yaml', '.yml'):
        raise ProfileError(f'--out {path}: a profile is a .yaml file')
    if path.exists() and not force:
        raise ProfileError(f'{path} is there already; give another --name or --out, or --force to replace it')
    write_atomic(path, made.text)
    for title, lines in (('taken', made.taken), ('proposed', made.proposed), ('for you to look at', made.human)):
        for line in lines:
            console.print(f'{title}: {line}', markup=False, highlight=False, soft_wrap=True)
    where = made.profile.name if out is None else path
    console.print(f'written: {path}; see it with `genima robot show {where}`', markup=False, soft_wrap=True)


@app.command('show')
def show(name: Annotated[str, typer.Argument(help='Robot profile: a name in config/robots or a file.')]) -> None:
    """Show joints, limits with their sources, gripper and spheres of a profile."""
    from genima.robots.profile import RobotProfile

    profile = RobotProfile.load(name)
    limits = profile.limits
    columns = {
        'min rad': limits.position_min_rad, 'max rad': limits.position_max_rad, 'rad/s': limits.velocity_rad_s,
        'rad/s2': limits.acceleration_rad_s2, 'rad/s3': limits.jerk_rad_s3, 'N m': limits.effort_nm,
        'home rad': profile.home_rad,
    }  # fmt: skip
    rows = [[joint, *(f'{values[i]:.4g}' for values in columns.values())] for i, joint in enumerate(profile.arm_joints)]
    print_table(f'{profile.name}: base {profile.base_link}, TCP {profile.gripper.tcp_link}', ['joint', *columns], rows)
    print_table('where the limits are from', ['limit', 'source'], [[key, text] for key, text in limits.sources.items()])
    gripper = profile.gripper
    if gripper.is_there:
        stroke = f'{1e3 * gripper.closed_m:g} to {1e3 * gripper.open_m:g} mm at each of {", ".join(gripper.joints)}'
        console.print(f'gripper: {gripper.kind}, {stroke} ({gripper.source})', markup=False, soft_wrap=True)
    else:
        console.print('gripper: none', markup=False)
    for distribution, driver in gripper.drivers.items():
        console.print(f'gripper driver, {distribution}: {driver.kind} {driver.action}', markup=False, soft_wrap=True)
    for sphere in profile.spheres:
        text = f'sphere {sphere.name}: on {sphere.link}, radius {1e3 * sphere.radius_m:g} mm'
        console.print(text, markup=False, soft_wrap=True)
    if profile.same_kinematics_as:
        console.print(f'policies of {profile.same_kinematics_as} move it as well: the same kinematics', markup=False)


def _numbers(text: str, option: str, count: int | None = None) -> tuple[float, ...]:
    try:
        values = tuple(float(part) for part in text.replace(',', ' ').split())
    except ValueError as error:
        raise ProfileError(f'--{option} {text!r}: expected numbers') from error
    if values and count is not None and len(values) != count:
        raise ProfileError(f'--{option} {text!r}: expected {count} numbers, got {len(values)}')
    return values
