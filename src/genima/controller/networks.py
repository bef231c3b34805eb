# SPDX-License-Identifier: Apache-2.0
"""The controller's network, whatever runs it."""

from contextlib import nullcontext
from typing import Protocol

import torch
from torch import Tensor, nn

from genima.backends.runners import Runner
from genima.controller.act import Act
from genima.precision import half_precision


class ControllerNetwork(Protocol):
    """The network as it is seen from outside, in float32."""

    def predict(self, views: Tensor, state: Tensor, age: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
        """Return joint moves (B, T, n) and gripper logits (B, T); the arguments are those of `Act.forward`."""


class TorchNetwork:
    """The network in torch."""

    def __init__(self, model: Act, half: bool = True) -> None:
        """Take a network; with `half`, compute in half precision where the device can."""
        self._model, self._half = model, half

    def predict(self, views: Tensor, state: Tensor, age: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
        """Return joint moves and gripper logits."""
        with half_precision(views.device) if self._half else nullcontext():
            output = self._model(views, state, age, words)
        return output.delta.float(), output.gripper_logit.float()


class ExportedNetwork:
    """The network from `exported/`."""

    def __init__(self, runner: Runner) -> None:
        self._run = runner

    def predict(self, views: Tensor, state: Tensor, age: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
        """Return joint moves and gripper logits."""
        delta, gripper_logit = self._run(network_inputs(views, state, age, words))
        return delta, gripper_logit


class ActNetwork(nn.Module):
    """`Act` with tensors as outputs, as it is exported."""

    def __init__(self, model: Act) -> None:
        super().__init__()
        self.model = model

    def forward(self, views: Tensor, state: Tensor, age: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
        """See `ControllerNetwork`."""
        output = self.model(views, state, age, words)
        return output.delta, output.gripper_logit


def network_inputs(views: Tensor, state: Tensor, age: Tensor, words: Tensor) -> dict[str, Tensor]:
    """Return the inputs of an exported network by name."""
    tensors = {'views': views, 'state': state, 'age': age, 'words': words}
    return {name: torch.as_tensor(value).contiguous() for name, value in tensors.items()}
