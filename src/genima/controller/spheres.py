# SPDX-License-Identifier: Apache-2.0
"""Where the painted spheres are in the views, and the arm's way there: geometry, in full precision."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Reading:
    """What is read of S spheres in N views.

    Attributes:
        uv: (N, S, 2) column and row of the centre, from -1 to 1 from border to border.
        seen_logit: (N, S) above zero where the centre is in the view.
        features: (N, S, C) what the sphere looks like there.
    """

    uv: Tensor
    seen_logit: Tensor
    features: Tensor

    def points(self) -> Tensor:
        """Return (N, S, 3) column, row and 1 where seen; a sphere out of view has no place, half a sight is none."""
        seen = (self.seen_logit > 0).to(self.uv.dtype)[..., None]
        return torch.cat([self.uv * seen, seen], dim=-1)


class SphereReader(nn.Module):
    """Soft argmax of one learned heat map per sphere (Levine et al. 2016), to a fraction of a cell."""

    def __init__(self, channels: int, spheres: int) -> None:
        super().__init__()
        self.heat = nn.Conv2d(channels, spheres, 1)
        self.seen = nn.Parameter(torch.zeros(spheres, channels))
        self.seen_bias = nn.Parameter(torch.zeros(spheres))

    def forward(self, features: Tensor) -> Reading:
        """Read features (N, C, h, w), in float32."""
        height, width = features.shape[2:]
        with torch.autocast(features.device.type, enabled=False):
            features = features.float()
            weight = self.heat(features).flatten(2).softmax(dim=-1)
            looks = weight @ features.flatten(2).transpose(1, 2)
            x = (torch.arange(width, device=features.device) + 0.5) * 2 / width - 1
            y = (torch.arange(height, device=features.device) + 0.5) * 2 / height - 1
            cells = weight.unflatten(2, (height, width))
            uv = torch.stack([cells.sum(2) @ x, cells.sum(3) @ y], dim=-1)
            return Reading(uv, (looks * self.seen).sum(-1) + self.seen_bias, looks)


class Reach(nn.Module):
    """From where the spheres are, the joints and the target's age to a chunk of joint moves.

    It sees no pixels, so that training can show it any number of motions as numbers: what it takes to reach *these*
    spheres from *any* state nearby, rather than to go on as demonstrations do.
    """

    def __init__(self, spheres: int, n_views: int, n_joints: int, chunk_steps: int, width: int, dim: int) -> None:
        super().__init__()
        inputs = 3 * spheres * n_views + n_joints + 2
        self.trunk = nn.Sequential(
            nn.Linear(inputs, width), nn.GELU(), nn.Linear(width, width), nn.GELU(), nn.Linear(width, width), nn.GELU()
        )
        self.moves = nn.Linear(width, chunk_steps * n_joints)
        self.token = nn.Linear(width, dim)
        self.chunk_steps = chunk_steps

    def forward(self, points: Tensor, state: Tensor, age: Tensor) -> tuple[Tensor, Tensor]:
        """Return moves (B, T, n) and a token (B, dim) that says the same.

        Args:
            points: (B, V, S, 3) from `Reading.points`, cameras and spheres in contract order.
            state: (B, n + 1) from `Normalizer.state`.
            age: (B,) age of the target images as a share of the largest one.
        """
        with torch.autocast(points.device.type, enabled=False):  # bfloat16 would round a position to half a pixel
            hidden = self.trunk(torch.cat([points.flatten(1), state, age[:, None]], dim=1).float())
            return self.moves(hidden).unflatten(1, (self.chunk_steps, -1)), self.token(hidden)
