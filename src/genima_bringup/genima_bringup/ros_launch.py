# SPDX-License-Identifier: Apache-2.0
"""The table of nodes as a ROS 2 launch description.

The Python of `ros2` runs this, and it has ROS's own packages only: another one works the table out (`planned`).
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import yaml
from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity  # type: ignore[attr-defined]
from launch.actions import (
    DeclareLaunchArgument,
    GroupAction,
    IncludeLaunchDescription,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
    SetEnvironmentVariable,
    Shutdown,
    TimerAction,
)
from launch.event_handlers import OnProcessExit, OnShutdown
from launch.events.process import ProcessExited
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node, PushRosNamespace
from launch_ros.parameter_descriptions import ParameterValue

from genima_bringup.arguments import ARGUMENTS
from genima_bringup.planned import PlanError, plan, refuse_unknown
from genima_bringup.table import RESPAWN_S, RESPAWNS, DriverLaunch, MockHardware, NodeEntry, Stack

SIGTERM_S = 5.0  # launch's own default
STOP_S = 1.0  # the guard needs half of it to bring the arm to rest, the driver must live until then


def describe(stack: str) -> LaunchDescription:
    """Return a launch description of a stack with all launch arguments."""
    arguments = [
        DeclareLaunchArgument(
            item.name, default_value=item.default, description=item.description, choices=list(item.choices) or None
        )
        for item in ARGUMENTS
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=_start, args=[stack])])


def _start(context: LaunchContext, stack: str) -> list[LaunchDescriptionEntity]:
    refuse_unknown(sys.argv)
    table = plan(stack, {item.name: LaunchConfiguration(item.name).perform(context) for item in ARGUMENTS})
    actions: list[LaunchDescriptionEntity] = [LogInfo(msg=f'WARNING: {note}') for note in table.notes]
    beside: list[LaunchDescriptionEntity] = [] if table.driver is None else _driver(table.driver)
    beside += [] if table.mock is None else _mock(table.mock)
    if beside:  # in a group, so that its launch configurations do not become ours, nor our environment everybody's
        around = [SetEnvironmentVariable(name, value) for name, value in table.environment.items()]
        around += [PushRosNamespace(table.namespace)] if table.namespace else []
        actions.append(GroupAction([*around, *beside]))
    if table.rviz:
        actions.append(_rviz(table))
    return actions + [action for entry in table.nodes for action in _node(table, entry, RESPAWNS)]


def _node(table: Stack, entry: NodeEntry, respawns: int) -> list[LaunchDescriptionEntity]:
    node = Node(
        package=entry.package,
        executable=entry.name,
        name=entry.name,
        namespace=table.namespace,  # never None: launch_ros would not name the node in its file, and ours would not win
        parameters=[*table.parameter_files, _typed(entry.parameters)],
        remappings=[*entry.remappings.items(), *table.remappings.items()],
        ros_arguments=table.ros_arguments(entry) or None,
        additional_env={**table.environment, **entry.environment},
        output='screen',
        sigterm_timeout=str(SIGTERM_S + entry.closing_s),
    )

    def on_exit(event: ProcessExited, context: LaunchContext) -> list[LaunchDescriptionEntity]:
        if context.is_shutdown:
            return []
        if not entry.essential:
            return _helper_ended(event, table, entry, respawns)
        return _ended(event)

    return [node, RegisterEventHandler(OnProcessExit(target_action=node, on_exit=on_exit))]


def _typed(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters whose texts stay texts: launch_ros reads them as YAML, and some of ours are JSON or all digits."""
    return {
        name: ParameterValue(value, value_type=str) if isinstance(value, str) else value
        for name, value in parameters.items()
    }


def _ended(event: ProcessExited) -> list[LaunchDescriptionEntity]:
    """Let a node that the stack cannot do without take the others along, once the guard has stopped the arm."""
    if event.returncode == 0:
        return [TimerAction(period=STOP_S, actions=[Shutdown(reason=f'{event.process_name} is done')])]
    return [TimerAction(period=STOP_S, actions=[OpaqueFunction(function=_give_up, args=[event])])]


def _give_up(context: LaunchContext, event: ProcessExited) -> None:
    raise PlanError(f'{event.process_name} ended with exit code {event.returncode}; ending the others')


def _helper_ended(
    event: ProcessExited, table: Stack, entry: NodeEntry, respawns: int
) -> list[LaunchDescriptionEntity]:
    """Go on without a helper, and start it again if it failed, a few times."""
    text = f'{entry.name} ended with exit code {event.returncode}; the others go on'
    if event.returncode == 0 or not respawns:
        said = LogInfo(msg=f'{text} without it')
        return [TimerAction(period=STOP_S, actions=[said])]  # Ctrl-C reaches the nodes before it reaches launch
    again = _node(table, entry, respawns - 1)
    return [LogInfo(msg=f'WARNING: {text}, it is started again'), TimerAction(period=RESPAWN_S, actions=again)]


def _driver(driver: DriverLaunch) -> list[LaunchDescriptionEntity]:
    try:
        path = Path(get_package_share_directory(driver.package)) / 'launch' / driver.launch
    except PackageNotFoundError as error:
        raise PlanError(
            f'the driver package {driver.package} is not installed; install it, or start the driver elsewhere and pass '
            'launch_driver:=false'
        ) from error
    source = PythonLaunchDescriptionSource(str(path))
    include = IncludeLaunchDescription(source, launch_arguments=list(driver.arguments.items()))
    return [include, *([_spawner(driver.spawn, driver.controllers)] if driver.spawn else [])]


def _mock(mock: MockHardware) -> list[LaunchDescriptionEntity]:
    with NamedTemporaryFile('w', prefix='genima-mock-', suffix='.yaml', delete=False) as file:
        yaml.safe_dump(mock.parameters, file)
    # robot_description comes from mirror_node, on the topic
    manager = Node(package='controller_manager', executable='ros2_control_node', parameters=[file.name], output='screen')
    parameters = Path(file.name)
    tidy = RegisterEventHandler(OnShutdown(on_shutdown=lambda event, context: parameters.unlink(missing_ok=True)))
    return [manager, _spawner(mock.spawn, parameters), tidy]


def _rviz(table: Stack) -> Node:
    """Return RViz; it is no part of the stack: the arm goes on when somebody closes the window."""
    assert table.rviz is not None
    try:
        get_package_share_directory('rviz2')
    except PackageNotFoundError as error:
        raise PlanError(
            'rviz:=true: RViz is not installed here; sudo apt install ros-$ROS_DISTRO-rviz2, or run it on another'
            ' machine in the same network'
        ) from error
    return Node(
        package='rviz2',
        executable='rviz2',
        name='rviz2',
        namespace=table.namespace,
        arguments=['-d', str(table.rviz.config), '-f', table.rviz.frame],
        parameters=[*table.parameter_files],  # whether time is simulated
        remappings=list(table.remappings.items()),
        additional_env=table.environment,
        output='log',
    )


def _spawner(controllers: Sequence[str], parameters: Path) -> Node:
    return Node(
        package='controller_manager',
        executable='spawner',
        arguments=[*controllers, '--param-file', str(parameters)],
        output='screen',
    )
