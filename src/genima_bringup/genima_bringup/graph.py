# SPDX-License-Identifier: Apache-2.0
"""The one table of nodes. `ros2 launch` and the launcher without ROS 2 both read it, so they cannot drift apart."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genima.contract.spec import PolicySpec
from genima.errors import GenimaError, PolicyError
from genima.files import config_dir
from genima.recording.queued import CLOSING_S
from genima.robots.profile import RobotProfile
from genima_bringup.drivers import DriverLaunch, distribution, official_driver
from genima_bringup.record import (
    OPERATORS,
    calibration_folder,
    camera_names,
    failure_parameters,
    image_parameters,
    operator_of,
    operator_parameters,
    recorder_parameters,
)

THREADS = dict.fromkeys(('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'NUMBA_NUM_THREADS', 'LP_NUM_THREADS'), '1')
DEADMAN_S = 0.5  # the console says ten times a second that somebody watches
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
        closing_s: what it may need to end, on top of what every node may: it has something to write.
        ends_stack: when it ends by itself, all is done, and the other nodes end, too.
    """

    name: str
    parameters: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=lambda: dict(THREADS))
    remappings: dict[str, str] = field(default_factory=dict)
    package: str = 'genima_ros'
    closing_s: float = 0.0
    ends_stack: bool = False

    @property
    def module(self) -> str:
        """Module that `python -m` runs."""
        return f'{self.package}.{self.name}'


@dataclass(frozen=True)
class Stack:
    """Everything that a launcher needs; for mock hardware the robot that is mocked, for RViz the frame it shows all in."""

    name: str
    parameter_file: Path
    nodes: tuple[NodeEntry, ...]
    driver: DriverLaunch | None = None
    mock_robot: str = ''
    rviz_frame: str = ''


# what a stack is unless an argument says otherwise
STACKS = {
    'franka': {'robot': 'panda', 'policy': 'models/panda_pick', 'record': 'false'},
    'ur5e': {'robot': 'ur5e', 'policy': 'models/ur5e_pick', 'record': 'false'},
    'record': {'robot': 'panda', 'record': 'true'},
}
ARGUMENTS = (
    Argument('policy', '', "Policy directory; a relative one may be in the repository. Empty: the stack's."),
    Argument('robot', '', "Robot profile: a name in config/robots or a file. Empty: the stack's."),
    Argument('robot_ip', '', 'Address of a real arm; empty simulates one.'),
    Argument('mock', 'false', "ros2_control's mock hardware and rendered cameras for a real arm (ros2 launch only)."),
    Argument('launch_driver', 'true', 'Start the official driver of a real arm as well (ros2 launch only).'),
    Argument('armed', '', 'Whether the guard lets the arm move from the start. Empty: a simulated one; never a real one.'),
    Argument('seed', '0', 'Seed of the first simulated episode.'),
    Argument('real_time_factor', '1.0', 'Simulated seconds per second, at most.'),
    Argument('device', 'cpu', 'Torch device of both networks: cpu or cuda.'),
    Argument('check_targets', 'true', 'Hold the arm when the painted spheres are not where the chunk takes it.'),
    Argument('check_cameras', '', 'Do not arm while a camera has moved or was swapped. Empty: with a real arm.'),
    Argument('overlay', 'true', 'Draw the predicted spheres over the camera views.'),
    Argument('console', 'false', 'Serve the operator console, a web page, on this computer.'),
    Argument('console_port', '8600', 'Port of the console; 0 takes a free one and prints it.'),
    Argument('deadman', 'false', 'The arm moves only while a browser holds the watch (with console:=true).'),
    Argument('rviz', 'false', 'Open RViz with config/rviz/genima.rviz (ros2 launch only).'),
    Argument('record', '', "Record episodes, by the services of recorder_node. Empty: the stack's."),
    Argument('failures', 'false', 'Remember the last seconds and keep those that an operator flags (failure_node/flag).'),
    Argument('failures_out', 'failures', 'Folder of flagged failures.'),
    Argument('operator', '', 'Who moves the arm where no policy does: keyboard, scripted (simulated arm) or none.'),
    Argument('episodes', '10', 'Episodes of the scripted operator.'),
    Argument('out', 'recordings', 'Folder of the recordings.'),
    Argument('cameras', 'wrist,front,right_shoulder,left_shoulder', 'Cameras that are recorded.'),
    Argument('task', '', 'Name of the recorded task. Empty: that of the simulation.'),
    Argument('instruction', '', 'The recorded task in words. Empty: that of the simulation.'),
    Argument('image_size', '', "Size of simulated images [px], 640x480 say. Empty: the policy's views, or 128x128."),
    Argument('calibration', '', 'Folder of calibration files whose cameras go into tf. Empty: tf has them from elsewhere.'),
    Argument('image_rate', '', 'Simulated images per second and camera [Hz].'),
)


def stack(name: str, arguments: Mapping[str, str] | None = None) -> Stack:
    """Return the nodes of a stack.

    Args:
        name: one of `STACKS`.
        arguments: of the launch, by name; `ARGUMENTS` has the defaults.

    Raises:
        GenimaError: if the stack or an argument is unknown, or a value makes no sense.
        PolicyError: if the policy directory is not there.
    """
    if name not in STACKS:
        raise GenimaError(f'no stack {name!r}; there are {", ".join(STACKS)}')
    values = {argument.name: argument.default for argument in ARGUMENTS}
    unknown = sorted(set(arguments or {}) - set(values))
    if unknown:
        raise GenimaError(f'unknown launch arguments {", ".join(unknown)}; allowed: {", ".join(values)}')
    values.update(arguments or {})
    values = {key: value or STACKS[name].get(key, '') for key, value in values.items()}
    real, mock = bool(values['robot_ip']), _boolean(values, 'mock')
    if real and mock:
        raise GenimaError(f'robot_ip:={values["robot_ip"]} and mock:=true: give one of them')
    parameter_file = config_dir() / 'stacks' / ('hardware.yaml' if real or mock else 'simulated.yaml')
    wants_driver = _boolean(values, 'launch_driver')
    driver = official_driver(values['robot'], values['robot_ip']) if real and wants_driver else None
    frame = RobotProfile.load(values['robot']).base_link if _boolean(values, 'rviz') else ''
    return Stack(name, parameter_file, _nodes(values, real, mock), driver, values['robot'] if mock else '', frame)


def stack_of(robot: str) -> str:
    """Return the stack that is meant for a robot; the first one for robots that have none of their own."""
    return next((name for name, values in STACKS.items() if values['robot'] == robot), next(iter(STACKS)))


def _nodes(values: Mapping[str, str], real: bool, mock: bool) -> tuple[NodeEntry, ...]:
    robot, controller = values['robot'], controller_name(values['robot'])
    armed = not (real or mock) if not values['armed'] else _boolean(values, 'armed')
    if real and armed:
        raise GenimaError('armed:=true with a real arm: it starts in shadow mode; arm it with the service guard_node/arm')
    guard = {'robot': robot, 'controller': controller, 'armed_at_start': armed}
    nodes = [_arm(values, real, mock, controller)]
    guard['check_cameras'] = _boolean(values, 'check_cameras') if values['check_cameras'] else real
    if guard['check_cameras']:
        nodes.append(_camera_check_node(values, guard))
    if mock:
        guard['check_driver'] = False  # there is none
    if _boolean(values, 'deadman'):
        guard['deadman_timeout_s'] = DEADMAN_S
    if values['policy']:
        nodes += _policy_nodes(values, guard)
    else:  # nobody paints targets
        nodes.append(NodeEntry('guard_node', {**guard, 'check_targets': False, 'max_target_age_s': 0.0}))
    nodes += _console_nodes(values)
    if _boolean(values, 'failures'):
        policy = policy_dir(values['policy']) if values['policy'] else None
        nodes.append(NodeEntry('failure_node', failure_parameters(values, controller, policy), closing_s=CLOSING_S))
    if values['calibration']:
        nodes.append(NodeEntry('calibration_node', {'folder': calibration_folder(values)}))
    return tuple(nodes) + _recording_nodes(values, controller, simulated=not (real or mock))


def _arm(values: Mapping[str, str], real: bool, mock: bool, controller: str) -> NodeEntry:
    """Return the node beside a real or mocked arm, or the simulated arm."""
    robot = values['robot']
    if real:
        return NodeEntry('gripper_node', {'robot': robot})
    seed = _integer(values, 'seed')
    if mock:
        return NodeEntry('mirror_node', {'robot': robot, 'seed': seed, 'mock_hardware': True})
    factor = _number(values, 'real_time_factor')
    parameters = {'robot': robot, 'controller': controller, 'seed': seed, 'real_time_factor': factor}
    size = values['image_size'] or _view_size(values['policy'])
    return NodeEntry('sim_node', {**parameters, **image_parameters({**values, 'image_size': size})})


def _view_size(policy: str) -> str:
    """Return the size of a policy's views in the form of `image_size`: larger pictures cost, smaller ones are blurred."""
    if not policy:
        return ''
    side_px = PolicySpec.load(policy_dir(policy)).view_size_px
    return f'{side_px}x{side_px}'


def _camera_check_node(values: Mapping[str, str], guard: dict[str, Any]) -> NodeEntry:
    """Return the node that checks the cameras, of the policy where there is one; tell the guard which they are."""
    parameters = {'robot': values['robot'], 'calibrations': calibration_folder(values)}
    if values['policy']:
        return NodeEntry('camera_check_node', {**parameters, 'policy': str(policy_dir(values['policy']))})
    guard['cameras'] = values['cameras']
    return NodeEntry('camera_check_node', {**parameters, 'cameras': values['cameras']})


def _policy_nodes(values: Mapping[str, str], guard: Mapping[str, Any]) -> list[NodeEntry]:
    policy, robot = str(policy_dir(values['policy'])), values['robot']
    networks = {'policy': policy, 'device': values['device']}
    check_targets = _boolean(values, 'check_targets')
    nodes = [
        NodeEntry('diffusion_node', networks, QUIET_AND_OFFLINE),
        NodeEntry('act_node', {**networks, 'robot': robot}),
        NodeEntry('guard_node', {'policy': policy, **guard, 'check_targets': check_targets}),
    ]
    if check_targets:
        nodes.append(NodeEntry('target_check_node', {'policy': policy, 'robot': robot}))
    if _boolean(values, 'overlay'):
        nodes.append(NodeEntry('overlay_node', {'policy': policy, 'robot': robot}))
    return nodes


def _console_nodes(values: Mapping[str, str]) -> list[NodeEntry]:
    deadman = _boolean(values, 'deadman')
    if not _boolean(values, 'console'):
        if deadman:
            raise GenimaError('deadman:=true needs console:=true: a browser holds the watch')
        return []
    shown = {'policy': str(policy_dir(values['policy']))} if values['policy'] else {'cameras': camera_names(values)}
    port = _integer(values, 'console_port')
    return [NodeEntry('console_node', {**shown, 'robot': values['robot'], 'port': port, 'deadman': deadman})]


def _recording_nodes(values: Mapping[str, str], controller: str, simulated: bool) -> tuple[NodeEntry, ...]:
    operator = operator_of(values, simulated)
    if not _boolean(values, 'record'):
        return ()
    recorder = recorder_parameters(values, operator, controller, simulated)
    nodes = [NodeEntry('recorder_node', recorder, closing_s=CLOSING_S)]
    if operator != 'none':
        parameters = operator_parameters(operator, values['robot'], _integer(values, 'seed'), _integer(values, 'episodes'))
        nodes.append(NodeEntry(OPERATORS[operator], parameters, ends_stack=operator == 'scripted'))
    return tuple(nodes)


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
