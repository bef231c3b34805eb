# SPDX-License-Identifier: Apache-2.0
import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from genima.errors import ContractError, DatasetError, GenimaError
from genima.train.draws import Draw, Order
from genima.train.loop import Stage
from genima.train.recipe import FineTuning, StageRecipe, settings_of
from genima.train.workshop import Machine, Workshop

CPU = torch.device('cpu')


def stage(folder: Path, resume: bool = True, evaluate=None, seen: list | None = None, **recipe) -> Stage:
    report = (lambda *what: None) if seen is None else (lambda *what: seen.append(what))
    workshop = Workshop(Machine('cpu', 'no', 1), folder, folder / 'log.jsonl', 0, resume, report)
    values = {'steps': 40, 'batch': 4, 'learning_rate': 0.1, 'warmup_steps': 5, 'ema': 0.9} | recipe
    return Stage('line', nn.Linear(1, 1), StageRecipe(**values), workshop, 16, evaluate)


def line_loss(model: nn.Module):
    def loss(draw: Draw) -> Tensor:
        x = torch.from_numpy(draw.rows).float()[:, None] / 8 - 1
        return (model(x) - (2 * x + 1) + 0.01 * draw.normal((1,))).square().mean()

    return loss


def test_learns_and_uses_its_steps(tmp_path: Path) -> None:
    one = stage(tmp_path, steps=150)
    one.run(line_loss(one.networks))
    assert one.networks.weight.item() == pytest.approx(2, abs=0.3)
    assert one.step == 150 and one.share == 1 and not one.networks.training


def test_minutes_are_a_budget_as_well_and_their_steps_are_logged(tmp_path: Path) -> None:
    one = stage(tmp_path, steps=None, minutes=0.002)
    one.run(line_loss(one.networks))
    lines = [json.loads(line) for line in (tmp_path / 'log.jsonl').read_text().splitlines()]
    assert lines[-1]['stage'] == 'line' and lines[-1]['step'] == one.step > 0 and lines[-1]['loss'] >= 0


@pytest.mark.parametrize('more', [{}, {'optimizer': 'adafactor'}, {'accumulate': 2}, {'ema': 0.0}])
def test_stopped_and_resumed_equals_uninterrupted_to_the_bit(tmp_path: Path, more: dict) -> None:
    whole = stage(tmp_path / 'whole', **more)
    whole.run(line_loss(whole.networks))
    first = stage(tmp_path / 'parts', **more)
    loss = line_loss(first.networks)

    def interrupted(draw: Draw) -> Tensor:
        if first.step == 17:
            os.kill(os.getpid(), signal.SIGINT)
        return loss(draw)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        first.run(interrupted)
    assert signal.getsignal(signal.SIGINT) is before
    torch.manual_seed(99)
    second = stage(tmp_path / 'parts', **more)
    assert second.step == first.step == 18
    second.run(line_loss(second.networks))
    for name, value in whole.networks.state_dict().items():
        assert torch.equal(value, second.networks.state_dict()[name])


def test_a_step_in_two_batches_is_that_of_one(tmp_path: Path) -> None:
    one, two = stage(tmp_path / 'one', batch=8), stage(tmp_path / 'two', batch=4, accumulate=2)
    for each in (one, two):
        each.run(line_loss(each.networks))
    torch.testing.assert_close(one.networks.weight, two.networks.weight, atol=1e-6, rtol=0)


def test_a_finished_stage_is_not_trained_again(tmp_path: Path) -> None:
    one = stage(tmp_path)
    one.run(line_loss(one.networks))
    two = stage(tmp_path)
    two.run(line_loss(two.networks))
    assert two.step == one.step
    assert torch.equal(one.networks.weight, two.networks.weight)
    assert stage(tmp_path, resume=False).step == 0


def test_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / 'line.pt').write_bytes(b'nothing')
    with pytest.raises(DatasetError, match='remove it to begin again'):
        stage(tmp_path)


def test_progress_and_figures_are_reported(tmp_path: Path) -> None:
    seen: list[tuple[str, float, dict]] = []
    one = stage(tmp_path, evaluate=lambda step: {'error': 1.0, 'unknown': None}, seen=seen, evaluations=2)
    one.run(line_loss(one.networks))
    assert [share for _, share, figures in seen if figures == {'error': 1.0}] == [0.5, 1]
    assert all(name == 'line' for name, _, _ in seen)


def test_a_loss_that_explodes_ends_the_training_and_spoils_no_checkpoint(tmp_path: Path) -> None:
    one = stage(tmp_path)
    with pytest.raises(GenimaError, match='lower learning rate'):
        one.run(lambda draw: one.networks(torch.full((1, 1), torch.nan)).sum())
    assert not (tmp_path / 'line.pt').exists()


def test_each_epoch_has_every_sample_once_and_processes_share_a_step() -> None:
    order = Order(6, 'line', 3)
    rows = np.concatenate([order.draw(first, 4, CPU).rows for first in (0, 4, 8)])
    assert sorted(rows[:6]) == sorted(rows[6:]) == list(range(6)) and (rows[:6] != rows[6:]).any()
    both, second = order.draw(0, 4, CPU), order.draw(2, 2, CPU)
    torch.testing.assert_close(both.normal((3,))[2:], second.normal((3,)), atol=0, rtol=0)


@pytest.mark.parametrize(
    'values, words',
    [
        ({'trian': 'lora'}, 'unknown keys trian'),
        ({'train': 'everything'}, 'controlnet, lora, unet, all'),
        ({'stage': {'batch': 0}}, '> 0'),
        ({'stage': {'learning_rate': 'fast'}}, 'a number'),
        ({'gradient_checkpointing': 1}, 'true, false'),
        ({'augmentation': 3}, 'a mapping'),
    ],
)
def test_what_a_recipe_cannot_mean_is_refused(values: dict, words: str) -> None:
    with pytest.raises(ContractError, match=words):
        settings_of(FineTuning, values, 'training.painter')


def test_numbers_in_a_recipe_may_be_written_as_yaml_reads_them() -> None:
    assert settings_of(FineTuning, {'stage': {'learning_rate': '1e-5'}}, 'x').stage.learning_rate == 1e-5
