# SPDX-License-Identifier: Apache-2.0
"""What a client asks a served policy, checked value by value: ours, and the client of openpi."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genima.cameras.model import CameraModel
from genima.contract.preprocessor import Preprocessor
from genima.contract.spec import PolicySpec
from genima.errors import ContractError
from genima.policy.protocols import Observation

MAX_INSTRUCTION = 2000
MAX_IMAGE_PX = 2048
PREFIX = 'observation/'


@dataclass(frozen=True)
class Question:
    """A request for a chunk.

    Attributes:
        observation: What the policy answers to.
        instruction: What to do; None: the contract's.
        want_targets: Whether the painted views are sent along.
    """

    observation: Observation
    instruction: str | None
    want_targets: bool = False


def question_of(message: Mapping[Any, Any], spec: PolicySpec) -> Question:
    """Read a message of our client.

    Raises:
        ContractError: naming the value that is missing or wrong.
    """
    spec.require_same(_text(message, 'contract', 64), 'the question')
    size_px = spec.view_size_px
    shape = (len(spec.cameras), size_px, size_px, 3)
    views = _array(message, 'views')
    if views.dtype != np.uint8 or views.shape != shape:
        raise ContractError(
            f'views: got {views.dtype} {views.shape}, allowed: uint8 {shape}, cameras {", ".join(spec.cameras)}'
        )
    stamp_s = _number(message, 'stamp_s')
    observation = Observation(
        stamp_s,
        np.ascontiguousarray(views),
        _number(message, 'views_stamp_s'),
        _numbers(_array(message, 'q_rad'), 'q_rad', len(spec.joint_names)),
        _number(message, 'gripper_open'),
    )
    instruction = _text(message, 'instruction', MAX_INSTRUCTION)
    return Question(observation, instruction or None, message.get('want_targets') is True)


def openpi_question(message: Mapping[Any, Any], spec: PolicySpec) -> Question:
    """Read an observation of openpi's client: `observation/state`, `observation/<camera>` for each camera, and `prompt`.

    The state is the joint positions [rad] and the opening of the gripper. Images are uint8, (H, W, 3) or (3, H, W), of any
    size, without distortion.

    Raises:
        ContractError: naming the value that is missing or wrong.
    """
    n_joints = len(spec.joint_names)
    state = _numbers(_array(message, f'{PREFIX}state'), f'{PREFIX}state', n_joints + 1)
    frames = {name: _openpi_image(message, name) for name in spec.cameras}
    views = Preprocessor(spec).views(frames)
    prompt = _text(message, 'prompt', MAX_INSTRUCTION) if 'prompt' in message else ''
    return Question(Observation(0.0, views, 0.0, state[:n_joints], float(state[n_joints])), prompt or None)


def _openpi_image(message: Mapping[Any, Any], name: str) -> tuple[NDArray[np.uint8], CameraModel]:
    image = _array(message, f'{PREFIX}{name}')
    if image.ndim == 3 and image.shape[0] == 3 and image.shape[2] != 3:
        image = image.transpose(1, 2, 0)
    if (
        image.dtype != np.uint8
        or image.ndim != 3
        or image.shape[2] != 3
        or not 8 <= min(image.shape[:2]) <= max(image.shape[:2]) <= MAX_IMAGE_PX
    ):
        raise ContractError(
            f'{PREFIX}{name}: got {image.dtype} {image.shape}, allowed: uint8 (height, width, 3), 8 to {MAX_IMAGE_PX} pixels'
        )
    height_px, width_px = image.shape[:2]
    # the focal length does not matter: nothing is rectified, and the centre is cut out
    K = np.array([[width_px, 0, (width_px - 1) / 2], [0, width_px, (height_px - 1) / 2], [0, 0, 1]], dtype=float)
    return np.ascontiguousarray(image), CameraModel(name, width_px, height_px, K)


def _value(message: Mapping[Any, Any], name: str) -> Any:
    if name not in message:
        raise ContractError(
            f'the question has no {name!r}; it has {", ".join(sorted(map(str, message)))[:200] or "nothing"}'
        )
    return message[name]


def _array(message: Mapping[Any, Any], name: str) -> NDArray[Any]:
    value = _value(message, name)
    if not isinstance(value, np.ndarray):
        raise ContractError(f'{name}: got {type(value).__name__}, allowed: an array')
    return value


def _numbers(value: NDArray[Any], name: str, count: int) -> NDArray[np.float64]:
    if value.shape != (count,) or value.dtype.kind not in 'fiu' or not np.isfinite(value).all():
        raise ContractError(f'{name}: got {value.dtype} {value.shape}, allowed: {count} finite numbers')
    return value.astype(np.float64)


def _number(message: Mapping[Any, Any], name: str) -> float:
    value = _value(message, name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ContractError(f'{name}: got {value!r:.50}, allowed: a finite number')
    return float(value)


def _text(message: Mapping[Any, Any], name: str, longest: int) -> str:
    value = _value(message, name)
    if not isinstance(value, str) or len(value) > longest:
        raise ContractError(f'{name}: got {type(value).__name__}, allowed: text of at most {longest} characters')
    return value
