# SPDX-License-Identifier: Apache-2.0
"""A tiny policy, exported: each back end says what torch says, and a wrong export is found when it is loaded."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import nn

from genima.backends.compare import psnr_db
from genima.backends.exported import sha256
from genima.backends.runners import BACK_ENDS
from genima.bench import backends
from genima.contract.spec import PolicySpec
from genima.controller.act import Act, ActConfig
from genima.controller.backend import export_controller, load_controller
from genima.controller.controller import Controller
from genima.controller.encoder import InstructionEncoder, hash_words
from genima.controller.normalizer import Normalizer
from genima.errors import PolicyError
from genima.painter.backend import load_painter
from genima.painter.exporting import export_painter
from genima.painter.folder import assemble, save_pipeline
from genima.painter.networks import TorchNetworks
from genima.painter.pipeline import TEXT_WIDTH, build_controlnet, build_scheduler, build_text_encoder
from genima.painter.tokenizer import build_tokenizer

SIZE = 32
INSTRUCTION = 'pick up the red cube'


@pytest.fixture(scope='module')
def policy(small_spec: PolicySpec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A policy of two steps whose networks are as small as their classes allow, untrained."""
    directory = tmp_path_factory.mktemp('policy')
    torch.manual_seed(0)
    q_rad = np.random.default_rng(0).normal(0.3, 0.2, (50, 7))
    normalizer = Normalizer.fit(q_rad, q_rad[:, None] + np.random.default_rng(1).normal(0, 0.1, (50, 10, 7)))
    spec = replace(small_spec, view_size_px=SIZE, inference_steps=2).with_normalizer(normalizer.to_dict())
    spec.save(directory)
    tokenizer = build_tokenizer()
    unet = UNet2DConditionModel(
        sample_size=8, in_channels=4, out_channels=4, block_out_channels=(16,), down_block_types=('CrossAttnDownBlock2D',),
        up_block_types=('CrossAttnUpBlock2D',), layers_per_block=1, cross_attention_dim=TEXT_WIDTH, attention_head_dim=4,
        norm_num_groups=4,
    )  # fmt: skip
    vae = AutoencoderKL(
        block_out_channels=(8, 8, 8, 8), down_block_types=('DownEncoderBlock2D',) * 4,
        up_block_types=('UpDecoderBlock2D',) * 4, layers_per_block=1, norm_num_groups=4, sample_size=2 * SIZE,
        mid_block_add_attention=False,
    )  # fmt: skip
    parts = {'unet': unet, 'vae': vae, 'controlnet': build_controlnet(unet), 'text_encoder': build_text_encoder(tokenizer)}
    save_pipeline(assemble(tokenizer=tokenizer, scheduler=build_scheduler(), **parts), directory)
    model = Act(ActConfig(7, 4, 4, view_size_px=SIZE, width=8, dim=32, feedforward=32, reach_width=32))
    nn.init.normal_(model.addition.weight, std=0.1)
    Controller(spec, model, normalizer, (INSTRUCTION,)).save(directory)
    return directory


@pytest.fixture(scope='module')
def views() -> list[np.ndarray]:
    draw = np.random.default_rng(3)
    return [draw.integers(0, 256, (4, 4, 4, 3), dtype=np.uint8).repeat(8, 1).repeat(8, 2) for _ in range(3)]


@pytest.fixture(scope='module')
def exported(policy: Path, views: list[np.ndarray]) -> Path:
    for name in ('onnx', 'onnxscript', 'onnxruntime'):
        pytest.importorskip(name, reason='the extra export is not installed')
    painter = export_painter(policy, ['onnx', 'torchscript'], views, int8=True)
    controller = export_controller(policy, ['onnx', 'torchscript'])
    plain = [each for each in (*painter.files, *controller.files) if each.form in ('onnx', 'torchscript')]
    assert len(plain) == 6 and max(each.difference or 0.0 for each in plain) <= 1e-5
    assert painter.figures['int8_images'] == 3
    return policy


@pytest.mark.parametrize('name', BACK_ENDS)
def test_a_back_end_paints_what_torch_paints_for_every_image_and_prompt(
    exported: Path, views: list[np.ndarray], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(BACK_ENDS[name].package, reason='the extra of this back end is not installed')
    monkeypatch.setattr('genima.painter.backend.ROUNDED_DB', 10.0)  # rounding changes an untrained network more
    painter, choice = load_painter(exported, back_end=name)
    assert choice.back_end == name and 'checked against torch: PSNR' in choice.words
    reference = TorchNetworks(painter.pipeline, half=False)
    for view, prompt in zip(views, (None, 'open the drawer', 'push'), strict=True):
        likeness_db = psnr_db(painter.paint_with(reference, view, prompt), painter.paint(view, prompt))
        assert likeness_db > (60 if BACK_ENDS[name].exact else 10)


@pytest.mark.parametrize('name', ['onnxruntime', 'openvino'])
def test_a_back_end_acts_as_torch_does(exported: Path, name: str) -> None:
    pytest.importorskip(name, reason='the extra of this back end is not installed')
    controller, choice = load_controller(exported, back_end=name)
    assert choice.back_end == name and 'checked against torch' in choice.words
    views = np.random.default_rng(5).integers(0, 256, (4, SIZE, SIZE, 3), dtype=np.uint8)
    got, wanted = (each.act(views, np.full(7, 0.1), 1.0, 0.1) for each in (controller, Controller.load(exported)))
    np.testing.assert_allclose(got.q_rad, wanted.q_rad, atol=5e-3)
    np.testing.assert_allclose(got.gripper_open, wanted.gripper_open, atol=2e-2)


OPENED_AND_CLOSED = """
import faulthandler, gc, os, signal, sys
from pathlib import Path
from genima.backends.runners import BACK_ENDS
faulthandler.enable()  # signals are handled on a stack of their own then
opened = [BACK_ENDS['openvino'].load(Path(sys.argv[1]), 1) for _ in range(2)]
for _ in range(2):
    del opened[0]
    gc.collect()
signal.signal(signal.SIGINT, lambda *_: print('heard', flush=True))
os.kill(os.getpid(), signal.SIGINT)
"""


def test_after_two_networks_were_closed_a_signal_is_still_heard(exported: Path) -> None:
    pytest.importorskip('openvino', reason='the extra of this back end is not installed')
    network = next((exported / 'exported').rglob('decoder.onnx'))
    command = [sys.executable, '-c', OPENED_AND_CLOSED, str(network)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, 'heard\n'), done.stderr


def test_a_controller_has_no_int8(exported: Path) -> None:
    with pytest.raises(PolicyError, match='not exported in int8; take onnxruntime'):
        load_controller(exported, back_end='onnxruntime-int8')


def _changed(policy: Path, tmp_path: Path) -> Path:
    """Return a copy of a policy in which the decoder stands for the step, with a manifest that says so."""
    copy = tmp_path / 'policy'
    shutil.copytree(policy, copy)
    folder = copy / 'exported' / 'painter'
    shutil.copyfile(folder / 'decoder.onnx', folder / 'step.onnx')
    _sign(folder, 'step.onnx')
    return copy


def _sign(folder: Path, name: str) -> None:
    values = json.loads((folder / 'manifest.json').read_text())
    for file in values['files']:
        if file['name'] == name:
            file.update(sha256=sha256(folder / name), size_bytes=(folder / name).stat().st_size)
    (folder / 'manifest.json').write_text(json.dumps(values))


def test_what_does_not_run_is_refused_when_it_is_loaded(exported: Path, tmp_path: Path) -> None:
    policy = _changed(exported, tmp_path)
    with pytest.raises(PolicyError, match=r'onnxruntime does not run .*export it again'):
        load_painter(policy, back_end='onnxruntime')


def test_what_paints_something_else_is_refused(exported: Path, tmp_path: Path) -> None:
    """A decoder with one weight changed, as of another training whose manifest was copied as well."""
    onnx = pytest.importorskip('onnx')
    policy = tmp_path / 'policy'
    shutil.copytree(exported, policy)
    path = policy / 'exported' / 'painter' / 'decoder.onnx'
    model = onnx.load(path)
    for each in model.graph.initializer:
        if len(each.dims) == 4:
            each.raw_data = (1.2 * np.frombuffer(each.raw_data, dtype=np.float32)).tobytes()
    onnx.save(model, path)
    _sign(path.parent, path.name)
    with pytest.raises(PolicyError, match='paints another image than torch: PSNR'):
        load_painter(policy, back_end='onnxruntime')
    _, choice = load_painter(policy, back_end='auto')
    assert choice.back_end != 'onnxruntime' and 'paints another image' in choice.words


def test_trained_again_the_exports_are_stale(exported: Path, tmp_path: Path) -> None:
    policy = tmp_path / 'policy'
    shutil.copytree(exported, policy)
    controller = Controller.load(policy)
    nn.init.ones_(controller.model.addition.bias)
    controller.save(policy)
    with pytest.raises(PolicyError, match=r'was made from another controller/model\.safetensors'):
        load_controller(policy, back_end='onnxruntime')
    _, choice = load_controller(policy, back_end='auto')
    assert choice.back_end == 'torch' and 'genima export' in choice.words
    load_painter(policy, back_end='onnxruntime')


def test_without_exports_auto_is_torch_and_a_named_back_end_is_an_error(small_spec: PolicySpec, tmp_path: Path) -> None:
    normalizer = Normalizer.fit(np.random.default_rng(0).normal(size=(50, 7)), np.zeros((50, 10, 7)))
    spec = small_spec.with_normalizer(normalizer.to_dict())
    spec.save(tmp_path)
    model = Act(ActConfig(7, 4, 4, width=8, dim=32, feedforward=32, reach_width=32))
    Controller(spec, model, normalizer, (INSTRUCTION,)).save(tmp_path)
    _, choice = load_controller(tmp_path, back_end='auto')
    assert choice.back_end == 'torch' and 'has not been exported' in choice.words
    with pytest.raises(PolicyError, match='has not been exported; genima export --policy'):
        load_controller(tmp_path, back_end='onnxruntime')


def test_words_are_averaged_as_an_embedding_bag_does() -> None:
    encoder, bag = InstructionEncoder(64, 8), nn.EmbeddingBag(65, 8, mode='mean', padding_idx=64)
    bag.load_state_dict(encoder.bag.state_dict())
    words = hash_words(['pick up the red cube', 'push', ''], 64)
    torch.testing.assert_close(encoder(words), encoder.norm(bag(words)), atol=1e-6, rtol=0)


class _Moments:
    """Two moments in the place of a dataset."""

    def __init__(self, views: list[np.ndarray]) -> None:
        self.views = views[:2]
        self.q_rad, self.gripper_open = np.full((2, 7), 0.1), np.ones(2)

    def __len__(self) -> int:
        return 2

    def target_views(self, index: int) -> np.ndarray:
        return self.views[index]


def test_bench_measures_what_is_right_and_names_what_is_missing(
    exported: Path, views: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, 'load_samples', lambda *_: _Moments(views))
    monkeypatch.setattr(backends, 'compare', lambda *_: None)
    rows, missing = backends.bench_backends(exported, exported, moments=2)
    found = {(row['network'], row['back_end']): row for row in rows}
    assert found['painter', backends.REFERENCE]['ratio'] == 1.0 and found['painter', backends.REFERENCE]['psnr_db'] == 99.0
    assert found['painter', 'onnxruntime']['psnr_db'] > 60 and found['controller', 'onnxruntime']['off_rad'] < 1e-4
    assert 'not exported in int8' in missing['controller, onnxruntime-int8']
