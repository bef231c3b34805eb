# SPDX-License-Identifier: Apache-2.0
"""What the launch arguments come to: the stack's own values, then the rig's, then those of the command line."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from genima.contract.spec import PolicySpec
from genima.errors import GenimaError, PolicyError
from genima.fci.door import is_loopback
from genima.files import config_dir
from genima.rig.rig import Rig
from genima.robots.profile import RobotProfile
from genima_bringup.arguments import ARGUMENTS, CAMERAS, REAL, STACKS, unknown_arguments
from genima_bringup.drivers import distribution

# tf stands in the namespace with everything else, as is usual where there are several robots
TF_IN_NAMESPACE = {'/tf': 'tf', '/tf_static': 'tf_static'}
READ_IMAGES = (
    'diffusion_node', 'policy_node', 'overlay_node', 'console_node', 'camera_check_node', 'recorder_node', 'failure_node',
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """The arguments of a launch, all given.

    Attributes:
        values: By name, as text; those that the stack or the rig knows better are filled in.
        rig: Of the lab; `None`: our own topics.
        arm: 'real', 'mock', 'simulated', or 'elsewhere': this computer has the policy only.
    """

    values: Mapping[str, str]
    rig: Rig | None
    arm: str

    @classmethod
    def of(cls, stack: str, arguments: Mapping[str, str]) -> 'Settings':
        """Return the settings of a stack.

        Raises:
            GenimaError: if the stack, an argument or a value is unknown, or values contradict one another.
        """
        if stack not in STACKS:
            raise GenimaError(f'no stack {stack!r}; there are {", ".join(STACKS)}')
        if trouble := unknown_arguments(arguments):
            raise GenimaError(trouble)
        values = {argument.name: argument.default for argument in ARGUMENTS} | dict(arguments)
        if values['replay']:  # no arm, and the time of the recording
            values |= {'policy_only': 'true', 'use_sim_time': 'true'}
        for argument in ARGUMENTS:
            values[argument.name] = _allowed(values[argument.name], argument.name, argument.choices)
        rig = Rig.load(values['rig']) if values['rig'] else None
        real = bool(values['robot_ip'])
        own = {'cameras': ','.join(rig.names), 'robot': rig.robot} if rig else {}
        layers = [own, REAL.get(stack, {}) if real else {}, STACKS[stack], {'cameras': CAMERAS}]
        for layer in layers:
            values |= {name: value for name, value in layer.items() if not values[name]}
        return cls(values, rig, _arm(values))

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    def is_true(self, name: str, otherwise: bool = False) -> bool:
        """Return a switch; `otherwise` where it was left empty."""
        return self[name] == 'true' if self[name] else otherwise

    def number(self, name: str) -> float:
        """Return a number; a GenimaError names what is none."""
        try:
            return float(self[name])
        except ValueError as error:
            raise GenimaError(f'{name}: {self[name]!r} is not a number') from error

    def integer(self, name: str) -> int:
        """Return a whole number; a GenimaError names what is none."""
        try:
            return int(self[name])
        except ValueError as error:
            raise GenimaError(f'{name}: {self[name]!r} is not a whole number') from error

    def file(self, name: str) -> Path | None:
        """Return the absolute path of a file, or `None` where none is named.

        Raises:
            GenimaError: if it is not there.
        """
        if not self[name]:
            return None
        path = Path(self[name]).expanduser().absolute()
        if not path.is_file():
            raise GenimaError(f'{name}:={self[name]}: there is no file {path}')
        return path

    @cached_property
    def profile(self) -> RobotProfile:
        """The robot."""
        return RobotProfile.load(self['robot'])

    @cached_property
    def policy(self) -> Path | None:
        """The policy's folder, or `None` where an operator moves the arm; it fits the robot and the rig.

        Raises:
            GenimaError: if it does not.
        """
        if not self['policy']:
            return None
        folder = policy_dir(self['policy'])
        spec = PolicySpec.load(folder)
        spec.check_robot(self.profile)
        if self.rig:
            for camera in spec.cameras:
                self.rig.camera(camera)
        return folder

    @property
    def use_sim_time(self) -> bool:
        """Whether the nodes' time is that of /clock."""
        return self.is_true('use_sim_time', otherwise=self.arm == 'simulated' or self.simulated_fci)

    @property
    def simulated_fci(self) -> bool:
        """Whether a server on this computer simulates the arm behind the Franka's protocol; its world is then ours."""
        return self['driver'] == 'fci' and is_loopback(self['robot_ip'])

    @property
    def unreal(self) -> bool:
        """Whether no real robot is part of the graph, here or on another computer."""
        return self.arm in ('simulated', 'mock') or self.simulated_fci or bool(self['replay'])

    @property
    def remappings(self) -> dict[str, str]:
        """Topics of the rig, and tf, for every node."""
        return {**(self.rig.remappings() if self.rig else {}), **TF_IN_NAMESPACE}

    @property
    def transport(self) -> str:
        """How images travel: 'raw' or 'compressed'; simulated ones are raw.

        Raises:
            GenimaError: if the cameras of the rig differ.
        """
        cameras = self.rig.cameras if self.rig and self.arm in ('real', 'elsewhere') else ()
        ways = {camera.transport for camera in cameras}
        if len(ways) > 1:
            raise GenimaError(f'{self["rig"]}: transport differs between cameras; nodes read all raw or all compressed')
        return ways.pop() if ways else 'raw'


def controller_name(robot: str) -> str:
    """Return what the joint_trajectory_controller of a robot is called in this ROS distribution."""
    return RobotProfile.load(robot).controller(distribution())


def policy_dir(value: str) -> Path:
    """Return a policy directory as an absolute path: from here, or from the repository.

    Raises:
        PolicyError: if neither has it.
    """
    candidates = [Path(value).expanduser().absolute(), config_dir().parent / value]
    for candidate in candidates:
        if (candidate / 'policy.yaml').is_file():
            return candidate
    looked = ' and '.join(str(candidate) for candidate in dict.fromkeys(candidates))
    raise PolicyError(f'no policy.yaml in {looked}; give the policy directory with policy:= (ros2 launch) or --policy')


def _allowed(text: str, name: str, choices: tuple[str, ...]) -> str:
    value = text.lower() if 'true' in choices else text
    if choices and value not in choices:
        raise GenimaError(f'{name}: {text!r}; allowed: {", ".join(filter(None, choices))}')
    return value


def _arm(values: Mapping[str, str]) -> str:
    real, mock, elsewhere = bool(values['robot_ip']), values['mock'] == 'true', values['policy_only'] == 'true'
    if real and mock:
        raise GenimaError(f'robot_ip:={values["robot_ip"]} and mock:=true: give one of them')
    if elsewhere and (real or mock):
        raise GenimaError('policy_only:=true starts no arm: leave robot_ip and mock to the computer that has it')
    fci = values['driver'] == 'fci'
    if fci and not real:
        raise GenimaError('driver:=fci needs the address of a Franka arm: robot_ip:=...')
    if real and values['use_sim_time'] == 'true' and not (fci and is_loopback(values['robot_ip'])):
        raise GenimaError('use_sim_time:=true with a real arm: its time is that of this computer')
    if elsewhere and not values['policy']:
        raise GenimaError('policy_only:=true needs a policy: name it with policy:=')
    return 'real' if real else 'mock' if mock else 'elsewhere' if elsewhere else 'simulated'
