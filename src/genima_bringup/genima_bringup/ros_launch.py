# SPDX-License-Identifier: Apache-2.0
"""The table of nodes as a ROS 2 launch description."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile

import yaml
from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity  # type: ignore[attr-defined]
from launch.actions import (
    DeclareLaunchArgument,
    IncludeLaunchDescription,
    OpaqueFunction,
    RegisterEventHandler,
    Shutdown,
    TimerAction,
)
from launch.event_handlers import OnProcessExit, OnShutdown
from launch.events.process import ProcessExited
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from genima.errors import GenimaError
from genima.files import config_dir
from genima_bringup import graph
from genima_bringup.drivers import DriverLaunch
from genima_bringup.mock import BROADCASTER, mock_parameters

SIGTERM_S = 5.0  # launch's own default
STOP_S = 1.0  # the guard needs half of it to bring the arm to rest, the driver must live until then


def describe(stack: str) -> LaunchDescription:
    """Return a launch description of a stack with all arguments of the table."""
    arguments = [
        DeclareLaunchArgument(item.name, default_value=item.default, description=item.description)
        for item in graph.ARGUMENTS
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=_start, args=[stack])])


def _start(context: LaunchContext, stack: str) -> list[LaunchDescriptionEntity]:
    values = {item.name: LaunchConfiguration(item.name).perform(context) for item in graph.ARGUMENTS}
    table = graph.stack(stack, values)
    actions: list[LaunchDescriptionEntity] = [] if table.driver is None else _driver(table.driver)
    if table.mock_robot:
        actions += _mock(table.mock_robot)
    if table.rviz_frame:
        actions.append(_rviz(table))
    for entry in table.nodes:
        node = Node(
            package=entry.package,
            executable=entry.name,
            name=entry.name,
            namespace='',  # with it, launch_ros names the node in its parameter file, and ours does not win
            parameters=[str(table.parameter_file), entry.parameters],
            remappings=list(entry.remappings.items()),
            additional_env=entry.environment,
            output='screen',
            sigterm_timeout=str(SIGTERM_S + entry.closing_s),
        )
        on_exit = _done if entry.ends_stack else _ended
        actions += [node, RegisterEventHandler(OnProcessExit(target_action=node, on_exit=on_exit))]
    return actions


def _driver(driver: DriverLaunch) -> list[LaunchDescriptionEntity]:
    try:
        path = Path(get_package_share_directory(driver.package)) / 'launch' / driver.launch
    except PackageNotFoundError as error:
        raise GenimaError(
            f'the driver package {driver.package} is not installed; install it, or start the driver elsewhere and pass '
            'launch_driver:=false'
        ) from error
    source = PythonLaunchDescriptionSource(str(path))
    include = IncludeLaunchDescription(source, launch_arguments=list(driver.arguments.items()))
    return [include, *([_spawner(driver.spawn, driver.controllers)] if driver.spawn else [])]


def _mock(robot: str) -> list[LaunchDescriptionEntity]:
    controller = graph.controller_name(robot)
    with NamedTemporaryFile('w', prefix='genima-mock-', suffix='.yaml', delete=False) as file:
        yaml.safe_dump(mock_parameters(robot, controller), file)
    # robot_description comes from mirror_node, on the topic
    manager = Node(package='controller_manager', executable='ros2_control_node', parameters=[file.name], output='screen')
    parameters = Path(file.name)
    tidy = RegisterEventHandler(OnShutdown(on_shutdown=lambda event, context: parameters.unlink(missing_ok=True)))
    return [manager, _spawner((BROADCASTER, controller), parameters), tidy]


def _rviz(table: graph.Stack) -> Node:
    """Return RViz; it is no part of the stack: the arm goes on when somebody closes the window."""
    try:
        get_package_share_directory('rviz2')
    except PackageNotFoundError as error:
        raise GenimaError(
            'rviz:=true: RViz is not installed here; sudo apt install ros-$ROS_DISTRO-rviz2, or run it on another'
            ' machine in the same network'
        ) from error
    view = config_dir() / 'rviz' / 'genima.rviz'
    return Node(
        package='rviz2',
        executable='rviz2',
        name='rviz2',
        arguments=['-d', str(view), '-f', table.rviz_frame],
        parameters=[str(table.parameter_file)],  # whether time is simulated
        output='log',
    )


def _spawner(controllers: Sequence[str], parameters: Path) -> Node:
    return Node(
        package='controller_manager',
        executable='spawner',
        arguments=[*controllers, '--param-file', str(parameters)],
        output='screen',
    )


def _ended(event: ProcessExited, context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """A stack is whole or it is nothing: a node that ends takes the others along, once the guard has stopped the arm."""
    if context.is_shutdown:
        return []
    return [TimerAction(period=STOP_S, actions=[OpaqueFunction(function=_give_up, args=[event])])]


def _done(event: ProcessExited, context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """The node that ends when all is done takes the others along, and that is no error."""
    if event.returncode != 0 or context.is_shutdown:
        return _ended(event, context)
    return [TimerAction(period=STOP_S, actions=[Shutdown(reason=f'{event.process_name} is done')])]


def _give_up(context: LaunchContext, event: ProcessExited) -> None:
    raise GenimaError(f'{event.process_name} ended with exit code {event.returncode}; ending the others')
