# SPDX-License-Identifier: Apache-2.0
"""The one table of nodes. `ros2 launch` and the launcher without ROS 2 both read it, so they cannot drift apart."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genima.errors import GenimaError, PolicyError
from genima.files import config_dir
from genima.robots.profile import RobotProfile

THREADS = dict.fromkeys(('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'NUMBA_NUM_THREADS', 'LP_NUM_THREADS'), '1')
# the painter's threads are a parameter; a robot downloads nothing, and progress bars do not belong into its log
QUIET_AND_OFFLINE = {'HF_HUB_OFFLINE': '1', 'TRANSFORMERS_VERBOSITY': 'error', 'TQDM_DISABLE': '1'}


@dataclass(frozen=True)
class Argument:
    """A launch argument; all values are text, as on the command line."""

    name: str
    default: str
    description: str


@dataclass(frozen=True)
class NodeEntry:
    """One node of a stack.

    Attributes:
        name: of the node, and of its executable and its module in the package.
        parameters: that win over the stack's parameter file.
        environment: variables for its process.
        remappings: of its topics and services.
        package: that has the node.
    """

    name: str
    parameters: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=lambda: dict(THREADS))
    remappings: dict[str, str] = field(default_factory=dict)
    package: str = 'genima_ros'

    @property
    def module(self) -> str:
        """Module that `python -m` runs."""
        return f'{self.package}.{self.name}'


@dataclass(frozen=True)
class Stack:
    """Everything that a launcher needs."""

    name: str
    parameter_file: Path
    nodes: tuple[NodeEntry, ...]


ARGUMENTS = (
    Argument('policy', 'models/panda_pick', 'Policy directory; a relative one may be in the repository.'),
    Argument('robot', 'panda', 'Robot profile: a name in config/robots or a file.'),
    Argument('robot_ip', '', 'Address of a real arm; empty simulates one.'),
    Argument('armed', 'true', 'Whether the guard lets the simulated arm move from the start.'),
    Argument('seed', '0', 'Seed of the first simulated episode.'),
    Argument('real_time_factor', '1.0', 'Simulated seconds per second, at most.'),
    Argument('device', 'cpu', 'Torch device of both networks: cpu or cuda.'),
    Argument('check_targets', 'true', 'Hold the arm when the painted spheres are not where the chunk takes it.'),
    Argument('overlay', 'true', 'Draw the predicted spheres over the camera views.'),
)


def stacks() -> list[str]:
    """Return the names of the stacks in config/stacks."""
    return sorted(path.stem for path in (config_dir() / 'stacks').glob('*.yaml'))


def stack(name: str, arguments: Mapping[str, str] | None = None) -> Stack:
    """Return the nodes of a stack.

    Args:
        name: a file of config/stacks/.
        arguments: of the launch, by name; `ARGUMENTS` has the defaults.

    Raises:
        GenimaError: if the stack or an argument is unknown, or a value makes no sense.
        PolicyError: if the policy directory is not there.
    """
    parameter_file = config_dir() / 'stacks' / f'{name}.yaml'
    if not parameter_file.is_file():
        raise GenimaError(f'no stack {name!r}; config/stacks has {", ".join(stacks())}')
    values = {argument.name: argument.default for argument in ARGUMENTS}
    unknown = sorted(set(arguments or {}) - set(values))
    if unknown:
        raise GenimaError(f'unknown launch arguments {", ".join(unknown)}; allowed: {", ".join(values)}')
    values.update(arguments or {})
    return Stack(name, parameter_file, _nodes(values))


def _nodes(values: Mapping[str, str]) -> tuple[NodeEntry, ...]:
    if values['robot_ip']:
        raise GenimaError(
            f'robot_ip {values["robot_ip"]}: real arms are not supported by this version; '
            'leave robot_ip empty to simulate one'
        )
    policy, robot = str(policy_dir(values['policy'])), values['robot']
    controller = controller_name(robot)
    check_targets = _boolean(values, 'check_targets')
    networks = {'policy': policy, 'device': values['device']}
    nodes = [
        NodeEntry('sim_node', {
            'robot': robot, 'controller': controller, 'seed': _integer(values, 'seed'),
            'real_time_factor': _number(values, 'real_time_factor'),
        }),
        NodeEntry('diffusion_node', networks, QUIET_AND_OFFLINE),
        NodeEntry('act_node', {**networks, 'robot': robot}),
        NodeEntry('guard_node', {
            'policy': policy, 'robot': robot, 'controller': controller, 'armed_at_start': _boolean(values, 'armed'),
            'check_targets': check_targets,
        }),
    ]  # fmt: skip
    if check_targets:
        nodes.append(NodeEntry('target_check_node', {'policy': policy, 'robot': robot}))
    if _boolean(values, 'overlay'):
        nodes.append(NodeEntry('overlay_node', {'policy': policy}))
    return tuple(nodes)


def controller_name(robot: str) -> str:
    """Return what the joint_trajectory_controller of a robot is called in this ROS distribution."""
    controllers = RobotProfile.load(robot).controllers
    return controllers.get(os.environ.get('ROS_DISTRO', 'jazzy'), controllers['jazzy'])


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


def _number(values: Mapping[str, str], name: str) -> float:
    try:
        return float(values[name])
    except ValueError as error:
        raise GenimaError(f'{name}: {values[name]!r} is not a number') from error


def _integer(values: Mapping[str, str], name: str) -> int:
    try:
        return int(values[name])
    except ValueError as error:
        raise GenimaError(f'{name}: {values[name]!r} is not a whole number') from error


def _boolean(values: Mapping[str, str], name: str) -> bool:
    text = values[name].lower()
    if text not in ('true', 'false'):
        raise GenimaError(f'{name}: {values[name]!r}; allowed: true, false')
    return text == 'true'
