# SPDX-License-Identifier: Apache-2.0
"""The controller, and the defects of the original that it must not have."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from genima.contract.spec import PolicySpec
from genima.controller.act import Act, ActConfig, ActOutput
from genima.controller.controller import Controller
from genima.controller.encoder import FiLM, hash_words
from genima.controller.loss import act_loss
from genima.controller.normalizer import Normalizer
from genima.controller.spheres import Reading, SphereReader
from genima.errors import ContractError, PolicyError

INSTRUCTION = 'pick up the red cube'


def _normalizer() -> Normalizer:
    rng = np.random.default_rng(0)
    q = rng.normal(0.3, 0.2, (50, 7))
    return Normalizer.fit(q, q[:, None] + rng.normal(0, 0.1, (50, 10, 7)))


@pytest.fixture
def controller(small_spec: PolicySpec) -> Controller:
    torch.manual_seed(0)
    config = ActConfig(7, 4, 4, width=8, dim=32, feedforward=32, reach_width=32)
    spec = small_spec.with_normalizer(_normalizer().to_dict())
    model = Act(config)
    torch.nn.init.normal_(model.addition.weight, std=0.1)  # at the start of training the transformer adds nothing
    return Controller(spec, model, _normalizer(), (INSTRUCTION, 'open the drawer'))


@pytest.fixture
def views() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (4, 128, 128, 3), dtype=np.uint8)


def test_chunk_starts_one_step_after_the_observation(controller: Controller, views: np.ndarray) -> None:
    chunk = controller.act(views, np.zeros(7), 1.0, 0.1, stamp_s=5.0)
    assert chunk.q_rad.shape == (10, 7) and chunk.gripper_open.shape == (10,)
    np.testing.assert_allclose(chunk.times_s, 5.0 + 0.1 * np.arange(1, 11))
    assert ((chunk.gripper_open >= 0) & (chunk.gripper_open <= 1)).all()


def test_no_convolution_is_an_emulated_one(controller: Controller, views: np.ndarray) -> None:
    """On a processor without bfloat16, half precision made the controller five times slower, too slow for its 10 Hz."""
    torch.set_num_threads(2)  # with one, torch computes 1 x 1 convolutions as products of matrices, under the same name
    try:
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
            controller.act(views, np.full(7, 0.2), 1.0, 0.0)
    finally:
        torch.set_num_threads(1)
    called = {event.key for event in profile.key_averages()}
    assert 'aten::mkldnn_convolution' in called and not any('slow_conv' in name for name in called)


def test_camera_order_matters(controller: Controller, views: np.ndarray) -> None:
    """The original's output did not change when its views were permuted: there was no camera identity."""
    straight = controller.act(views, np.zeros(7), 1.0, 0.0).q_rad
    swapped = controller.act(views[[1, 0, 2, 3]], np.zeros(7), 1.0, 0.0).q_rad
    assert np.abs(straight - swapped).max() > 1e-5


def test_joint_state_and_age_matter(controller: Controller, views: np.ndarray) -> None:
    state = np.zeros(7)
    base = controller.act(views, state, 1.0, 0.0).q_rad
    assert np.abs(controller.act(views, state, 0.0, 0.0).q_rad - base).max() > 1e-6
    assert np.abs(controller.act(views, state, 1.0, 0.5).q_rad - base).max() > 1e-6


def test_two_tasks_modulate_the_encoder_differently() -> None:
    torch.manual_seed(0)
    film, model = FiLM(64, 8), Act(ActConfig(7, 4, 4, width=8, dim=32, feedforward=32, reach_width=32))
    x = torch.randn(1, 8, 4, 4)
    one, two = (model.instruction(hash_words([text], 256)) for text in (INSTRUCTION, 'open the drawer'))
    assert not torch.allclose(one, two)
    torch.testing.assert_close(film(x, one), x, msg='FiLM starts as the identity')
    torch.nn.init.normal_(film.affine.weight)
    assert not torch.allclose(film(x, one), film(x, two))


def test_word_order_is_part_of_an_instruction() -> None:
    first, second = hash_words(['the red on the blue', 'the blue on the red'], 256)
    assert sorted(first.tolist()) != sorted(second.tolist())


@pytest.mark.parametrize(
    'change',
    [
        lambda v, q: (v[:3], q, 0.0),
        lambda v, q: (v.astype(np.float32), q, 0.0),
        lambda v, q: (v[:, :64], q, 0.0),
        lambda v, q: (v, q[:6], 0.0),
        lambda v, q: (v, q * np.nan, 0.0),
        lambda v, q: (v, q, 0.9),
        lambda v, q: (v, q, -0.2),
    ],
)
def test_wrong_inputs_are_refused(
    controller: Controller, views: np.ndarray, change: Callable[[np.ndarray, np.ndarray], tuple]
) -> None:
    images, q, age_s = change(views, np.zeros(7))
    with pytest.raises(ContractError):
        controller.act(images, q, 1.0, age_s)


def test_unknown_instruction_names_the_known_ones(controller: Controller, views: np.ndarray) -> None:
    with pytest.raises(ContractError, match='open the drawer'):
        controller.act(views, np.zeros(7), 1.0, 0.0, 'dance')


def test_saved_controller_says_the_same(controller: Controller, views: np.ndarray, tmp_path: Path) -> None:
    controller.spec.save(tmp_path)
    controller.save(tmp_path)
    again = Controller.load(tmp_path)
    q = np.full(7, 0.2)
    np.testing.assert_allclose(again.act(views, q, 1.0, 0.1).q_rad, controller.act(views, q, 1.0, 0.1).q_rad, atol=5e-3)


def test_missing_damaged_and_foreign_files_are_named(controller: Controller, tmp_path: Path) -> None:
    controller.spec.save(tmp_path)
    with pytest.raises(PolicyError, match=r'controller/config\.json'):
        Controller.load(tmp_path)
    controller.save(tmp_path)
    weights = tmp_path / 'controller' / 'model.safetensors'
    content = weights.read_bytes()
    weights.write_bytes(content[:200])
    with pytest.raises(PolicyError, match='safetensors'):
        Controller.load(tmp_path)
    weights.write_bytes(content)
    config = tmp_path / 'controller' / 'config.json'
    values = json.loads(config.read_text())
    values['normalizer']['q_mean_rad'][0] += 1.0
    config.write_text(json.dumps(values))
    with pytest.raises(ContractError, match='normaliser'):
        Controller.load(tmp_path)


def test_padding_weighs_nothing() -> None:
    """The original padded the last chunk with random numbers and trained on them."""
    output = ActOutput(torch.randn(2, 5, 7), torch.randn(2, 5))
    delta, gripper = torch.randn(2, 5, 7), torch.ones(2, 5)
    valid = torch.tensor([[True] * 3 + [False] * 2, [True] * 5])
    before = act_loss(output, delta, gripper, valid)['total']
    delta[0, 3:], gripper[0, 3:] = 1e3, 0.0
    torch.testing.assert_close(act_loss(output, delta, gripper, valid)['total'], before)
    delta[0, 2] += 1.0
    assert act_loss(output, delta, gripper, valid)['total'] != before


def test_readings_are_pulled_to_the_spheres_in_view() -> None:
    reading = Reading(torch.zeros(8, 3, 2), torch.full((8, 3), -20.0), torch.zeros(8, 3, 1))
    reading.seen_logit[1, 2] = 20.0
    output = ActOutput(torch.zeros(2, 5, 7), torch.zeros(2, 5), reading=reading)
    labels = (torch.zeros(2, 5, 7), torch.ones(2, 5), torch.ones(2, 5, dtype=torch.bool))
    spheres = torch.full((2, 4, 3, 2), torch.nan)
    spheres[0, 1, 2] = torch.tensor([0.5, -0.3])
    parts = act_loss(output, *labels, spheres)
    torch.testing.assert_close(parts['points'], torch.tensor(0.4))
    torch.testing.assert_close(parts['total'] - act_loss(output, *labels)['total'], torch.tensor(0.4))
    reading.seen_logit[0, 0] = 20.0  # claims to see what is not in the view
    assert act_loss(output, *labels, spheres)['seen'] > 0.5


def test_a_sphere_out_of_view_has_no_place() -> None:
    reading = Reading(torch.full((1, 2, 2), 0.7), torch.tensor([[-0.1, 0.1]]), torch.zeros(1, 2, 1))
    torch.testing.assert_close(reading.points(), torch.tensor([[[0.0, 0.0, 0.0], [0.7, 0.7, 1.0]]]))


def test_reader_finds_the_cell_that_its_heat_map_marks() -> None:
    reader = SphereReader(2, 2)
    with torch.no_grad():
        reader.heat.weight.copy_(50 * torch.eye(2)[..., None, None])
    features = torch.zeros(1, 2, 8, 8)
    features[0, 0, 2, 5] = features[0, 1, 7, 0] = 1.0
    reading = reader(features)
    torch.testing.assert_close(reading.uv[0], torch.tensor([[0.375, -0.375], [-0.875, 0.875]]), atol=1e-5, rtol=0)
    torch.testing.assert_close(reading.features[0], torch.eye(2), atol=1e-5, rtol=0)


def test_normalizer_is_its_own_inverse_and_uses_states_for_states() -> None:
    normalizer = _normalizer()
    rng = np.random.default_rng(2)
    q, target = rng.normal(size=(4, 7)), rng.normal(size=(4, 10, 7))
    np.testing.assert_allclose(normalizer.decode(normalizer.encode(target, q), q), target, atol=1e-6)
    np.testing.assert_allclose(normalizer.state(normalizer.q_mean_rad, 1.0), [0] * 7 + [1], atol=1e-6)
    assert Normalizer.from_dict(normalizer.to_dict()).to_dict() == normalizer.to_dict()


@pytest.mark.parametrize('change', [{'q_std_rad': [0.0] * 7}, {'q_mean_rad': [np.nan] * 7}, {'extra': []}])
def test_senseless_statistics_are_refused(change: dict[str, list[float]]) -> None:
    with pytest.raises(ContractError, match='normalizer'):
        Normalizer.from_dict({**_normalizer().to_dict(), **change})


def test_latent_is_optional_and_zero_at_run_time() -> None:
    torch.manual_seed(0)
    model = Act(ActConfig(7, 4, 4, width=8, dim=32, feedforward=32, reach_width=32, latent_dim=4)).eval()
    views, state, age = torch.randn(1, 4, 3, 128, 128), torch.randn(1, 8), torch.zeros(1)
    words = hash_words([INSTRUCTION], 256)
    first, second = (model(views, state, age, words).delta for _ in range(2))
    torch.testing.assert_close(first, second)
    chunk = torch.randn(1, 10, 8)
    posterior = model.train()(views, state, age, words, chunk, torch.ones(1, 10, dtype=torch.bool))
    assert posterior.latent_mean is not None and posterior.latent_mean.shape == (1, 4)
