# SPDX-License-Identifier: Apache-2.0
"""Measures what the console takes and whether the 10 Hz loop feels it: no console, then 0, 1 and 4 browsers."""

import json
import os
import re
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from genima_ros.conversions.messages import seconds as to_seconds
from genima_ros.core import qos

from genima.contract.spec import PolicySpec
from genima.errors import GenimaError
from genima.files import config_dir
from genima_bringup.client_node import ClientNode
from genima_bringup.console_bench.source_node import NAME
from genima_bringup.graph import QUIET_AND_OFFLINE, NodeEntry, Stack
from genima_bringup.processes import StackProcesses
from genima_msgs.msg import NodeStats

PACKAGE = 'genima_bringup.console_bench'
READY_S, SETTLE_S, SPIN_S, LEAVE_S = 180.0, 3.0, 0.05, 15.0
MEMORY = 100_000


class LoopMonitor(ClientNode):
    """Notes when act_node has published its chunks."""

    def __init__(self) -> None:
        super().__init__('console_bench', use_sim_time=False)
        self.published_s: deque[float] = deque(maxlen=MEMORY)
        self._node.create_subscription(NodeStats, 'node_stats', self._on_stats, qos.STATISTICS)

    def _on_stats(self, message: NodeStats) -> None:
        if message.node == 'act_node' and len(message.stages):
            self.published_s.append(to_seconds(message.header.stamp))

    def spin_for(self, duration_s: float) -> None:
        """Listen for so long [s]."""
        end_s = time.monotonic() + duration_s
        while time.monotonic() < end_s:
            self._executor.spin_once(timeout_sec=SPIN_S)

    def wait_for_chunks(self, processes: StackProcesses) -> None:
        """Wait until chunks come.

        Raises:
            GenimaError: if they do not.
        """
        end_s = time.monotonic() + READY_S
        while not self.published_s:
            processes.check()
            if time.monotonic() > end_s:
                raise GenimaError(f'no chunk within {READY_S:.0f} s')
            self._executor.spin_once(timeout_sec=SPIN_S)


def bench_console(
    policy: Path, browsers: Sequence[int | None], seconds: float, width_px: int
) -> Iterator[dict[str, Any]]:
    """Yield one row for each number of browsers; None is the graph without a console.

    Args:
        policy: policy directory; its controller runs the loop, its cameras are published.
        browsers: how many look at once.
        seconds: length of each measurement [s].
        width_px: how wide the browsers show each picture.
    """
    for count in browsers:
        yield _measure(policy, count, seconds, width_px)


def _measure(policy: Path, count: int | None, seconds: float, width_px: int) -> dict[str, Any]:
    """Start the graph anew, let it settle, and measure."""
    addresses: list[str] = []

    def listen(name: str, line: str) -> None:
        if found := re.search(r'console: (http\S+)', line):
            addresses.append(found[1])

    stack = _stack(policy, with_console=count is not None)
    with StackProcesses(stack, write=listen) as processes, LoopMonitor() as monitor:
        monitor.wait_for_chunks(processes)
        people = _people(addresses[0], count, seconds + SETTLE_S, width_px) if count else None
        try:
            monitor.spin_for(SETTLE_S)
            pid = processes.pids().get('console_node')
            cpu_s, began_s = _cpu_s(pid), time.monotonic()
            monitor.published_s.clear()
            monitor.spin_for(seconds)
            cpu_s, elapsed_s = _cpu_s(pid) - cpu_s, time.monotonic() - began_s
            processes.check()
            seen = json.loads(people.communicate(timeout=LEAVE_S)[0]) if people else []
        finally:
            if people is not None and people.poll() is None:
                people.kill()
                people.wait()
    periods_s = np.diff(list(monitor.published_s))
    if not len(periods_s):
        raise GenimaError(f'too few chunks in {seconds:g} s: measure longer')
    errors_ms = 1e3 * np.abs(periods_s - 1.0 / PolicySpec.load(policy).control_rate_hz)
    rates_hz = [n / (seconds + SETTLE_S) for each in seen for view, n in each.items() if view.startswith('camera/')]
    return {
        'browsers': count,
        'cpu_percent': 100.0 * cpu_s / elapsed_s if count is not None else None,
        'period_error_ms_p50': float(np.percentile(errors_ms, 50)),
        'period_error_ms_p99': float(np.percentile(errors_ms, 99)),
        'period_error_ms_max': float(errors_ms.max()),
        'chunks': len(periods_s) + 1,
        'slowest_view_fps': min(rates_hz) if rates_hz else None,
    }


def _stack(policy: Path, with_console: bool) -> Stack:
    where = {'policy': str(policy)}
    unchecked = {'check_driver': False, 'check_targets': False}
    nodes = [
        NodeEntry(NAME, where, package=PACKAGE),
        NodeEntry('act_node', where, QUIET_AND_OFFLINE),
        NodeEntry('guard_node', {**where, 'controller': 'none', 'watch_controller': False, 'simulated': True, **unchecked}),
    ]
    if with_console:
        nodes.append(NodeEntry('console_node', {**where, 'port': 0}))
    return Stack('console bench', config_dir() / 'stacks' / 'hardware.yaml', tuple(nodes))


def _people(address: str, count: int, seconds: float, width_px: int) -> 'subprocess.Popen[str]':
    command = [sys.executable, '-m', f'{PACKAGE}.browsers', address, *map(str, (count, seconds, width_px))]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)


def _cpu_s(pid: int | None) -> float:
    """Return the processor time that a process has used, in user and kernel [s]."""
    if pid is None:
        return 0.0
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')
