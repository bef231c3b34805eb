# SPDX-License-Identifier: Apache-2.0
"""A simulator that is not ours, as it stands in an environment of its own: it imports NumPy and genima_client only."""

import sys

import numpy as np

from genima_client.simulator import Camera, Seen, Setup, SimulatorServer

HOME_RAD = np.array([0.0, -0.3, 0.0, -2.2, 0.0, 2.0, 0.8])


class Toy:
    """An arm that is where it was told to be one period ago; the task is done when its first joint has turned by 0.1 rad."""

    software, period_s = 'toy 1.0', 0.05

    def start(self, setup: Setup) -> dict:
        if setup.robot != 'panda' or setup.task not in ('turn', 'pick'):
            raise ValueError(f'toy has no task {setup.task} for {setup.robot}')
        self.setup = setup
        K = np.array([[60.0, 0, 31.5], [0, 60, 31.5], [0, 0, 1]])
        return {name: Camera(K, np.eye(4)) for name in setup.cameras or {'front': 'front'}}

    def reset(self, seed: int) -> Seen:
        rng = np.random.default_rng(seed)
        self.q_rad, self.gripper_open = HOME_RAD + rng.uniform(-0.01, 0.01, 7), 1.0
        self.began_rad, self.cube = self.q_rad, np.eye(4)
        self.cube[:3, 3] = rng.uniform([0.4, -0.1, 0.02], [0.6, 0.1, 0.02])
        return self._seen()

    def step(self, q_rad: np.ndarray, v_rad_s: np.ndarray, gripper_open: float) -> Seen:
        self.q_rad, self.gripper_open = q_rad[-1], gripper_open
        return self._seen()

    def render(self) -> dict:
        shade = np.uint8(127 + 100 * np.sin(self.q_rad[0]))
        shape = self.setup.height_px, self.setup.width_px, 3
        return {name: np.full(shape, shade) for name in self.setup.cameras or {'front': 'front'}}

    def _seen(self) -> Seen:
        turned_rad = float(abs(self.q_rad - self.began_rad)[0])
        return Seen(self.q_rad, self.gripper_open, turned_rad > 0.1, {'cube': self.cube}, {'turned_rad': turned_rad})


if __name__ == '__main__':
    server = SimulatorServer(Toy(), port=0, token=sys.argv[1] if len(sys.argv) > 1 else '')
    assert 'genima' not in sys.modules and 'mujoco' not in sys.modules
    print(server.port, flush=True)
    server.serve_forever()
