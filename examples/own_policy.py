# SPDX-License-Identifier: Apache-2.0
"""A policy that is not ours: it finds the most similar moment of a demonstration, and answers with what came next.

    genima collect --episodes 2 --out data/pick
    python examples/own_policy.py             # ask it here
    python examples/own_policy.py --serve     # or serve it, as `genima serve` does: then examples/ask_server.py
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import typer

from genima import Chunk, Observation, Policy, PolicySpec, RobotProfile, read_episode
from genima.episodes.store import list_episodes
from genima.policy.server import PolicyServer


class NearestDemonstration:
    """A `Policy`: what a class needs is `spec`, `targets`, `reset` and `infer`."""

    targets = None  # it paints nothing

    def __init__(self, folder: Path) -> None:
        """Read the joints of all demonstrations."""
        episodes = [read_episode(path, images=False) for path in list_episodes(folder)]
        robot = episodes[0].metadata['robot']
        self.spec = replace(PolicySpec.from_recipe('small', RobotProfile.load(robot)), spheres=(), hidden={})
        intended = [episode.intended(self.spec.chunk_steps) for episode in episodes]
        self._q_rad = np.concatenate([episode.q_rad for episode in episodes])
        self._next_q_rad = np.concatenate([q_rad for q_rad, _ in intended])  # (N, T, n)
        self._next_gripper_open = np.concatenate([gripper_open for _, gripper_open in intended])  # (N, T)

    def reset(self) -> None:
        """Forget the episode so far; there is nothing to forget."""

    def infer(self, observation: Observation, instruction: str | None = None) -> Chunk:
        """Return what followed where the joints were most similar."""
        nearest = int(np.abs(self._q_rad - observation.q_rad).max(axis=1).argmin())
        dt_s = 1.0 / self.spec.control_rate_hz
        return Chunk(observation.stamp_s, dt_s, self._next_q_rad[nearest], self._next_gripper_open[nearest])


def load(address: str, device: str) -> Policy:
    """Load it by address: what an entry point of the group `genima.policies` names (docs/policies.md)."""
    return NearestDemonstration(Path(address))


def main(folder: Path = Path('data/pick'), serve: bool = False, port: int = 8700) -> None:
    """Serve the policy, or ask it once."""
    policy = load(str(folder), 'cpu')
    if serve:
        print(f'serving at ws://127.0.0.1:{port}')
        PolicyServer(policy, port=port).serve_forever()
    home_rad = RobotProfile.load(policy.spec.robot).home_rad
    edge_px = policy.spec.view_size_px
    views = np.zeros((len(policy.spec.cameras), edge_px, edge_px, 3), dtype=np.uint8)
    chunk = policy.infer(Observation(0.0, views, 0.0, home_rad, 1.0))
    print(f'contract {policy.spec.hash()}; from home it goes on to', np.round(chunk.q_rad[-1], 2))


if __name__ == '__main__':
    typer.run(main)
