# SPDX-License-Identifier: Apache-2.0
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import EulerDiscreteScheduler, StableDiffusionControlNetPipeline

from genima.cameras.views import tile
from genima.contract.spec import PolicySpec
from genima.errors import ContractError, PolicyError
from genima.painter.folder import load_pipeline, save_pipeline
from genima.painter.networks import TorchNetworks, sample
from genima.painter.painter import Painter, embed_prompt
from genima.painter.pipeline import image_size_px


@pytest.fixture(scope='module')
def painter(policy_dir: Path) -> Painter:
    return Painter.load(policy_dir)


def test_paints_views_of_the_same_shape(painter: Painter, views: np.ndarray) -> None:
    painted = painter.paint(views, None)
    assert painted.shape == views.shape and painted.dtype == np.uint8
    assert painter.last_timing_ms > 0


def test_equal_views_give_equal_targets(painter: Painter, views: np.ndarray) -> None:
    np.testing.assert_array_equal(painter.paint(views, 'push'), painter.paint(views, 'push'))


def test_prompts_matter(painter: Painter, views: np.ndarray) -> None:
    first, second = (embed_prompt(painter.pipeline, text) for text in ('pick up the red cube', 'open the drawer'))
    assert (first - second).abs().mean() > 0.1
    assert (painter.paint(views, 'pick up the red cube') != painter.paint(views, 'open the drawer')).any()


def test_no_instruction_means_the_one_of_the_contract(painter: Painter, views: np.ndarray) -> None:
    np.testing.assert_array_equal(painter.paint(views), painter.paint(views, painter.spec.instruction))


@pytest.mark.parametrize('steps', [1, 2])
@pytest.mark.parametrize('kind', ['ddim', 'euler'])
def test_equals_the_standard_pipeline(policy_dir: Path, views: np.ndarray, steps: int, kind: str) -> None:
    pipeline = load_pipeline(policy_dir)
    if kind == 'euler':
        pipeline.scheduler = EulerDiscreteScheduler(timestep_spacing='trailing')
    control = torch.from_numpy(tile(views)[None]).permute(0, 3, 1, 2).float() / 255
    noise = torch.randn(1, 8, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        ours = sample(
            TorchNetworks(pipeline), pipeline.scheduler, noise, control, embed_prompt(pipeline, 'push'), steps
        )
        theirs = pipeline(
            'push', image=control, num_inference_steps=steps, guidance_scale=0.0, height=256, width=256,
            latents=noise, output_type='pt',
        ).images  # fmt: skip
    torch.testing.assert_close((ours / 2 + 0.5).clamp(0, 1), theirs, atol=1e-4, rtol=0)


def test_standard_class_loads_what_was_saved(policy_dir: Path) -> None:
    pipeline = StableDiffusionControlNetPipeline.from_pretrained(policy_dir / 'painter', local_files_only=True)
    assert pipeline.scheduler.config.prediction_type == 'sample'
    size = sum(path.stat().st_size for path in (policy_dir / 'painter').rglob('*') if path.is_file())
    assert size < 17.5e6


def test_loaded_weights_are_the_saved_ones(policy_dir: Path, tmp_path: Path) -> None:
    first = load_pipeline(policy_dir)
    save_pipeline(first, tmp_path)
    second = load_pipeline(tmp_path)
    for name, value in first.unet.state_dict().items():
        assert torch.equal(value, second.unet.state_dict()[name])


@pytest.mark.parametrize(
    'spoil', [lambda views: views[:3], lambda views: views[:, :64], lambda views: views.astype(np.float32)]
)
def test_refuses_other_views(painter: Painter, views: np.ndarray, spoil) -> None:
    with pytest.raises(ContractError, match='allowed: uint8'):
        painter.paint(spoil(views))


@pytest.mark.parametrize(
    'name',
    [
        'model_index.json',
        'unet/config.json',
        'vae/diffusion_pytorch_model.safetensors',
        'tokenizer/tokenizer_config.json',
    ],
)
def test_missing_file_is_named(policy_dir: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(policy_dir, tmp_path, dirs_exist_ok=True)
    (tmp_path / 'painter' / name).unlink()
    with pytest.raises(PolicyError, match='painter'):
        Painter.load(tmp_path)


def test_damaged_weights_are_refused(policy_dir: Path, tmp_path: Path) -> None:
    shutil.copytree(policy_dir, tmp_path, dirs_exist_ok=True)
    weights = tmp_path / 'painter' / 'unet' / 'diffusion_pytorch_model.safetensors'
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(PolicyError, match='copy the pipeline again'):
        Painter.load(tmp_path)


def test_no_policy_at_all(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r'policy\.yaml'):
        Painter.load(tmp_path)


def test_views_apart(spec: PolicySpec, policy_dir: Path, tmp_path: Path, views: np.ndarray) -> None:
    shutil.copytree(policy_dir, tmp_path, dirs_exist_ok=True)
    replace(spec, tiling='per_view').save(tmp_path)
    painted = Painter.load(tmp_path).paint(views)
    assert painted.shape == views.shape


@pytest.mark.parametrize(('count', 'size'), [(1, (128, 128)), (2, (128, 256)), (3, (256, 256)), (5, (256, 384))])
def test_image_size_is_that_of_the_tiles(spec: PolicySpec, count: int, size: tuple[int, int]) -> None:
    few = replace(spec, cameras=tuple(f'c{index}' for index in range(count)), hidden={})
    assert image_size_px(few) == size
    assert tile(np.zeros((count, 128, 128, 3), dtype=np.uint8)).shape[:2] == size
