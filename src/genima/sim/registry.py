# SPDX-License-Identifier: Apache-2.0
"""Simulators by name: ours, those of other packages, and those in another process by their address."""

from importlib.metadata import version

from genima.errors import SimulatorError
from genima.plugins import Plugins
from genima.sim.base import Setup, Simulator
from genima.sim.camera_choice import camera_sources

SERVERS = ('ws', 'wss')
MUJOCO = 'mujoco'
SIMULATORS = Plugins(
    'genima.simulators',
    'simulator',
    SimulatorError,
    {MUJOCO: 'genima.sim.simulation:open_simulation'},
    ('software', 'profile', 'cameras', 'controller', 'reset', 'step_to', 'render', 'state', 'success', 'limit_usage'),
    is_made=True,
    more=('ws://host:port',),
)
"""Each a callable (setup) -> Simulator."""


def open_simulator(address: str, setup: Setup, token: str = '') -> Simulator:
    """Open a simulator.

    Args:
        address: A name; or ws://host:port of one that `genima_client.simulator` serves.
        setup: What it shall show.
        token: Of a server that needs one.

    Raises:
        SimulatorError: if there is none, it is broken, or it refuses.
        GenimaError: if it has no such task, robot or camera.
    """
    if is_served(address):
        from genima.sim.remote import RemoteSimulator

        return RemoteSimulator(address, setup, token)
    simulator: Simulator = SIMULATORS.make(address, setup)
    return simulator


def check_simulator(address: str, cameras: str = '', token: str = '') -> str:
    """Return name and version of a simulator, without building a world; refuse cameras that ours does not have.

    Raises:
        SimulatorError: if there is none.
        GenimaError: if the cameras make no sense.
    """
    if is_served(address):
        from genima.sim.remote import ask_software

        return ask_software(address, token)
    SIMULATORS.get(address)
    if address != MUJOCO:
        return address
    camera_sources(cameras)
    return f'mujoco {version("mujoco")}'


def is_served(address: str) -> bool:
    """Return whether a simulator runs in another process, which has one client at a time."""
    return address.partition('://')[0] in SERVERS
