# SPDX-License-Identifier: Apache-2.0
"""Cyclone's configuration from ROS 2's environment variables."""

import os
import socket
from xml.sax.saxutils import quoteattr

from rosless.dds.library import DDSError

MAX_PARTICIPANTS = 64  # per host and domain; rmw_cyclonedds allows 33; each one more is one more datagram per announcement
LINGER_MS = 300  # how long leaving waits for acknowledgements, also from peers that were killed; Cyclone: 1 s
_DISCOVERY_RANGES = ('SUBNET', 'LOCALHOST', 'OFF', 'SYSTEM_DEFAULT')


def domain_id(explicit: int | None = None) -> int:
    """Return the DDS domain: the argument, else `ROS_DOMAIN_ID`, else 0.

    Raises:
        DDSError: if it is not an integer in [0, 232].
    """
    text = str(explicit) if explicit is not None else os.environ.get('ROS_DOMAIN_ID') or '0'
    if not text.isdecimal() or int(text) > 232:
        raise DDSError(f'ROS_DOMAIN_ID is {text!r}; it must be an integer from 0 to 232 (0 to 101 are always safe)')
    return int(text)


def cyclone_config() -> str:
    """Return the configuration text for `dds_create_domain`.

    A set `CYCLONEDDS_URI` is handed on untouched. Otherwise one is made from `ROS_AUTOMATIC_DISCOVERY_RANGE`
    (`ROS_LOCALHOST_ONLY=1` counts as LOCALHOST) and `ROS_STATIC_PEERS`, with datagrams large enough for images and the
    largest socket buffer up to 16 MB that the kernel grants. SYSTEM_DEFAULT is SUBNET, and the nodes of this computer
    that are on its loopback only.

    Raises:
        DDSError: if the discovery range is not one that ROS 2 knows.
    """
    if uri := os.environ.get('CYCLONEDDS_URI'):
        return uri
    scope = (os.environ.get('ROS_AUTOMATIC_DISCOVERY_RANGE') or 'SUBNET').upper()
    if scope not in _DISCOVERY_RANGES:
        raise DDSError(f'ROS_AUTOMATIC_DISCOVERY_RANGE is {scope!r}; allowed: {", ".join(_DISCOVERY_RANGES)}')
    local = scope == 'LOCALHOST' or os.environ.get('ROS_LOCALHOST_ONLY') == '1'
    peers = [peer.strip() for peer in os.environ.get('ROS_STATIC_PEERS', '').split(';') if peer.strip()]
    if scope == 'OFF':
        peers = []
    general = '<MaxMessageSize>65500B</MaxMessageSize>'
    if local:
        general += (
            '<Interfaces><NetworkInterface address="127.0.0.1" multicast="false"/></Interfaces>'
            '<AllowMulticast>false</AllowMulticast><FragmentSize>65000B</FragmentSize>'
        )
    else:
        if scope == 'SYSTEM_DEFAULT' and _on_a_network():
            general += (
                '<Interfaces><NetworkInterface autodetermine="true"/>'
                '<NetworkInterface address="127.0.0.1" multicast="false"/></Interfaces>'
            )
        # a fragment fits one Ethernet frame of 9000 bytes and three of 1500: large ones are lost as a whole
        general += f'<FragmentSize>4000B</FragmentSize>{"<AllowMulticast>false</AllowMulticast>" * (scope == "OFF")}'
    peer_list = ''.join(f'<Peer address={quoteattr(peer)}/>' for peer in peers)
    return (
        f'<General>{general}</General>'
        f'<Discovery><ParticipantIndex>auto</ParticipantIndex>'
        f'<MaxAutoParticipantIndex>{MAX_PARTICIPANTS}</MaxAutoParticipantIndex>'
        f'<Peers addLocalhost="{str(scope != "OFF").lower()}">{peer_list}</Peers></Discovery>'
        f'<Internal><SocketReceiveBufferSize max="16MB"/>'
        f'<WriterLingerDuration>{LINGER_MS}ms</WriterLingerDuration></Internal>'
    )


def _on_a_network() -> bool:
    """Return whether multicast leaves this computer; otherwise Cyclone takes the loopback anyway, and once only."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(('239.255.0.1', 7400))  # DDS's own group; nothing is sent
        except OSError:
            return False
        return not probe.getsockname()[0].startswith('127.')
