# SPDX-License-Identifier: Apache-2.0
"""The views that the painter's node sees are, to the bit, those that the trainer saw, whatever the contract asks for."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from genima_ros.conversions.images import image_message
from genima_ros.conversions.messages import camera_info_message
from genima_ros.inputs.views import ViewBuffer, prepare
from made_episodes import made, write

from genima.cameras.lens import ViewLens
from genima.contract.preprocessor import Preprocessor
from genima.contract.spec import PolicySpec
from genima.robots.profile import RobotProfile
from genima.train.samples import load_samples

LENSES = {'front': ViewLens('equidistant', 60.0)}


def node_views(spec: PolicySpec, episode, step: int) -> np.ndarray:  # type: ignore[no-untyped-def]
    buffer = ViewBuffer(spec.cameras, max_skew_s=0.05)
    for name in spec.cameras:
        buffer.add_image(name, image_message(episode.views[name][step], 1.0, name), 0.0)
        buffer.add_info(name, camera_info_message(episode.cameras[name].model, 1.0, name))
    images = buffer.newest()
    assert images is not None
    return prepare(images, Preprocessor(spec))


@pytest.mark.parametrize('resize', ['area', 'linear'])
@pytest.mark.parametrize('size_px', [64, 96])
@pytest.mark.parametrize('tiling', ['tiled', 'per_view'])
@pytest.mark.parametrize('lenses', [{}, LENSES], ids=['pinhole', 'lens'])
def test_node_and_trainer_prepare_equal_views(
    tmp_path: Path, small_spec: PolicySpec, panda: RobotProfile, resize: str, size_px: int, tiling: str, lenses: dict
) -> None:
    episode = made(panda, 0, distorted=True)
    noise = np.random.default_rng(0)  # where a resize kernel makes the largest difference
    for name, views in episode.views.items():
        episode.views[name] = noise.integers(0, 256, views.shape, dtype=np.uint8)
    spec = replace(
        small_spec, resize=resize, view_size_px=size_px, tiling=tiling, view_lens=lenses, cameras=small_spec.cameras[::-1]
    )
    samples = load_samples(write(tmp_path, episode), spec, panda)
    np.testing.assert_array_equal(node_views(spec, episode, 3), samples.views[3])


def test_the_resize_kernel_matters(small_spec: PolicySpec, panda: RobotProfile) -> None:
    """Without this the test above could not fail."""
    episode = made(panda, 0)
    small = [node_views(replace(small_spec, view_size_px=50, resize=kind), episode, 0) for kind in ('area', 'linear')]
    assert (small[0] != small[1]).any()
