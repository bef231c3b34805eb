# SPDX-License-Identifier: Apache-2.0
"""Packets that the kernel drops are counted, those of this process only."""

import socket
import sys
from pathlib import Path

import pytest

from genima.recording.sockets import DroppedPackets

SENT, SIZE_BYTES = 400, 4096


def _flood(receiver: socket.socket) -> int:
    """Send more than a receive buffer holds and return how many packets are not there."""
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    receiver.bind(('127.0.0.1', 0))
    receiver.settimeout(0.2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(SENT):
            sender.sendto(bytes(SIZE_BYTES), receiver.getsockname())
    came = 0
    while True:
        try:
            came += bool(receiver.recv(SIZE_BYTES))
        except TimeoutError:
            return SENT - came


@pytest.mark.skipif(sys.platform != 'linux', reason='other systems do not tell')
def test_packets_that_nobody_took_in_time_are_counted() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        packets = DroppedPackets()
        assert packets.count == 0
        lost = _flood(receiver)
        assert lost > 0 and packets.count == lost == packets.count
        packets.begin()
        assert packets.count == 0
    assert packets.count == 0, 'a socket that was closed takes nothing back'


def test_other_processes_and_other_systems_count_nothing(tmp_path: Path) -> None:
    assert DroppedPackets(tmp_path).count == 0
    (tmp_path / 'net').mkdir()
    (tmp_path / 'fd').mkdir()
    head = ' sl local_address rem_address st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode ref pointer drops\n'
    row = '  7: 00000000:1D12 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 {} 2 ffff {}\n'
    (tmp_path / 'net' / 'udp').write_text(head + row.format(11, 9) + row.format(12, 9) + '  odd\n')
    (tmp_path / 'fd' / '3').symlink_to('socket:[12]')
    (tmp_path / 'fd' / '4').symlink_to('/dev/null')
    packets = DroppedPackets(tmp_path)
    (tmp_path / 'net' / 'udp').write_text(head + row.format(11, 90) + row.format(12, 13))
    assert packets.count == 4
