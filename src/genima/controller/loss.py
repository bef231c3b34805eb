# SPDX-License-Identifier: Apache-2.0
"""What the controller is trained on: joint L1, gripper cross-entropy, where the spheres are, the CVAE's divergence."""

from torch import Tensor
from torch.nn import functional

from genima.controller.act import ActOutput

GRIPPER_WEIGHT = 0.1
DIVERGENCE_WEIGHT = 0.01
POINT_WEIGHT = 1.0
SEEN_WEIGHT = 0.1


def act_loss(
    output: ActOutput, delta: Tensor, gripper_open: Tensor, valid: Tensor, sphere_uv: Tensor | None = None
) -> dict[str, Tensor]:
    """Return `total` and its parts; steps outside `valid` weigh nothing.

    Args:
        output: of the network, (B, T, ...).
        delta: (B, T, n) true joint moves from `Normalizer.encode`.
        gripper_open: (B, T) 1 open, 0 closed.
        valid: (B, T) True where the chunk holds data.
        sphere_uv: (B, V, S, 2) where the spheres are in the views, -1 to 1; NaN where out of view.
    """
    weight = valid.to(delta.dtype)
    steps = weight.sum().clamp(min=1)
    joints = ((output.delta.float() - delta).abs().mean(-1) * weight).sum() / steps
    entropy = functional.binary_cross_entropy_with_logits(output.gripper_logit.float(), gripper_open, reduction='none')
    gripper = (entropy * weight).sum() / steps
    parts = {'joints': joints, 'gripper': gripper}
    total = joints + GRIPPER_WEIGHT * gripper
    if output.latent_mean is not None and output.latent_log_variance is not None:
        mean, log_variance = output.latent_mean, output.latent_log_variance
        divergence = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(1).mean()
        parts['divergence'] = divergence
        total = total + DIVERGENCE_WEIGHT * divergence
    if output.reading is not None and sphere_uv is not None:
        where = sphere_uv.flatten(0, 1)
        seen = where.isfinite()
        apart = (output.reading.uv - where.nan_to_num()).abs()
        parts['points'] = (apart * seen).sum() / seen.sum().clamp(min=1)
        said = output.reading.seen_logit
        parts['seen'] = functional.binary_cross_entropy_with_logits(said, seen[..., 0].to(said.dtype))
        total = total + POINT_WEIGHT * parts['points'] + SEEN_WEIGHT * parts['seen']
    return {'total': total, **{name: part.detach() for name, part in parts.items()}}
