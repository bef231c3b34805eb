# SPDX-License-Identifier: Apache-2.0
"""Runs where the real lerobot is installed: opens a dataset, takes every frame of it, and writes down what it saw.

Usage: python lerobot_opens.py DATASET SEEN.npz
"""

import sys

import numpy as np
import torch
from lerobot import __version__
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from lerobot.datasets.utils import dataset_to_policy_features


def main(folder: str, seen_path: str) -> None:
    """Take every frame alone, in batches, and with actions of the future; store what came."""
    dataset = LeRobotDataset('genima/test', root=folder)
    cameras = dataset.meta.camera_keys
    frames = [dataset[index] for index in range(len(dataset))]
    seen = {key: torch.stack([frame[key] for frame in frames]).numpy() for key in ('observation.state', 'action')}
    for key in cameras:
        seen[key] = np.stack([np.rint(frame[key].numpy() * 255).astype(np.uint8) for frame in frames])
    seen['task'] = np.array([frame['task'] for frame in frames])
    # torch makes a float32 of a Python float; the table holds the whole number
    seen['genima.time_s'] = dataset.hf_dataset.data.column('genima.time_s').to_numpy()
    seen['policy_features'] = np.array(sorted(dataset_to_policy_features(dataset.meta.features)))

    fps = dataset.meta.fps
    windows = {'action': [0.0, 1 / fps, 2 / fps], cameras[0]: [-1 / fps, 0.0]}
    chunks = LeRobotDataset('genima/test', root=folder, delta_timestamps=windows)
    seen['action_ahead'] = torch.stack([chunks[index]['action'][2] for index in range(len(chunks))]).numpy()
    history = chunks[1][cameras[0]]
    assert torch.equal(history[1], frames[1][cameras[0]]) and torch.equal(history[0], frames[0][cameras[0]])

    batches = torch.utils.data.DataLoader(dataset, batch_size=4)
    assert sum(len(batch['action']) for batch in batches) == len(dataset)
    last = LeRobotDataset('genima/test', root=folder, episodes=[dataset.meta.total_episodes - 1])
    assert torch.equal(last[0]['action'], frames[len(dataset) - len(last)]['action'])
    np.savez(seen_path, **seen)
    print(f'lerobot {__version__}, decoder {dataset.video_backend}: {dataset.num_episodes} episodes, {len(dataset)} frames')
    print(f'cameras {cameras}, statistics of {sorted(dataset.meta.stats)}')


if __name__ == '__main__':
    main(*sys.argv[1:])
