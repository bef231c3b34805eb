# SPDX-License-Identifier: Apache-2.0
"""Weights of a painter as other tools leave them: variants, mixtures, pickles."""

import shutil
from pathlib import Path

import pytest
import torch

from genima.errors import PolicyError
from genima.painter.folder import load_pipeline
from genima.painter.weights import weights_variant

PARTS = ('unet', 'vae', 'controlnet', 'text_encoder')
SHIPPED = Path(__file__).parents[2] / 'models' / 'panda_pick'


def _policy(folder: Path, **names: tuple[str, ...]) -> Path:
    for part in PARTS:
        (folder / part).mkdir(parents=True)
        stem = 'model' if part == 'text_encoder' else 'diffusion_pytorch_model'
        for name in names.get(part, names.get('all', ())):
            (folder / part / f'{stem}{name}').touch()
    return folder


@pytest.mark.parametrize(
    'names, variant',
    [
        ({'all': ('.safetensors',)}, None),
        ({'all': ('.safetensors', '.fp16.safetensors')}, None),
        ({'all': ('.fp16.safetensors',)}, 'fp16'),
        ({'all': ('.bf16.safetensors',)}, 'bf16'),
        ({'all': ('.fp16.safetensors',), 'vae': ('.safetensors',)}, 'fp16'),
        ({'all': ('-00001-of-00002.safetensors', '-00002-of-00002.safetensors', '.safetensors.index.json')}, None),
        ({'all': ('.fp16.safetensors',), 'unet': ('.fp16-00001-of-00002.safetensors',)}, 'fp16'),
    ],
)  # fmt: skip
def test_the_variant_is_found(tmp_path: Path, names: dict[str, tuple[str, ...]], variant: str | None) -> None:
    assert weights_variant(_policy(tmp_path, **names), PARTS) == variant


@pytest.mark.parametrize(
    'names, words',
    [
        ({'all': ('.bin',)}, 'save_pretrained'),
        ({'all': ()}, 'holds no weights'),
        ({'all': ('.fp16.safetensors',), 'vae': ('.bf16.safetensors',)}, 'vae: bf16'),
    ],
)
def test_the_advice_helps(tmp_path: Path, names: dict[str, tuple[str, ...]], words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        weights_variant(_policy(tmp_path, **names), PARTS)


def test_weights_of_which_there_is_only_a_variant_are_loaded(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED / 'painter', tmp_path / 'painter')
    for part in PARTS:
        (plain,) = (tmp_path / 'painter' / part).glob('*.safetensors')
        plain.rename(plain.with_suffix('.fp16.safetensors'))
    ours, shipped = load_pipeline(tmp_path), load_pipeline(SHIPPED)
    for part in PARTS:
        theirs = getattr(shipped, part).state_dict()
        assert all(torch.equal(value, theirs[name]) for name, value in getattr(ours, part).state_dict().items())
