# SPDX-License-Identifier: Apache-2.0
"""`genima view` beside a graph that runs: what the nodes say is in the file."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from genima_ros.conversions.messages import stamp
from genima_ros.conversions.trajectories import chunk_message
from genima_ros.core import qos

from genima.chunks.plan import Chunk
from genima.robots.profile import RobotProfile
from genima_msgs.msg import ActionChunk, GuardStatus

pytestmark = pytest.mark.skipif(find_spec('rerun') is None, reason='genima[view] is not installed')
PANDA = RobotProfile.load('panda')


def test_a_running_graph_is_shown_and_left_alone(start: Callable, probe, tmp_path: Path) -> None:  # type: ignore[no-untyped-def, type-arg]
    from rerun.chunk import RrdReader

    chunks = probe.create_publisher(ActionChunk, 'action_chunk', qos.COMMAND)
    guard = probe.create_publisher(GuardStatus, 'guard/status', qos.LATCHED)
    start('sim_node', pace=False).wait_for('simulated panda', 60.0)
    out = tmp_path / 'live.rrd'
    command = [sys.executable, '-m', 'genima.cli.main', 'view', '--save', str(out)]
    viewer = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=dict(os.environ))
    try:
        probe.spin_until(lambda: chunks.get_subscription_count() or viewer.poll() is not None, 90.0)
        for _ in range(15):
            status = GuardStatus(state='moving', armed=True)
            status.header.stamp = stamp(1.0)
            guard.publish(status)
            chunks.publish(chunk_message(Chunk(1.0, 0.1, np.tile(PANDA.home_rad, (16, 1)), np.ones(16)), PANDA, 'any'))
            probe.spin_for(0.2)
        viewer.send_signal(signal.SIGINT)  # Ctrl-C is the usual end
        viewer.wait(30.0)
    finally:
        viewer.kill()
    words = viewer.stdout.read()
    assert viewer.returncode == 0 and f'written to {out}' in ''.join(words.split('\n')), words
    entities = {chunk.entity_path.lstrip('/') for chunk in RrdReader(out).stream()}
    cameras = {f'cameras/{name}/picture' for name in ('wrist', 'front', 'right_shoulder', 'left_shoulder')}
    wanted = {'guard/state', 'intention/path', 'joints/panda_joint1/measured', 'robot/panda_link0/cube', *cameras}
    assert wanted <= entities, f'missing: {sorted(wanted - entities)}\n{words}'


def test_silence_is_said(node_environment: None, tmp_path: Path) -> None:
    command = [sys.executable, '-m', 'genima.cli.main', 'view', '--seconds', '0.5', '--save', str(tmp_path / 'live.rrd')]
    environment = {**os.environ, 'ROS_DOMAIN_ID': '101'}
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    assert result.returncode == 1 and 'no node said anything' in result.stderr and 'Traceback' not in result.stderr
    assert not list(tmp_path.iterdir())
