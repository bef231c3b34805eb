# SPDX-License-Identifier: Apache-2.0
"""What a launcher needs to know of a stack; plain data, so that it travels as JSON to the Python of `ros2`.

This module is imported by the Python of `ros2`, which has ROS's own packages only.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

THREADS = dict.fromkeys(('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'NUMBA_NUM_THREADS', 'LP_NUM_THREADS'), '1')
RESPAWNS = 3
"""How often a helper is started again."""
RESPAWN_S = 2.0
ENCLAVES = '/genima'
"""Security enclaves of the nodes, as in config/security/policy.xml."""


@dataclass(frozen=True)
class NodeEntry:
    """One node of a stack.

    Attributes:
        name: of the node, and of its executable and its module in the package.
        parameters: that win over the parameter files.
        environment: variables for its process.
        remappings: of its topics and services; they go before those of the stack.
        package: that has the node.
        closing_s: what it may need to end, on top of what every node may: it has something to write.
        ends_stack: when it ends by itself, all is done, and the other nodes end, too.
        essential: the stack cannot go on without it; others are helpers, started again `RESPAWNS` times when they fail.
    """

    name: str
    parameters: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=lambda: dict(THREADS))
    remappings: dict[str, str] = field(default_factory=dict)
    package: str = 'genima_ros'
    closing_s: float = 0.0
    ends_stack: bool = False
    essential: bool = True

    @property
    def module(self) -> str:
        """Module that `python -m` runs."""
        return f'{self.package}.{self.name}'


@dataclass(frozen=True)
class DriverLaunch:
    """A launch file of a driver, and the controllers that are spawned beside it.

    Attributes:
        package: that has the launch file, and `launch`, its name.
        arguments: of the launch file.
        controllers: parameter file of the controllers.
        spawn: names of the controllers to load and activate.
    """

    package: str
    launch: str
    arguments: dict[str, str]
    controllers: Path
    spawn: tuple[str, ...]


@dataclass(frozen=True)
class MockHardware:
    """ros2_control's mock hardware: the parameters of its nodes, and the names of the controllers to activate."""

    parameters: dict[str, Any]
    spawn: tuple[str, ...]


@dataclass(frozen=True)
class Rviz:
    """What RViz shows: its configuration, and the frame that all stands in."""

    config: Path
    frame: str


@dataclass(frozen=True)
class Stack:
    """Everything that a launcher needs.

    Attributes:
        name: of the stack.
        parameter_file: of all nodes.
        nodes: that are started, in this order.
        driver, mock, rviz: what stands beside them; only `ros2 launch` can start it.
        own_parameters: the user's file of parameters; it wins over `parameter_file`.
        namespace: of all nodes; empty: where they are started.
        remappings: of topics, for all nodes.
        log_level: of all nodes; empty: the usual one.
        environment: variables for all processes; those of a node go before.
        notes: what somebody should read who starts this.
    """

    name: str
    parameter_file: Path
    nodes: tuple[NodeEntry, ...]
    driver: DriverLaunch | None = None
    mock: MockHardware | None = None
    rviz: Rviz | None = None
    own_parameters: Path | None = None
    namespace: str = ''
    remappings: dict[str, str] = field(default_factory=dict)
    log_level: str = ''
    environment: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def parameter_files(self) -> tuple[str, ...]:
        """The parameter files, the one that wins last."""
        return (str(self.parameter_file), *([str(self.own_parameters)] if self.own_parameters else []))

    def ros_arguments(self, entry: NodeEntry) -> list[str]:
        """Return what else a node is told: how much it logs, and its enclave where SROS2 is on."""
        level = ['--log-level', self.log_level] if self.log_level else []
        secured = os.environ.get('ROS_SECURITY_ENABLE') == 'true'
        return level + (['--enclave', f'{ENCLAVES}/{entry.name}'] if secured else [])

    def to_dict(self) -> dict[str, Any]:
        """Return values that JSON knows."""
        return _plain(asdict(self))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> 'Stack':
        """Return the stack that `to_dict` was called on."""
        driver, mock, rviz, own = (data[name] for name in ('driver', 'mock', 'rviz', 'own_parameters'))
        replaced: dict[str, Any] = {
            'parameter_file': Path(data['parameter_file']),
            'own_parameters': Path(own) if own else None,
            'nodes': tuple(NodeEntry(**each) for each in data['nodes']),
            'notes': tuple(data['notes']),
        }
        if driver:
            paths = {'controllers': Path(driver['controllers']), 'spawn': tuple(driver['spawn'])}
            replaced['driver'] = DriverLaunch(**{**driver, **paths})
        if mock:
            replaced['mock'] = MockHardware(mock['parameters'], tuple(mock['spawn']))
        if rviz:
            replaced['rviz'] = Rviz(Path(rviz['config']), rviz['frame'])
        return cls(**{**data, **replaced})


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value
