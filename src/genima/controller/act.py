# SPDX-License-Identifier: Apache-2.0
"""Action chunking transformer (Zhao et al. 2023) that reads painted target images.

The moves of a chunk are the sum of two: what `Reach` makes of where the spheres are, and what the transformer adds to it.
Tokens of all views, of their spheres, of the joint state, of the target's age and of the instruction go through a pre-norm
transformer encoder; a decoder turns learned queries, one per step of the chunk, into additions and gripper logits.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn

from genima.controller.encoder import InstructionEncoder, ViewEncoder, hash_words
from genima.controller.spheres import Reach, Reading, SphereReader
from genima.controller.style import StyleEncoder
from genima.controller.text import TextProjection
from genima.errors import PolicyError

_ALLOWED = {
    'n_joints': (1, 64), 'n_views': (1, 16), 'spheres': (1, 64), 'view_size_px': (16, 2048), 'chunk_steps': (1, 2000),
    'width': (1, 512), 'stages': (1, 6), 'dim': (4, 4096), 'feedforward': (1, 32768), 'heads': (1, 256),
    'encoder_layers': (1, 64), 'decoder_layers': (1, 64), 'dropout': (0, 1), 'sphere_stage': (0, 5),
    'reach_width': (1, 32768), 'instruction_buckets': (1, 2**20), 'instruction_dim': (1, 4096), 'latent_dim': (0, 4096),
}  # fmt: skip


@dataclass(frozen=True)
class ActConfig:
    """Sizes of the network.

    Attributes:
        n_joints: joints of the arm (the gripper is extra).
        n_views: cameras, in contract order.
        spheres: spheres of a target, in contract order.
        view_size_px: side of the square views.
        chunk_steps: steps predicted per call.
        width: channels of the first encoder stage; each later stage has twice as many.
        stages: encoder stages; 4 with width 64 is ResNet-18.
        dim: token size. feedforward, heads, encoder_layers, decoder_layers, dropout: of the transformer.
        sphere_stage: encoder stage whose features spheres are read from; the first has the finest cells.
        reach_width: of the layers of `Reach`.
        instruction_buckets, instruction_dim: see `InstructionEncoder`.
        latent_dim: size of the CVAE's latent, 0 for none.
        text_dim, texts: width and number of the instructions' embeddings, see `TextProjection`; 0: words are hashed.
    """

    n_joints: int
    n_views: int
    spheres: int
    view_size_px: int = 128
    chunk_steps: int = 10
    width: int = 24
    stages: int = 4
    dim: int = 144
    feedforward: int = 384
    heads: int = 4
    encoder_layers: int = 2
    decoder_layers: int = 1
    dropout: float = 0.0
    sphere_stage: int = 1
    reach_width: int = 512
    instruction_buckets: int = 256
    instruction_dim: int = 64
    latent_dim: int = 0
    text_dim: int = 0
    texts: int = 0

    def __post_init__(self) -> None:
        """Refuse sizes of which no network can be built, before one is."""
        for name, (least, most) in _ALLOWED.items():
            value = getattr(self, name)
            whole = isinstance(value, int) and not isinstance(value, bool)
            if not (whole or (name == 'dropout' and isinstance(value, float))) or not least <= value <= most:
                raise PolicyError(f'controller config: {name} is {value!r}; allowed {least} to {most}')
        if self.dim % self.heads or self.dim % 4 or self.sphere_stage >= self.stages:
            raise PolicyError(f'controller config: dim {self.dim} in {self.heads} heads, sphere_stage {self.sphere_stage}')

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)

    @staticmethod
    def from_dict(values: dict[str, Any]) -> 'ActConfig':
        """Read what `to_dict` wrote.

        Raises:
            PolicyError: if a key is unknown or missing.
        """
        known = {field.name for field in fields(ActConfig)}
        if unknown := set(values) - known:
            raise PolicyError(f'controller config has unknown keys {sorted(unknown)}; known are {sorted(known)}')
        try:
            return ActConfig(**values)
        except TypeError as error:
            raise PolicyError(f'controller config is incomplete: {error}') from error


@dataclass(frozen=True)
class ActOutput:
    """What the network says.

    Attributes:
        delta: (B, T, n) joint moves from the current position, in `Normalizer.delta_scale_rad`.
        gripper_logit: (B, T) above zero means open.
        latent_mean, latent_log_variance: (B, latent_dim) of the CVAE's posterior, where a chunk was given.
        reading: of the spheres in all views, (B * V, S, ...).
    """

    delta: Tensor
    gripper_logit: Tensor
    latent_mean: Tensor | None = None
    latent_log_variance: Tensor | None = None
    reading: Reading | None = None


def sine_positions(dim: int, height: int, width: int) -> Tensor:
    """Return the 2-D sine encoding (height * width, dim): half of the channels for rows, half for columns."""
    frequency = torch.exp(torch.arange(0, dim // 2, 2) * (-math.log(1e4) / (dim // 2)))
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing='ij')

    def waves(position: Tensor) -> Tensor:
        angle = position.reshape(-1, 1) * frequency
        return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)

    return torch.cat([waves(rows), waves(columns)], dim=1)


class Act(nn.Module):
    """The network. `forward` is used by trainer and runtime alike."""

    positions: Tensor
    texts: Tensor

    def __init__(self, config: ActConfig) -> None:
        super().__init__()
        self.config = config
        dim = config.dim
        self.instruction: nn.Module = InstructionEncoder(config.instruction_buckets, config.instruction_dim)
        if config.text_dim:
            self.instruction = TextProjection(config.text_dim, config.instruction_dim)
            self.register_buffer('texts', torch.zeros(config.texts, config.text_dim))
        self.encoder = ViewEncoder(config.width, config.stages, config.instruction_dim)
        self.project = nn.Conv2d(self.encoder.channels, dim, 1)
        cells = config.view_size_px // self.encoder.stride
        self.register_buffer('positions', sine_positions(dim, cells, cells), persistent=False)
        self.camera = nn.Parameter(torch.randn(config.n_views, 1, dim) * 0.1)
        channels = config.width * 2**config.sphere_stage
        self.reader = SphereReader(channels, config.spheres)
        self.looks = nn.Linear(channels, dim)
        self.sphere = nn.Parameter(torch.randn(config.spheres, dim) * 0.1)
        self.reach = Reach(config.spheres, config.n_views, config.n_joints, config.chunk_steps, config.reach_width, dim)
        self.state_token = nn.Sequential(nn.Linear(config.n_joints + 1, dim), nn.GELU(), nn.Linear(dim, dim))
        self.age_token = nn.Sequential(nn.Linear(1, dim), nn.GELU(), nn.Linear(dim, dim))
        self.instruction_token = nn.Linear(config.instruction_dim, dim)
        self.style = StyleEncoder(config.n_joints, dim, config.latent_dim) if config.latent_dim else None
        shape: dict[str, Any] = {
            'd_model': dim, 'nhead': config.heads, 'dim_feedforward': config.feedforward, 'dropout': config.dropout,
            'activation': 'gelu', 'batch_first': True, 'norm_first': True,
        }  # fmt: skip
        self.transformer = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(**shape), config.encoder_layers, enable_nested_tensor=False
        )
        self.decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(**shape), config.decoder_layers)
        self.queries = nn.Parameter(torch.randn(1, config.chunk_steps, dim) * 0.5)
        self.norm = nn.LayerNorm(dim)
        self.addition = nn.Linear(dim, config.n_joints)
        nn.init.zeros_(self.addition.weight)
        nn.init.zeros_(self.addition.bias)
        self.gripper = nn.Linear(dim, 1)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing from torch's stubs

    def forward(
        self, views: Tensor, state: Tensor, age: Tensor, words: Tensor, chunk: Tensor | None = None,
        valid: Tensor | None = None,
    ) -> ActOutput:  # fmt: skip
        """Predict a chunk.

        Args:
            views: (B, V, 3, S, S) target images in [-1, 1], cameras in contract order.
            state: (B, n + 1) from `Normalizer.state`.
            age: (B,) age of the target images as a share of the largest one.
            words: (B, MAX_WORDS) from `hash_words`, or (B, text_dim) of `texts`, see `instruction_input`.
            chunk: (B, T, n + 1) true chunk, for the CVAE in training only.
            valid: (B, T) True where the chunk holds data, with `chunk`.
        """
        condition = self.instruction(words)
        tokens = [
            self.state_token(state)[:, None],
            self.age_token(age[:, None])[:, None],
            self.instruction_token(condition)[:, None],
        ]
        mean = log_variance = None
        if self.style is not None:
            latent, mean, log_variance = self.style(state, chunk, valid)
            tokens.append(latent[:, None])
        cells, spheres, reading = self._see(views, condition)
        points = reading.points().unflatten(0, views.shape[:2])
        moves, reached = self.reach(points, state, age)
        tokens += [cells, spheres, reached[:, None]]
        memory = self.transformer(torch.cat([token.to(state.dtype) for token in tokens], dim=1))
        queries = self.queries + reached[:, None]
        decoded = self.norm(self.decoder(queries.to(state.dtype), memory))
        with torch.autocast(views.device.type, enabled=False):
            delta = moves + self.addition(decoded.float())
            gripper_logit = self.gripper(decoded.float())[..., 0]
        return ActOutput(delta, gripper_logit, mean, log_variance, reading)

    def instruction_input(self, instructions: Sequence[str], instruction: str) -> Tensor:
        """Return what stands for one of the known instructions, (1, ...), as `forward` takes it."""
        if self.config.text_dim:
            return self.texts[instructions.index(instruction)][None]
        return hash_words([instruction], self.config.instruction_buckets)

    def _see(self, views: Tensor, condition: Tensor) -> tuple[Tensor, Tensor, Reading]:
        """Return the tokens of all views (B, V * cells, dim), those of all spheres (B, V * S, dim), and where these are."""
        batch, n_views = views.shape[:2]
        flat = views.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        stages = self.encoder(flat, condition.repeat_interleave(n_views, dim=0))
        cells = self.project(stages[-1]).flatten(2).transpose(1, 2).unflatten(0, (batch, n_views))
        reading = self.reader(stages[self.config.sphere_stage])
        looks = self.looks(reading.features).unflatten(0, (batch, n_views))
        tokens = (cells + self.positions + self.camera).flatten(1, 2)
        return tokens, (looks + self.sphere + self.camera).flatten(1, 2), reading
