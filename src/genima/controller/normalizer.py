# SPDX-License-Identifier: Apache-2.0
"""The one place where joint positions become network numbers and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genima.errors import ContractError

_FLOOR_RAD = 0.02
"""A joint that never moved in the data must not blow noise up."""


@dataclass(frozen=True)
class Normalizer:
    """Statistics of the joints, used by trainer and runtime alike.

    Attributes:
        q_mean_rad: (n,) mean observed joint position.
        q_std_rad: (n,) its standard deviation.
        delta_scale_rad: (n,) size of a typical move within one chunk; the network's output is counted in it.
    """

    q_mean_rad: NDArray[np.float64]
    q_std_rad: NDArray[np.float64]
    delta_scale_rad: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ('q_mean_rad', 'q_std_rad', 'delta_scale_rad'):
            values = np.asarray(getattr(self, name), dtype=np.float64)
            object.__setattr__(self, name, values)
            if values.ndim != 1 or len(values) != len(self.q_mean_rad) or not np.isfinite(values).all():
                raise ContractError(f'normalizer {name} must be finite numbers, one per joint; got {values!r}')
        if (self.q_std_rad <= 0).any() or (self.delta_scale_rad <= 0).any():
            raise ContractError('normalizer scales must be above zero; fit it again on the dataset')

    @staticmethod
    def fit(q_rad: NDArray[np.floating], chunk_q_rad: NDArray[np.floating]) -> 'Normalizer':
        """Fit to states `q_rad` (N, n) and the chunks `chunk_q_rad` (N, T, n) that start there."""
        delta = chunk_q_rad - q_rad[:, None]
        return Normalizer(
            q_mean_rad=q_rad.mean(0),
            q_std_rad=np.maximum(q_rad.std(0), _FLOOR_RAD),
            delta_scale_rad=np.maximum(np.sqrt((delta**2).mean((0, 1))), _FLOOR_RAD),
        )

    def state(self, q_rad: NDArray[np.floating], gripper_open: NDArray[np.floating] | float) -> NDArray[np.float32]:
        """Return the network's state input (..., n + 1) for joints (..., n) and gripper opening (...) in [0, 1]."""
        q = (np.asarray(q_rad) - self.q_mean_rad) / self.q_std_rad
        opening = np.asarray(gripper_open)[..., None] * 2 - 1
        return np.concatenate([q, opening], axis=-1).astype(np.float32)

    def encode(self, q_target_rad: NDArray[np.floating], q_now_rad: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return what the network should output at `q_now_rad` (..., n) to mean `q_target_rad` (..., T, n)."""
        delta = np.asarray(q_target_rad) - np.asarray(q_now_rad)[..., None, :]
        return (delta / self.delta_scale_rad).astype(np.float32)

    def decode(self, output: NDArray[np.floating], q_now_rad: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the absolute joint targets (..., T, n) of a network output; the inverse of `encode`."""
        return np.asarray(q_now_rad, dtype=np.float64)[..., None, :] + np.asarray(output) * self.delta_scale_rad

    def to_dict(self) -> dict[str, list[float]]:
        """Return plain lists for JSON and YAML."""
        return {
            'q_mean_rad': self.q_mean_rad.tolist(),
            'q_std_rad': self.q_std_rad.tolist(),
            'delta_scale_rad': self.delta_scale_rad.tolist(),
        }

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> 'Normalizer':
        """Read what `to_dict` wrote.

        Raises:
            ContractError: if a key is missing or unknown.
        """
        keys = {'q_mean_rad', 'q_std_rad', 'delta_scale_rad'}
        if set(values) != keys:
            raise ContractError(f'normalizer has keys {sorted(values)}, needs {sorted(keys)}')
        fields: dict[str, Sequence[float]] = {key: values[key] for key in keys}
        return Normalizer(**{key: np.asarray(value, dtype=np.float64) for key, value in fields.items()})
