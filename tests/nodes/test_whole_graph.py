# SPDX-License-Identifier: Apache-2.0
"""The whole graph as a user starts it, with networks that learned nothing."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from genima_bringup.episode_client import GraphMonitor
from genima_bringup.graph import stack
from genima_bringup.processes import LaunchError, StackProcesses
from genima_ros.core import qos

from genima.contract.spec import PolicySpec
from genima_msgs.msg import GuardStatus, NodeStats


def test_episodes_run_and_a_dead_painter_stops_the_arm(probe, policy: Path) -> None:  # type: ignore[no-untyped-def]
    statuses = probe.listen(GuardStatus, 'guard/status', qos.LATCHED)
    stats = probe.listen(NodeStats, 'node_stats', qos.RELIABLE)
    output: list[str] = []
    spec = PolicySpec.load(policy)
    # a painter that learned nothing paints no spheres
    table = stack('franka', {'policy': str(policy), 'armed': 'false', 'check_targets': 'false'})
    processes = StackProcesses(table, {'sim_node': {'episode_s': 2.0}}, write=lambda name, line: output.append(line))
    with processes, GraphMonitor(spec, processes.check, episodes_with_frames=1) as monitor:
        monitor.wait_until_ready(60.0)
        first, second = (monitor.run_episode(seed, 60.0) for seed in (7, 8))
        record = monitor.record

        os.kill(processes.pids()['diffusion_node'], 9)
        probe.spin_until(lambda: any(message.ticks_without_input for message in stats[-5:]), 20.0)
        why = ('no usable chunk', 'no fresh target image')  # whichever is noticed first
        probe.spin_until(
            lambda: statuses[-1].state != 'moving' and any(each in ''.join(statuses[-1].reasons) for each in why)
        )
        with pytest.raises(LaunchError, match='diffusion_node ended with exit code -9'):
            processes.check()
        started_s = time.monotonic()
        processes.stop()
        assert time.monotonic() - started_s < 3.0

    assert [first.seed, second.seed] == [7, 8]
    assert not first.success and not first.timed_out
    assert first.elapsed_s == pytest.approx(2.0, abs=0.5)
    assert len(first.chunks) >= 10
    assert first.q_rad.shape[1] == 7 and len(first.q_rad) > 50
    assert first.frames[-1].views.shape == (4, 128, 128, 3) == first.frames[-1].target.shape
    assert not second.frames, 'pictures of the first episode only'
    assert max(first.limits.values()) < 1.0, first.limits
    assert not np.allclose(first.object_pose[0], second.object_pose[0]), 'another seed, another scene'
    assert record.ticks >= 40
    assert record.ticks_without_input == 0, '\n'.join(output)
    assert np.percentile(np.abs(record.period_errors_s(10.0)), 50) < 0.011
    assert {'diffusion_node.paint', 'act_node.act'} <= set(record.timing_ms)
    assert not any('Traceback' in line for line in output), '\n'.join(output)


def test_a_robot_that_does_not_match_is_refused_before_anything_starts(node_environment: None, policy: Path) -> None:
    command = [sys.executable, '-m', 'genima.cli.main', 'up', 'franka', 'robot:=ur5e', '--policy', str(policy)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert 'the policy was trained for robot panda' in result.stderr.replace('\n', ' ') and 'sim_node' not in result.stdout
    assert 'Traceback' not in result.stdout + result.stderr
