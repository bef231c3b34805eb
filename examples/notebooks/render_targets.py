# %% [markdown]
# <!-- SPDX-License-Identifier: Apache-2.0 -->
# # Render target images
#
# The painter learns to draw spheres on the camera views, at the elbow, the wrist, the hand and the gripper, where they will
# be one horizon from now. What it should have drawn is computed: forward kinematics gives the spheres, the calibration of
# the cameras projects them.

# %%
import subprocess

subprocess.run(['genima', 'collect', '--episodes', '2', '--out', 'data/pick'], check=True)

# %% [markdown]
# ## The contract
#
# A recipe of `config/policies` and a robot make a contract: which cameras, which spheres, how large the views are, how far
# ahead the spheres are. Training and deployment share it, and its hash travels with every message.

# %%
from genima import PolicySpec, Preprocessor, RobotProfile, read_episode
from genima.contract.targets import paint_targets
from genima.episodes.store import list_episodes

episode = read_episode(list_episodes('data/pick')[0])
profile = RobotProfile.load(episode.metadata['robot'])
spec = PolicySpec.from_recipe('small', profile)
print(f'{spec.horizon_steps} steps ahead, {spec.view_size_px} px, {", ".join(spec.cameras)}, contract {spec.hash()}')
print('spheres:', ', '.join(f'{sphere.name} on {sphere.link}' for sphere in spec.spheres))

# %% [markdown]
# ## From camera images to views, and to targets
#
# `Preprocessor` is the one way from an image to a view, in trainers and nodes alike. The target shows the arm where the
# demonstrator meant it to be at the end of the horizon.

# %%
step = len(episode) // 3
frames = {name: (episode.views[name][step], episode.cameras[name].model) for name in spec.cameras}
views = Preprocessor(spec).views(frames)
intended_rad, intended_open = episode.intended(spec.horizon_steps)
targets = paint_targets(
    spec,
    profile,
    episode.cameras,
    views,
    q_now_rad=episode.q_rad[step],
    q_target_rad=intended_rad[step, -1],
    gripper_open=intended_open[step, -1],
)

# %%
import matplotlib.pyplot as plt
import numpy as np

figure, axes = plt.subplots(2, len(spec.cameras), figsize=(9, 5))
for column, name in enumerate(spec.cameras):
    for row, (what, images) in enumerate((('seen', views), ('target', targets))):
        axes[row, column].imshow(images[column])
        axes[row, column].set(title=f'{name}, {what}', xticks=[], yticks=[])
figure.tight_layout()
figure.savefig('targets.png')

# %% [markdown]
# ## Other spheres
#
# Everything in the contract can be changed. Here the same scene is drawn on black and without stripes, as the recipe `page`
# has it.

# %%
from dataclasses import replace

from genima.spheres.scene import Stripes

plain = replace(spec, background='black', stripes=Stripes(bands=1))
black = paint_targets(plain, profile, episode.cameras, views, episode.q_rad[step], intended_rad[step, -1], 1.0)
plt.imsave('black.png', np.hstack(black))
print('a contract of its own:', plain.hash())
