# SPDX-License-Identifier: Apache-2.0
"""A Python with no more than a plain ROS 2 has: stubs of launch take the launch files' word. Run by test_launch_path.

`python -I -S plain_ros.py '{"path": [...], "prefix": "...", "file": "...", "argv": [...], "arguments": {...}}'`
"""

import importlib.util
import json
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

NAMES = {
    'launch': ('LaunchContext', 'LaunchDescription', 'LaunchDescriptionEntity'),
    'launch.actions': (
        'DeclareLaunchArgument', 'GroupAction', 'IncludeLaunchDescription', 'LogInfo', 'OpaqueFunction',
        'RegisterEventHandler', 'SetEnvironmentVariable', 'Shutdown', 'TimerAction',
    ),
    'launch.event_handlers': ('OnProcessExit', 'OnShutdown'),
    'launch.events': (),
    'launch.events.process': ('ProcessExited',),
    'launch.launch_description_sources': ('PythonLaunchDescriptionSource',),
    'launch.substitutions': ('LaunchConfiguration',),
    'launch_ros': (),
    'launch_ros.actions': ('Node', 'PushRosNamespace'),
    'launch_ros.parameter_descriptions': ('ParameterValue',),
    'ament_index_python': (),
    'ament_index_python.packages': ('get_package_prefix', 'get_package_share_directory'),
}  # fmt: skip


class Recorded:
    """Keeps what it was made with."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args, self.kwargs = args, kwargs

    def perform(self, context: Any) -> str:
        """Return a launch configuration."""
        return str(context.launch_configurations[self.args[0]])


def main(case: dict[str, Any]) -> dict[str, Any]:
    """Load a launch file as `ros2 launch` does, let it start, and return what it wants and what it imported."""
    sys.path[:0] = case['path']
    for module, classes in NAMES.items():
        sys.modules[module] = ModuleType(module)
        vars(sys.modules[module]).update({name: type(name, (Recorded,), {}) for name in classes})
    packages: Any = sys.modules['ament_index_python.packages']
    packages.PackageNotFoundError = type('PackageNotFoundError', (KeyError,), {})
    packages.get_package_prefix = packages.get_package_share_directory = lambda name: case['prefix']
    before = set(sys.modules)
    spec = importlib.util.spec_from_file_location('launch_file', case['file'])
    assert spec is not None and spec.loader is not None
    launch_file = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(launch_file)
    sys.argv = case['argv']
    declared, (opaque,) = (launch_file.generate_launch_description().args[0][i] for i in (slice(-1), slice(-1, None)))
    defaults = {each.args[0]: each.kwargs['default_value'] for each in declared}
    context = SimpleNamespace(launch_configurations={**defaults, **case['arguments']}, is_shutdown=False)
    answer: dict[str, Any] = {'arguments': sorted(defaults)}
    try:
        actions = opaque.kwargs['function'](context, *opaque.kwargs['args'])
    except sys.modules['genima_bringup.planned'].PlanError as error:  # type: ignore[attr-defined]
        return {**answer, 'error': str(error)}
    nodes = [each.kwargs for each in actions if type(each).__name__ == 'Node']
    imported = {name.split('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)
    ranges = {node['additional_env'].get('ROS_AUTOMATIC_DISCOVERY_RANGE') for node in nodes}
    answer['ranges'] = sorted(filter(None, ranges))
    return {**answer, 'nodes': [node['name'] for node in nodes], 'imported': sorted(imported - {'launch_file'})}


if __name__ == '__main__':
    print(json.dumps(main(json.loads(sys.argv[1]))))
