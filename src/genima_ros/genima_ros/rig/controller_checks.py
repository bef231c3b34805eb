# SPDX-License-Identifier: Apache-2.0
"""Is the robot's controller one that the guard's messages are made for, and does anything limit other senders?

Facts: config/controllers/README.md, with their sources.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from genima.errors import ProfileError
from genima.robots.profile import RobotProfile
from genima.robots.urdf_enforced import unlimited_joints
from genima_ros.rig.checks import Check

GOAL_TIME, UPSAMPLING, REPLACEMENT = 'constraints.goal_time', 'positions_upsampling.enable', 'allow_trajectory_replacement'
LIMITER = 'enforce_command_limits'
FROM_DESIRED, OPEN_LOOP = 'interpolate_from_desired_state', 'open_loop_control'
LEAST_UPDATE_HZ = 100
INTERFACES = (['position'], ['position', 'velocity'], ['effort'])
# what a parameter has to be, and why; those that an older controller does not know are not wanted there
WANTED: dict[str, tuple[Any, str]] = {
    'allow_nonzero_velocity_at_trajectory_end': (False, 'else a trajectory that is cut short does not end at rest'),
    'allow_partial_joints_goal': (False, 'else a message that lacks joints is taken'),
    'interpolation_method': ('splines', 'else the arm jumps from point to point'),
}
WANTED_OF_NEWER: dict[str, tuple[Any, str]] = {
    REPLACEMENT: (False, 'else a new message is spliced into the old one, where the guard plans that it replaces it'),
    UPSAMPLING: (False, 'else the controller makes up velocities'),
}
OF_CONTROLLER = (
    'joints', 'command_interfaces', 'state_interfaces', GOAL_TIME, FROM_DESIRED, OPEN_LOOP, *WANTED, *WANTED_OF_NEWER,
)  # fmt: skip
OF_MANAGER = ('update_rate', LIMITER)


@dataclass
class Controller:
    """What a running controller and its manager say of themselves.

    Attributes:
        name: of the controller.
        parameters: Those of `OF_CONTROLLER` that are set, and `gains.<joint>.p`.
        manager: Those of `OF_MANAGER` that are set.
        least_goal_time_s: Least value that `GOAL_TIME` may have; None: any.
        description: The URDF that the manager reads; empty: not heard.
        limits: Whether the manager knows `LIMITER`; an older one keeps the value that a file gave, and does nothing.
    """

    name: str
    parameters: dict[str, Any] = field(default_factory=dict)
    manager: dict[str, Any] = field(default_factory=dict)
    least_goal_time_s: float | None = None
    description: str = ''
    limits: bool = True

    @property
    def newer(self) -> bool:
        """Whether a goal time of 0 means "at once": from September 2026 on; before, it meant never."""
        refuses_negative = self.least_goal_time_s is not None and self.least_goal_time_s >= 0
        return UPSAMPLING in self.parameters and not refuses_negative

    @property
    def folder(self) -> str:
        """Where we ship parameters for it."""
        return f'config/controllers/{"lyrical" if UPSAMPLING in self.parameters else "jazzy"}'


def check_controller(controller: Controller, profile: RobotProfile) -> list[Check]:
    """Check what a controller says of itself; one that has no parameters is a simulated one."""
    if not controller.parameters:
        return [Check('controller parameters', True, 'the controller offers none (a simulated one?): not checked')]
    known = {name: WANTED_OF_NEWER[name] for name in WANTED_OF_NEWER if name in controller.parameters}
    checks = [_wanted(controller, name, value, why) for name, (value, why) in {**WANTED, **known}.items()]
    checks += [_from_desired(controller), _goal_time(controller), *_interfaces(controller, profile)]
    return [*checks, *_gains(controller, profile), *_manager(controller, profile)]


def check_controller_state(message: Any, profile: RobotProfile) -> list[Check]:
    """Check that the controller says where it has the arm and where it measures it; None: nothing was heard."""
    if message is None:
        return []
    names = list(message.joint_names)
    missing = [name for name in profile.arm_joints if name not in names]
    finding = f'missing: {", ".join(missing)}' if missing else f'all joints of {profile.name} are there'
    remedy = 'name the controller of this arm (--controller), or choose the right profile (--robot)'
    checks = [Check('controller_state joints', not missing, finding, remedy)]
    lacking = [
        part for part in ('reference', 'feedback') if not _usable(getattr(message, part).positions, len(names))
    ]
    finding = f'no finite positions in {" and ".join(lacking)}' if lacking else 'reference and feedback are there'
    remedy = 'the guard holds without them: give the controller position among its state_interfaces'
    return [*checks, Check('controller_state positions', not lacking, finding, remedy)]


def _usable(positions: Sequence[float], joints: int) -> bool:
    return len(positions) == joints and bool(np.isfinite(positions).all())


def _wanted(controller: Controller, name: str, value: Any, why: str) -> Check:
    got = controller.parameters.get(name)
    remedy = f'{name}: {str(value).lower()}, as in {controller.folder}'
    return Check(f'controller parameter {name}', got == value, f'{got}, wanted {value}: {why}', remedy)


def _from_desired(controller: Controller) -> Check:
    """Check where messages start; before ros2_controllers 4.22 another parameter said that, and this one is ignored."""
    known = FROM_DESIRED in controller.parameters
    effort = controller.parameters.get('command_interfaces') == ['effort']  # there the older one takes the feedback away
    name = FROM_DESIRED if known or effort else OPEN_LOOP
    got = controller.parameters.get(name)
    remedy = f'{name}: true, as in {controller.folder}'
    if not known:
        update = f'update ros2_controllers to 4.22 or newer, which knows {FROM_DESIRED}'
        remedy = update if effort else f'{remedy}, or {update}'
    why = 'else every message starts from the measured position, which is a step'
    return Check(f'controller parameter {name}', got is True, f'{got}, wanted True: {why}', remedy)


def _goal_time(controller: Controller) -> Check:
    got, wanted = controller.parameters.get(GOAL_TIME), -1.0 if controller.newer else 0.0
    unchecked = got is not None and (got < 0 or (got == 0 and not controller.newer))
    meaning = 'this version waits for ever' if unchecked else 'this version gives up then, and holds where the arm is'
    finding = f'{got}: {meaning}; each message ends at rest where the next one does not begin'
    remedy = f'{GOAL_TIME}: {wanted}, as in {controller.folder}; older versions refuse a negative one, newer ones need it'
    return Check(f'controller parameter {GOAL_TIME}', unchecked, finding, remedy)


def _interfaces(controller: Controller, profile: RobotProfile) -> list[Check]:
    joints, commands, states = (
        list(controller.parameters.get(name) or []) for name in ('joints', 'command_interfaces', 'state_interfaces')
    )
    return [
        Check(
            'controller parameter joints',
            sorted(joints) == sorted(profile.arm_joints),
            f'{", ".join(joints)}; {profile.name} has {", ".join(profile.arm_joints)}',
            'name the controller of this arm (--controller), or choose the right profile (--robot)',
        ),
        Check(
            'controller parameter command_interfaces',
            commands in INTERFACES,
            f'{", ".join(commands)}; allowed: {" or ".join("+".join(each) for each in INTERFACES)}',
            f'command_interfaces as in {controller.folder}: a velocity alone drifts from the plan',
        ),
        Check(
            'controller parameter state_interfaces',
            {'position', 'velocity'} <= set(states),
            f'{", ".join(states)}; position and velocity are needed',
            'state_interfaces: [position, velocity]',
        ),
    ]


def gain_names(profile: RobotProfile) -> list[str]:
    """Return the parameters that hold the proportional gain of each joint."""
    return [f'gains.{joint}.p' for joint in profile.arm_joints]


def _gains(controller: Controller, profile: RobotProfile) -> list[Check]:
    if controller.parameters.get('command_interfaces') != ['effort']:
        return []
    slack = [name for name in gain_names(profile) if not (controller.parameters.get(name) or 0.0) > 0]
    finding = f'no proportional gain: {", ".join(slack)}' if slack else 'every joint has a gain'
    return [Check('controller parameter gains', not slack, finding, f'gains as in {controller.folder}')]


def _manager(controller: Controller, profile: RobotProfile) -> list[Check]:
    if not controller.manager:
        remedy = 'start the controller in a controller_manager of that name, in the same namespace'
        return [Check('controller manager', False, 'it does not answer: update rate and limits are unknown', remedy)]
    rate = controller.manager.get('update_rate') or 0
    checks = [
        Check(
            'controller manager update_rate',
            rate >= LEAST_UPDATE_HZ,
            f'{rate} Hz, at least {LEAST_UPDATE_HZ} needed',
            f'update_rate as in {controller.folder}: the plan has a point every 20 ms',
        )
    ]
    return [*checks, _second_line(controller), *_limits(controller, profile)]


def _second_line(controller: Controller) -> Check:
    on = controller.manager.get(LIMITER) is True
    if controller.parameters.get('command_interfaces') == ['effort']:
        text = 'an effort interface: torques are limited at most; the limits of the robot itself are the second line'
        return Check(f'controller manager {LIMITER}', True, text)
    if on and not controller.limits:
        finding = 'nothing limits another sender of commands: ros2_control is older than 4.28, and does not know it'
        return Check(f'controller manager {LIMITER}', False, finding, 'update ros2_control')
    finding = 'commands of every sender are limited' if on else 'nothing limits another sender of commands'
    remedy = (
        f'{LIMITER}: true among the parameters of the controller manager (config/controllers/README.md says where, and that'
        ' ur_robot_driver needs a controllers_file of your own)'
    )
    return Check(f'controller manager {LIMITER}', on, finding, remedy)


def _limits(controller: Controller, profile: RobotProfile) -> list[Check]:
    if not controller.description:
        return [Check('limits of the URDF', True, 'no robot_description is heard: not checked')]
    try:
        unlimited: Mapping[str, str] = unlimited_joints(controller.description, profile.arm_joints)
    except ProfileError as error:
        return [Check('limits of the URDF', False, str(error), 'publish the URDF that the driver uses')]
    finding = ', '.join(f'{name} {reason}' for name, reason in unlimited.items()) or 'every joint has range and velocity'
    return [Check('limits of the URDF', not unlimited, finding, 'give each joint <limit lower= upper= velocity= effort=>')]
