# SPDX-License-Identifier: Apache-2.0
"""The one table of nodes. `ros2 launch` and the launcher without ROS 2 both read it, so they cannot drift apart."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from genima.contract.spec import PolicySpec
from genima.errors import GenimaError
from genima.files import config_dir
from genima.recording.queued import CLOSING_S
from genima_bringup.arguments import ARGUMENTS, STACKS
from genima_bringup.drivers import controllers_dir, distribution_note, official_driver
from genima_bringup.mock import mock_hardware
from genima_bringup.network import network_environment, network_note
from genima_bringup.record import (
    OPERATORS,
    calibration_folder,
    camera_names,
    failure_parameters,
    image_parameters,
    operator_of,
    operator_parameters,
    recorder_parameters,
    simulated_task,
)
from genima_bringup.settings import READ_IMAGES, Settings, controller_name, policy_dir
from genima_bringup.table import NodeEntry, Rviz, Stack

__all__ = ['ARGUMENTS', 'STACKS', 'NodeEntry', 'Stack', 'controller_name', 'policy_dir', 'stack', 'stack_of']
# lost and late answers add to the acceleration that the robot sees: by the half where one is late on franka-sim, which takes
# the velocity over two cycles then
FCI_ACCELERATION = 0.7
CLOCKS = ('sim_node', 'replay_node', 'fci_node')
HAND, FCI_CLOSING_S = 'franka_gripper/gripper_action', 2.0
DEADMAN_S = 0.5  # the console says ten times a second that somebody watches
# the painter's threads are a parameter; a robot downloads nothing, and progress bars do not belong into its log
QUIET_AND_OFFLINE = {'HF_HUB_OFFLINE': '1', 'TRANSFORMERS_VERBOSITY': 'error', 'TQDM_DISABLE': '1'}


def stack(name: str, arguments: Mapping[str, str] | None = None) -> Stack:
    """Return the nodes of a stack.

    Args:
        name: one of `STACKS`.
        arguments: of the launch, by name; `ARGUMENTS` has the defaults.

    Raises:
        GenimaError: if the stack or an argument is unknown, or a value makes no sense.
        PolicyError: if the policy directory is not there.
    """
    settings = Settings.of(name, arguments or {})
    real = settings.arm == 'real'
    parameters = 'simulated.yaml' if settings.arm == 'simulated' else 'hardware.yaml'
    wants_driver = real and settings.is_true('launch_driver') and not settings['driver']
    view = settings.file('rviz_config') or config_dir() / 'rviz' / 'genima.rviz'
    controller, folder = controller_name(settings['robot']), controllers_dir(settings['controllers'])
    notes = [distribution_note() if real else '', network_note(real and not settings.unreal), _gripper_note(settings)]
    return Stack(
        name,
        config_dir() / 'stacks' / parameters,
        tuple(_with_common(entry, settings) for entry in _nodes(settings, controller)),
        driver=official_driver(settings['robot'], settings['robot_ip'], folder) if wants_driver else None,
        mock=mock_hardware(settings.profile, controller, folder) if settings.arm == 'mock' else None,
        rviz=Rviz(view, settings.profile.base_link) if settings.is_true('rviz') else None,
        own_parameters=settings.file('params_file'),
        namespace=settings['namespace'],
        remappings=settings.remappings,
        log_level=settings['log_level'],
        environment=network_environment(settings['network'], settings.unreal),
        notes=tuple(filter(None, notes)),
    )


def stack_of(robot: str) -> str:
    """Return the stack that is meant for a robot; the first one for robots that have none of their own."""
    return next((name for name, values in STACKS.items() if values['robot'] == robot), next(iter(STACKS)))


def _with_common(entry: NodeEntry, settings: Settings) -> NodeEntry:
    """Return a node with what is the same for many; what is the clock has a time of its own."""
    common: dict[str, Any] = {}
    if (settings['use_sim_time'] or settings.simulated_fci) and entry.name not in CLOCKS:
        common['use_sim_time'] = settings.use_sim_time
    if settings.transport != 'raw' and entry.name in READ_IMAGES:
        common['transport'] = settings.transport
    return replace(entry, parameters={**entry.parameters, **common}) if common else entry


def _nodes(settings: Settings, controller: str) -> list[NodeEntry]:
    robot, policy, simulated = settings['robot'], settings.policy, settings.arm == 'simulated'
    armed = settings.is_true('armed', otherwise=simulated)
    if armed and settings.arm in ('real', 'elsewhere'):
        raise GenimaError('armed:=true with a real arm: it starts in shadow mode; arm it with the service guard_node/arm')
    guard = {'robot': robot, 'controller': controller, 'armed_at_start': armed, 'simulated': simulated}
    nodes = _arm(settings, controller)
    # a recording that is replayed has no cameras to check
    live = settings.arm in ('real', 'elsewhere') and not settings.use_sim_time
    guard['check_cameras'] = settings.is_true('check_cameras', otherwise=live)
    if guard['check_cameras']:
        nodes.append(_camera_check_node(settings, guard))
    if settings.arm == 'mock' or settings['replay'] or settings['driver'] == 'fci':
        guard['check_driver'] = False  # there is none, or its controller_state says it: it is silent in an error
    if settings['driver'] == 'fci':
        guard['acceleration_limit'] = FCI_ACCELERATION
    if settings.is_true('deadman'):
        guard['deadman_timeout_s'] = DEADMAN_S
    if policy:
        nodes += _policy_nodes(settings, str(policy), guard)
    else:  # nobody paints targets
        nodes.append(NodeEntry('guard_node', {**guard, 'check_targets': False, 'max_target_age_s': 0.0}))
    nodes += _console_nodes(settings)
    if settings.is_true('failures'):
        kept = failure_parameters(settings.values, controller, policy)
        nodes.append(NodeEntry('failure_node', kept, closing_s=CLOSING_S, essential=False))
    if settings['calibration']:
        nodes.append(NodeEntry('calibration_node', {'folder': calibration_folder(settings.values)}, essential=False))
    return nodes + _recording_nodes(settings, controller)


def _arm(settings: Settings, controller: str) -> list[NodeEntry]:
    """Return the node beside a real or mocked arm, or the simulated arm."""
    robot, seed = settings['robot'], settings.integer('seed')
    if settings.arm == 'real':
        if settings['driver'] == 'fci':
            return _franka(settings, controller)
        given = _gripper(settings)
        unmoved = given == 'none' or _gripper_note(settings)
        return [] if unmoved else [NodeEntry('gripper_node', {'robot': robot, **({'gripper': given} if given else {})})]
    if settings.arm == 'mock':
        return [NodeEntry('mirror_node', {**_scene(settings), 'mock_hardware': True})]
    if settings.arm == 'elsewhere':
        return [_replay_node(settings)] if settings['replay'] else []
    factor = settings.number('real_time_factor')
    parameters: dict[str, Any] = {'robot': robot, 'controller': controller, 'seed': seed, 'real_time_factor': factor}
    parameters['task'] = simulated_task(settings.values, settings.policy)
    size = settings['image_size'] or _view_size(settings)
    return [NodeEntry('sim_node', {**parameters, **image_parameters({**settings.values, 'image_size': size})})]


def _franka(settings: Settings, controller: str) -> list[NodeEntry]:
    """Return our own driver of a Franka arm, and the world around it where it is simulated."""
    robot, hand = settings['robot'], _gripper(settings) != 'none'
    arm = {'robot': robot, 'controller': controller, 'robot_ip': settings['robot_ip'], 'hand': hand}
    nodes = [NodeEntry('fci_node', arm, closing_s=FCI_CLOSING_S)]
    if hand:
        hand_of = settings.profile.gripper
        fingers = {'joint': hand_of.joints[0], 'open': hand_of.open_m, 'closed': hand_of.closed_m}
        driver = {'kind': 'gripper_command', 'action': HAND, **fingers}
        nodes.append(NodeEntry('gripper_node', {'robot': robot, 'gripper': _gripper(settings) or json.dumps(driver)}))
    if settings.simulated_fci:
        nodes.append(NodeEntry('mirror_node', {**_scene(settings), 'contacts': True}))
    return nodes


def _scene(settings: Settings) -> dict[str, Any]:
    """Return which simulated objects lie around an arm that another program simulates: those of the recorded task."""
    task = {'task': simulated_task(settings.values, None)} if settings['task'] else {}
    return {'robot': settings['robot'], 'seed': settings.integer('seed'), **task}


def _replay_node(settings: Settings) -> NodeEntry:
    bag = Path(settings['replay']).expanduser().absolute()
    if not bag.exists():
        raise GenimaError(f'replay:={settings["replay"]}: there is no recording {bag}')
    networks = ['policy_node'] if settings['server'] else ['diffusion_node', 'act_node']
    # who must listen before the recording begins
    listeners = [*networks, 'guard_node']
    parameters = {'bag': str(bag), 'rate': settings.number('replay_rate'), 'wait_for': listeners}
    return NodeEntry('replay_node', parameters, ends_stack=True)


def _gripper(settings: Settings) -> str:
    """Return the gripper's driver as text: that of the launch, that of the rig, or nothing for that of the profile."""
    of_rig = dict(settings.rig.gripper) if settings.rig else {}
    return settings['gripper'] or (json.dumps(of_rig) if of_rig else '')


def _gripper_note(settings: Settings) -> str:
    """Return what somebody must know whose gripper nobody moves without his having said so."""
    gripper = settings.profile.gripper
    if settings.arm != 'real' or _gripper(settings) or gripper.drivers or not gripper.joints:
        return ''
    return (
        f'the gripper of {settings["robot"]} stays as it is: its profile names no driver; give one at launch, for example'
        " gripper:='{kind: gripper_command, action: gripper_controller/gripper_cmd, joint: finger_joint, open: 0.0,"
        " closed: 0.8}', or say gripper:=none"
    )


def _view_size(settings: Settings) -> str:
    """Return the size of a policy's views in the form of `image_size`: larger images cost, smaller ones are blurred."""
    if settings.policy is None:
        return ''
    side_px = PolicySpec.load(settings.policy).view_size_px
    return f'{side_px}x{side_px}'


def _camera_check_node(settings: Settings, guard: dict[str, Any]) -> NodeEntry:
    """Return the node that checks the cameras, of the policy where there is one; tell the guard which they are."""
    parameters = {'robot': settings['robot'], 'calibrations': calibration_folder(settings.values)}
    if settings.policy:
        parameters['policy'] = str(settings.policy)
    else:
        guard['cameras'] = parameters['cameras'] = settings['cameras']
    return NodeEntry('camera_check_node', parameters, essential=False)  # without it the guard holds the arm


def _policy_nodes(settings: Settings, policy: str, guard: Mapping[str, Any]) -> list[NodeEntry]:
    networks = {'policy': policy, 'device': settings['device']}
    check_targets = settings.is_true('check_targets')
    nodes = [
        *_networks(settings, networks),
        NodeEntry('guard_node', {'policy': policy, **guard, 'check_targets': check_targets}),
    ]
    if check_targets:
        nodes.append(NodeEntry('target_check_node', {'policy': policy, 'robot': settings['robot']}))
    if settings.is_true('overlay'):
        nodes.append(NodeEntry('overlay_node', {'policy': policy, 'robot': settings['robot']}, essential=False))
    return nodes


def _networks(settings: Settings, networks: Mapping[str, Any]) -> list[NodeEntry]:
    """Return the nodes that make targets and chunks; a policy on another computer has one for both."""
    robot = {'robot': settings['robot']}
    if settings['server']:
        elsewhere = {'server': settings['server'], 'token_file': settings['token_file']}
        return [NodeEntry('policy_node', {**networks, **robot, **elsewhere})]
    return [
        NodeEntry('diffusion_node', {**networks, 'backend': settings['painter_backend']}, QUIET_AND_OFFLINE),
        NodeEntry('act_node', {**networks, **robot, 'backend': settings['controller_backend']}),
    ]


def _console_nodes(settings: Settings) -> list[NodeEntry]:
    deadman = settings.is_true('deadman')
    if not settings.is_true('console'):
        if deadman:
            raise GenimaError('deadman:=true needs console:=true: a browser holds the watch')
        return []
    shown = {'policy': str(settings.policy)} if settings.policy else {'cameras': camera_names(settings.values)}
    port = settings.integer('console_port')
    parameters = {**shown, 'robot': settings['robot'], 'port': port, 'deadman': deadman}
    return [NodeEntry('console_node', parameters, essential=False)]


def _recording_nodes(settings: Settings, controller: str) -> list[NodeEntry]:
    simulated = settings.arm == 'simulated'
    operator = operator_of(settings.values, simulated)
    nodes = []
    if settings.is_true('record'):
        recorder = recorder_parameters(settings.values, operator, controller, simulated)
        # where no policy moves the arm, to record is what the stack is for
        nodes.append(NodeEntry('recorder_node', recorder, closing_s=CLOSING_S, essential=not settings.policy))
    if operator != 'none':
        parameters = operator_parameters(settings.values, operator, settings.integer('seed'), settings.integer('episodes'))
        nodes.append(NodeEntry(OPERATORS[operator], parameters, ends_stack=operator in ('scripted', 'retrace')))
    return nodes
