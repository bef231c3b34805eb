# %% [markdown]
# <!-- SPDX-License-Identifier: Apache-2.0 -->
# # Train a policy
#
# From demonstrations to a policy that is evaluated in simulation. The numbers here are for a look at each step, and take a
# minute; the tutorial in `docs` has those of a policy that works, which take two hours on two CPU cores.

# %%
import os
import shlex
import subprocess

EPISODES = int(os.environ.get('EPISODES', 2))
MINUTES = float(os.environ.get('MINUTES', 0.2))


def run(command: str) -> None:
    """Run a command as the shell would, and show what it prints."""
    done = subprocess.run(shlex.split(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(done.stdout)
    done.check_returncode()


run(f'genima collect --episodes {EPISODES} --out data/pick')
run('genima dataset verify data/pick')

# %% [markdown]
# ## The painter
#
# An autoencoder first, then a diffusion model in its latent space that draws the spheres, then pixel-space fine-tuning.
# Targets are rendered on the fly. Ctrl-C stops; the same command goes on.

# %%
run(
    'genima train painter --data data/pick --policy runs/pick --log-with none '
    f'--autoencoder-minutes {MINUTES} --minutes {MINUTES} --polish-minutes {MINUTES}'
)

# %% [markdown]
# ## The controller
#
# An ACT transformer that reads target images and joints. It is trained on rendered targets, not on painted ones.

# %%
run(f'genima train controller --data data/pick --policy runs/pick --log-with none --minutes {MINUTES} --imagined 0')

# %% [markdown]
# ## What was learned
#
# The policy directory holds the contract, both networks, and how they were trained.

# %%
from genima import Observation, Preprocessor, load_policy, read_episode
from genima.episodes.store import list_episodes

policy = load_policy('runs/pick')
episode = read_episode(list_episodes('data/pick')[0])
frames = {name: (episode.views[name][0], episode.cameras[name].model) for name in policy.spec.cameras}
stamp_s = float(episode.timestamps_s[0])
views = Preprocessor(policy.spec).views(frames)
chunk = policy.infer(Observation(stamp_s, views, stamp_s, episode.q_rad[0], 1.0))
print('chunk', chunk.q_rad.shape, '  painted', policy.targets.shape)

# %% [markdown]
# ## Does it work?
#
# In one process, in simulation, through the guard. With this little training it does not, yet.

# %%
run('genima evaluate --policy runs/pick --episodes 1 --episode-s 3')
