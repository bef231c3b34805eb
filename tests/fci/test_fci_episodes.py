# SPDX-License-Identifier: Apache-2.0
"""Pick episodes of the whole graph on the simulated FCI; GENIMA_FCI_EPISODES says how many, 2 by default."""

import os
import time

import pytest
from fci_rig import FciRig

from genima.fci.simulated import SimulatedFci

pytestmark = pytest.mark.fci


def test_pick_episodes_without_a_reflex(node_environment: None, simulated_fci: SimulatedFci) -> None:
    episodes = int(os.environ.get('GENIMA_FCI_EPISODES', '2'))
    with FciRig(simulated_fci) as rig:
        rig.ready()
        assert rig.guard is not None and not rig.guard.armed, 'a real arm starts disarmed'
        begun_s, robot_s = time.monotonic(), rig.now_s
        outcomes = []
        for seed in range(episodes):
            outcomes.append(rig.pick(seed))
            speed = (rig.now_s - robot_s) / (time.monotonic() - begun_s)
            print(f'episode {seed}: {outcomes[-1]}, {rig.now_s - robot_s:.1f} s at {speed:.2f} of real time', flush=True)
            assert not rig.reflexes, '\n'.join([*rig.reflexes, *rig.output[-20:]])
        # on a computer that is too busy the guard holds the arm, and the episode ends without the cube
        assert sum(lifted for lifted, _ in outcomes) >= 0.5 * episodes, '\n'.join([str(outcomes), *rig.output[-20:]])
