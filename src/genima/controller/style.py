# SPDX-License-Identifier: Apache-2.0
"""The CVAE of ACT: what, beyond the inputs, distinguishes this demonstration (its style)."""

import torch
from torch import Tensor, nn


class StyleEncoder(nn.Module):
    """Encode the true chunk into a latent during training; at run time the latent is the prior's mean, zero."""

    def __init__(self, n_joints: int, dim: int, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.summary = nn.Parameter(torch.randn(1, 1, dim) * 0.1)
        self.action = nn.Linear(n_joints + 1, dim)
        self.state = nn.Linear(n_joints + 1, dim)
        layer = nn.TransformerEncoderLayer(dim, 4, 2 * dim, 0.0, 'gelu', batch_first=True, norm_first=True)
        self.transformer = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.posterior = nn.Linear(dim, 2 * latent_dim)
        self.token = nn.Linear(latent_dim, dim)

    def forward(
        self, state: Tensor, chunk: Tensor | None, valid: Tensor | None
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Return the latent token (B, dim), and the posterior's mean and log variance where a chunk is given.

        Args:
            state: (B, n + 1) network state.
            chunk: (B, T, n + 1) true moves and gripper (1 open, 0 closed), or None at run time.
            valid: (B, T) True where `chunk` holds data; padding is hidden from attention.
        """
        if chunk is None or valid is None:
            zero = state.new_zeros(len(state), self.latent_dim)
            return self.token(zero), None, None
        batch = len(state)
        tokens = torch.cat(
            [self.summary.expand(batch, -1, -1), self.state(state)[:, None], self.action(chunk) + self._steps(chunk)],
            dim=1,
        )
        hidden = torch.cat([valid.new_zeros(batch, 2), ~valid], dim=1)
        encoded = self.transformer(tokens, src_key_padding_mask=hidden)[:, 0]
        mean, log_variance = self.posterior(encoded).float().chunk(2, dim=1)
        latent = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        return self.token(latent), mean, log_variance

    def _steps(self, chunk: Tensor) -> Tensor:
        """Return a sine encoding (T, dim) of the step numbers."""
        steps = torch.arange(chunk.shape[1], device=chunk.device, dtype=chunk.dtype)
        dim = self.summary.shape[-1]
        frequency = torch.exp(-torch.arange(0, dim, 2, device=chunk.device) * (9.0 / dim))
        angle = steps[:, None] * frequency
        return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)
