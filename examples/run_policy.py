# SPDX-License-Identifier: Apache-2.0
"""Run a policy on one recorded observation: the target image that it paints, and the chunk that it answers with.

    genima collect --episodes 2 --out data/pick
    python examples/run_policy.py --policy models/panda_pick
"""

from pathlib import Path

import numpy as np
import typer
from matplotlib.image import imsave

from genima import Observation, Preprocessor, load_policy, read_episode

EPISODE = Path('data/pick/episode_000000.h5')


def main(
    policy: str = 'models/panda_pick', episode: Path = EPISODE, step: int = 10, out: Path = Path('target.png')
) -> None:
    """Load a policy, show it one step of an episode, and compare its chunk with the demonstration's."""
    loaded = load_policy(policy)  # a directory, ws://host:port of `genima serve`, or name:rest of another package
    recorded = read_episode(episode)
    frames = {name: (recorded.views[name][step], recorded.cameras[name].model) for name in loaded.spec.cameras}
    stamp_s = float(recorded.timestamps_s[step])
    observation = Observation(
        stamp_s=stamp_s,
        views=Preprocessor(loaded.spec).views(frames),  # (V, S, S, 3) uint8, as the contract says
        views_stamp_s=stamp_s,
        q_rad=recorded.q_rad[step],
        gripper_open=float(recorded.gripper_open[step]),
    )
    loaded.reset()
    chunk = loaded.infer(observation)  # under the contract's instruction; the second argument is another one

    print(f'contract {loaded.spec.hash()}: {loaded.spec.robot}, cameras {", ".join(loaded.spec.cameras)}')
    print(f'{len(chunk.q_rad)} points, {chunk.dt_s} s apart; joints at the last one:', np.round(chunk.q_rad[-1], 2), 'rad')
    meant_rad, _ = recorded.intended(len(chunk.q_rad))
    print(f'the demonstrator meant joints at most {np.abs(meant_rad[step] - chunk.q_rad).max():.2f} rad away')
    if loaded.targets is not None:  # a policy that paints nothing has none
        imsave(out, np.concatenate([np.hstack(observation.views), np.hstack(loaded.targets)]))
        print(f'{out}: what the cameras saw, and what was painted')


if __name__ == '__main__':
    typer.run(main)
