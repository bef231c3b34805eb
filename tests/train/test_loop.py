# SPDX-License-Identifier: Apache-2.0
import json
import os
import signal
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from genima.errors import DatasetError
from genima.train.loop import Stage


def stage(folder: Path, minutes: float = 0.01, resume: bool = True, **options) -> Stage:
    torch.manual_seed(0)
    files = folder / 'line.pt', folder / 'log.jsonl'
    return Stage('line', nn.Linear(1, 1), minutes, 0.1, *files, resume=resume, **options)


def line_loss(model: nn.Module):
    x = torch.linspace(-1, 1, 16)[:, None]

    def loss() -> Tensor:
        return (model(x) - (2 * x + 1)).square().mean()

    return loss


def test_learns_and_uses_its_budget(tmp_path: Path) -> None:
    one = stage(tmp_path, minutes=0.02)
    one.run(line_loss(one.model))
    assert line_loss(one.model)().item() < 0.05
    assert one.share == 1 and not one.model.training


def test_log_holds_one_json_object_a_line(tmp_path: Path) -> None:
    one = stage(tmp_path)
    one.run(line_loss(one.model))
    lines = [json.loads(line) for line in one.log.read_text().splitlines()]
    assert lines[-1]['stage'] == 'line' and lines[-1]['step'] == one.step and lines[-1]['loss'] >= 0


def test_a_finished_stage_is_not_trained_again(tmp_path: Path) -> None:
    one = stage(tmp_path)
    one.run(line_loss(one.model))
    two = stage(tmp_path)
    two.run(line_loss(two.model))
    assert two.step == one.step
    assert torch.equal(one.model.weight, two.model.weight)


def test_without_resume_it_begins_again(tmp_path: Path) -> None:
    one = stage(tmp_path)
    one.run(line_loss(one.model))
    assert stage(tmp_path, resume=False).step == 0


def test_interrupt_ends_after_a_step_and_resumes(tmp_path: Path) -> None:
    one = stage(tmp_path, minutes=1.0)
    loss = line_loss(one.model)

    def interrupted() -> Tensor:
        if one.step == 5:
            os.kill(os.getpid(), signal.SIGINT)
        return loss()

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        one.run(interrupted)
    again = stage(tmp_path, minutes=1.0)
    assert again.step == one.step == 6
    assert torch.equal(one.model.weight, again.model.weight)
    assert signal.getsignal(signal.SIGINT) is before


def test_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / 'line.pt').write_bytes(b'nothing')
    with pytest.raises(DatasetError, match='remove it to begin again'):
        stage(tmp_path)


def test_progress_and_figures_are_reported(tmp_path: Path) -> None:
    seen: list[tuple[str, float, dict]] = []
    one = stage(
        tmp_path, on_progress=lambda name, share, figures: seen.append((name, share, dict(figures))),
        evaluate=lambda: {'error': 1.0}, evaluations=2,
    )  # fmt: skip
    one.run(line_loss(one.model))
    assert [share for name, share, figures in seen if 'error' in figures][-1] == 1
    assert all(name == 'line' for name, _, _ in seen)
