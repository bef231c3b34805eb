# %% [markdown]
# <!-- SPDX-License-Identifier: Apache-2.0 -->
# # Load demonstrations
#
# A dataset is a folder of episodes, an HDF5 file each. Two are recorded here by the scripted expert of the simulation,
# which takes some seconds; episodes that are there already are kept. Your own come from `genima up record` and
# `genima dataset convert`.

# %%
import subprocess

subprocess.run(['genima', 'collect', '--episodes', '2', '--out', 'data/pick'], check=True)

# %% [markdown]
# ## One episode
#
# T steps at a fixed rate. Angles are radians, the opening of the gripper is 0 (closed) to 1 (open), images are RGB.

# %%
from genima import RobotProfile, read_episode
from genima.episodes.store import list_episodes

episode = read_episode(list_episodes('data/pick')[0])
print(f'{len(episode)} steps, {episode.metadata["rate_hz"]:g} Hz: {episode.metadata["instruction"]!r}')
for name, images in episode.views.items():
    print(f'  {name:<15}', images.shape, images.dtype, 'on', episode.cameras[name].parent_link)
print('joints', episode.q_rad.shape, '  commanded', episode.q_command_rad.shape, '  success', episode.metadata['success'])

# %% [markdown]
# ## What the cameras saw

# %%
import matplotlib.pyplot as plt

steps = [0, len(episode) // 2, len(episode) - 1]
figure, axes = plt.subplots(len(episode.views), len(steps), figsize=(6, 8), squeeze=False)
for row, (name, images) in zip(axes, episode.views.items(), strict=True):
    for axis, step in zip(row, steps, strict=True):
        axis.imshow(images[step])
        axis.set(title=f'{name}, step {step}', xticks=[], yticks=[])
figure.tight_layout()
figure.savefig('views.png')

# %% [markdown]
# ## Where the joints went
#
# Observed (lines) and commanded (dots): the command of a step is the absolute target for the next one.

# %%
profile = RobotProfile.load(episode.metadata['robot'])
time_s = episode.timestamps_s - episode.timestamps_s[0]
figure, (joints, gripper) = plt.subplots(2, 1, sharex=True, figsize=(7, 5), height_ratios=(3, 1))
for number, name in enumerate(profile.arm_joints):
    (line,) = joints.plot(time_s, episode.q_rad[:, number], label=name)
    joints.plot(time_s, episode.q_command_rad[:, number], '.', color=line.get_color(), markersize=3)
joints.set_ylabel('position [rad]')
joints.legend(fontsize=7, ncols=2)
gripper.plot(time_s, episode.gripper_open)
gripper.set(xlabel='time [s]', ylabel='opening')
figure.savefig('joints.png')

# %% [markdown]
# ## What the demonstrator meant to do next
#
# A policy learns chunks: the next ten targets of every step.

# %%
chunks_rad, chunks_open = episode.intended(10)
print('chunks', chunks_rad.shape, chunks_open.shape)
