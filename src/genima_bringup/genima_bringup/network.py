# SPDX-License-Identifier: Apache-2.0
"""Who can hear the nodes of a stack: a simulated arm is heard on this computer only, unless somebody says otherwise."""

import os

from genima.errors import GenimaError

# whoever has set one of these has decided
OF_USER = (
    'ROS_AUTOMATIC_DISCOVERY_RANGE', 'ROS_LOCALHOST_ONLY', 'ROS_STATIC_PEERS', 'ROS_DISCOVERY_SERVER', 'CYCLONEDDS_URI',
    'FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE', 'ZENOH_SESSION_CONFIG_URI',
)  # fmt: skip
CONFIGURATIONS = OF_USER[4:]
"""These name a configuration of the middleware itself, which goes before what ROS 2 says."""


def network_environment(choice: str, simulated: bool) -> dict[str, str]:
    """Return the variables that decide who hears the nodes.

    Args:
        choice: 'loopback', 'lan', or nothing: loopback for a simulated arm where this shell has not decided.
        simulated: Nothing of the stack is a real robot.

    Raises:
        GenimaError: if loopback is asked for beside a configuration that decides otherwise.
    """
    chosen = [name for name in OF_USER if os.environ.get(name)]
    if choice == 'lan':
        older = {'ROS_LOCALHOST_ONLY': '0'} if 'ROS_LOCALHOST_ONLY' in chosen else {}  # Jazzy warns of it
        return {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'SUBNET', **older}
    if not choice and (chosen or not simulated):
        return {}
    if stronger := [name for name in CONFIGURATIONS if name in chosen]:
        raise GenimaError(
            f'network:=loopback, and {stronger[0]} is set, whose file decides: unset it, or leave network away'
        )
    if os.environ.get('ROS_DISTRO') == 'humble':  # it does not know the other one; later ones warn of this one
        return {'ROS_LOCALHOST_ONLY': '1'}
    return {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}


def network_note(real: bool) -> str:
    """Return advice for a real robot whose nodes the whole network hears; empty where somebody has decided."""
    if not real or any(os.environ.get(name) for name in (*OF_USER, 'ROS_DOMAIN_ID')):
        return ''
    return (
        'everybody on this network hears and can command this robot (DDS domain 0): give it a ROS_DOMAIN_ID and a network'
        ' interface of its own, see docs/safety/dds.md'
    )
