# SPDX-License-Identifier: Apache-2.0
"""A trained controller, loaded from a policy directory: target images and joint state in, a chunk out."""

import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from genima.borders.files import border, inside
from genima.borders.texts import read_json
from genima.borders.weights import check_finite, check_shapes, stored_shapes
from genima.chunks.plan import Chunk
from genima.contract.spec import PolicySpec
from genima.controller.act import Act, ActConfig
from genima.controller.networks import ControllerNetwork, TorchNetwork
from genima.controller.normalizer import Normalizer
from genima.errors import BorderError, ContractError, PolicyError
from genima.files import atomic_path, write_atomic

CONFIG_FILE = 'controller/config.json'
WEIGHTS_FILE = 'controller/model.safetensors'
_CONFIG_KEYS = {'act', 'normalizer', 'instructions'}


class Controller:
    """Runs the ACT network on painted target images.

    Attributes:
        spec: The contract that the networks were trained under.
        model: The network, in evaluation mode.
        network: What runs it: torch, or another back end.
        normalizer: The statistics that it was trained with.
        instructions: The instructions that it was trained on; it knows no others.
    """

    def __init__(
        self, spec: PolicySpec, model: Act, normalizer: Normalizer, instructions: tuple[str, ...], device: str = 'cpu'
    ) -> None:
        """Join the parts.

        Raises:
            ContractError: if the network or the normaliser does not fit the contract.
        """
        check_fits(spec, model.config, normalizer)
        self.spec = spec
        self.normalizer = normalizer
        self.instructions = instructions
        self._device = torch.device(device)
        self.model = model.eval().to(self._device)
        self.network: ControllerNetwork = TorchNetwork(self.model)
        self._words = {text: model.instruction_input(instructions, text) for text in instructions}

    @classmethod
    def load(cls, policy_dir: Path | str, device: str = 'cpu') -> 'Controller':
        """Load `policy.yaml` and `controller/` of a policy directory.

        Raises:
            PolicyError: if a file is missing or damaged.
            ContractError: if the controller was made for another contract.
        """
        spec = PolicySpec.load(policy_dir)
        values = _read_config(Path(policy_dir) / CONFIG_FILE)
        config, weights = ActConfig.from_dict(values['act']), Path(policy_dir) / WEIGHTS_FILE
        if config.text_dim and config.texts != len(values['instructions']):
            raise PolicyError(
                f'{CONFIG_FILE} of {policy_dir} has {len(values["instructions"])} instructions and {config.texts} embeddings'
            )
        if not weights.is_file():
            raise PolicyError(f'{weights} is missing; train it with `genima train controller`')
        advice = f'it must hold the network of {CONFIG_FILE}: train or copy both again'
        with border(weights, advice, PolicyError):
            stored = stored_shapes(inside(policy_dir, weights))
            with torch.device('meta'):
                check_shapes(stored, Act(config), weights)
            state = load_file(weights)
            check_finite(state, weights)
            model = Act(config)
            model.load_state_dict({name: value.float() for name, value in state.items()})
        with border(Path(policy_dir) / CONFIG_FILE, 'train or copy the controller again', PolicyError):
            return cls(spec, model, Normalizer.from_dict(values['normalizer']), tuple(values['instructions']), device)

    def save(self, policy_dir: Path | str) -> None:
        """Write `controller/config.json` and `controller/model.safetensors` (matrices in half precision)."""
        directory = Path(policy_dir)
        state = {
            name: (value.half() if value.is_floating_point() and value.ndim >= 2 else value).cpu().contiguous()
            for name, value in self.model.state_dict().items()
        }
        with atomic_path(directory / WEIGHTS_FILE) as temporary:
            save_file(state, temporary)
        config = {
            'act': self.model.config.to_dict(),
            'normalizer': self.normalizer.to_dict(),
            'instructions': list(self.instructions),
        }
        write_atomic(directory / CONFIG_FILE, json.dumps(config, indent=1) + '\n')

    def act(
        self,
        target_views: NDArray[np.uint8],
        q_rad: NDArray[np.floating],
        gripper_open: float,
        target_age_s: float,
        instruction: str | None = None,
        *,
        stamp_s: float = 0.0,
    ) -> Chunk:
        """Return the chunk that leads from the joint state now to what the target images show.

        Nothing is clamped here; the guard limits motion.

        Args:
            target_views: (V, S, S, 3) uint8 painted views, cameras in contract order.
            q_rad: (n,) measured joint positions, in contract order.
            gripper_open: Measured opening, 0 closed to 1 open.
            target_age_s: Time of the joint state minus capture time of the views that were painted.
            instruction: One of `instructions`; the contract's where None.
            stamp_s: ROS time of the joint state, becomes the chunk's stamp.

        Raises:
            ContractError: if an input has another shape or type, is not finite, is too old, or the instruction is unknown.
        """
        q, opening = np.asarray(q_rad, dtype=np.float64), float(gripper_open)
        self._check(target_views, q, opening, target_age_s)
        words = self._lookup(instruction)
        views = torch.from_numpy(np.ascontiguousarray(target_views)).to(self._device)
        state = torch.from_numpy(self.normalizer.state(q, opening)).to(self._device)
        age = torch.tensor([self.age_share(target_age_s)], dtype=torch.float32, device=self._device)
        with torch.inference_mode():
            delta, gripper_logit = self.network.predict(to_network(views[None]), state[None], age, words.to(self._device))
        return Chunk(
            stamp_s=stamp_s,
            dt_s=1 / self.spec.control_rate_hz,
            q_rad=self.normalizer.decode(delta[0].cpu().numpy(), q),
            gripper_open=gripper_logit[0].sigmoid().cpu().numpy().astype(np.float64),
        )

    def age_share(self, age_s: float) -> float:
        """Return `age_s` as a share of the largest age that the contract allows."""
        return age_s * self.spec.control_rate_hz / max(self.spec.max_target_age_steps, 1)

    def _check(self, views: NDArray[np.uint8], q: NDArray[np.float64], opening: float, age_s: float) -> None:
        size = self.spec.view_size_px
        shape = (len(self.spec.cameras), size, size, 3)
        if getattr(views, 'shape', None) != shape or views.dtype != np.uint8:
            got = f'{getattr(views, "shape", type(views))} {getattr(views, "dtype", "")}'
            raise ContractError(f'target views must be uint8 of shape {shape} (contract order), got {got}')
        if q.shape != (len(self.spec.joint_names),):
            raise ContractError(f'joint state must have shape ({len(self.spec.joint_names)},), got {q.shape}')
        if not np.isfinite(q).all() or not np.isfinite(opening):
            raise ContractError(f'joint state must be finite, got q = {q.tolist()}, gripper opening = {opening}')
        if not -0.01 <= self.age_share(age_s) <= 1.001:
            allowed = self.spec.max_target_age_steps / self.spec.control_rate_hz
            raise ContractError(
                f'target image is {age_s:.3f} s old; the controller was trained for 0 to {allowed:.3f} s: '
                'make the painter faster or train with a larger max_target_age_steps'
            )

    def _lookup(self, instruction: str | None) -> torch.Tensor:
        text = self.spec.instruction if instruction is None else instruction
        if text not in self._words:
            raise ContractError(f'unknown instruction {text!r}; this controller was trained on {list(self.instructions)}')
        return self._words[text]


def to_network(views: torch.Tensor) -> torch.Tensor:
    """Turn uint8 views (..., H, W, 3) into what the network reads: (..., 3, H, W) in [-1, 1]."""
    return views.movedim(-1, -3).float().div_(127.5).sub_(1)


def check_fits(spec: PolicySpec, config: ActConfig, normalizer: Normalizer) -> None:
    """Check a network and its normaliser against a contract.

    Raises:
        ContractError: naming the first thing that differs.
    """
    pairs = {
        'joints': (len(spec.joint_names), config.n_joints),
        'cameras': (len(spec.cameras), config.n_views),
        'view_size_px': (spec.view_size_px, config.view_size_px),
        'chunk_steps': (spec.chunk_steps, config.chunk_steps),
        'joints of the normaliser': (len(spec.joint_names), len(normalizer.q_mean_rad)),
    }
    for name, (wanted, got) in pairs.items():
        if wanted != got:
            raise ContractError(f'contract and controller differ in {name}: contract has {wanted}, controller {got}')
    if spec.normalizer and spec.normalizer != normalizer.to_dict():
        raise ContractError(
            f'contract and controller differ in the normaliser: {spec.normalizer} against {normalizer.to_dict()}; '
            'they were written by different trainings'
        )


def _read_config(path: Path) -> dict:
    if not path.is_file():
        raise PolicyError(f'{path} is missing; train the controller with `genima train controller`')
    try:
        values = read_json(inside(path.parents[1], path))
    except BorderError as error:
        raise PolicyError(f'{path} cannot be read: {error}') from error
    if not isinstance(values, dict) or set(values) != _CONFIG_KEYS:
        raise PolicyError(f'{path} must have exactly the keys {sorted(_CONFIG_KEYS)}')
    return values
