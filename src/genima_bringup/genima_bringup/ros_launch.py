# SPDX-License-Identifier: Apache-2.0
"""The table of nodes as a ROS 2 launch description."""

from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity  # type: ignore[attr-defined]
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction, RegisterEventHandler
from launch.event_handlers import OnProcessExit
from launch.events.process import ProcessExited
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from genima.errors import GenimaError
from genima_bringup import graph
from genima_bringup.drivers import DriverLaunch


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
        )
        actions += [node, RegisterEventHandler(OnProcessExit(target_action=node, on_exit=_ended))]
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
    spawner = Node(
        package='controller_manager',
        executable='spawner',
        arguments=[*driver.spawn, '--param-file', str(driver.controllers)],
        output='screen',
    )
    return [IncludeLaunchDescription(source, launch_arguments=list(driver.arguments.items())), spawner]


def _ended(event: ProcessExited, context: LaunchContext) -> None:
    """A stack is whole or it is nothing: a node that ends takes the others along."""
    if not context.is_shutdown:
        raise GenimaError(f'{event.process_name} ended with exit code {event.returncode}; ending the others')
