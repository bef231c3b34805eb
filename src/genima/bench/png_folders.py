# SPDX-License-Identifier: Apache-2.0
"""The original's way to load what the painter learns from: tiled views and tiled targets as PNG files.

Source: MohitShridhar/genima, `diffusion/rlbench_dataset/rlbench_dataset.py` (PNG bytes of `tiled_rgb` and
`tiled_rgb_rendered`) and `diffusion/train_controlnet_genima.py` (decoding by PIL, `convert('RGB')`, torchvision's ToTensor,
Normalize of the targets, stacking). Resize and CenterCrop are left out: pictures have the size wanted. So is the file that
`datasets` keeps the bytes in; reading them from files in the page cache costs next to nothing beside decoding.
"""

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pictures
from torch import Tensor

Image = NDArray[np.uint8]
VIEWS, TARGETS = 'tiled_rgb', 'tiled_rgb_rendered'
Decode = Callable[[bytes], Image]


def write_png(folder: Path, index: int, views: Image, targets: Image) -> None:
    """Write the tiles (H, W, 3) of one moment."""
    for name, tile in ((VIEWS, views), (TARGETS, targets)):
        path = folder / name / f'{index}.png'
        path.parent.mkdir(exist_ok=True)
        Pictures.fromarray(tile).save(path)


def by_pil(data: bytes) -> Image:
    """Decode as the original does."""
    return np.array(Pictures.open(io.BytesIO(data)).convert('RGB'))


def by_opencv(data: bytes) -> Image:
    """Decode as fast as PNG can be decoded with what is installed here."""
    image = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(cv2.cvtColor(np.asarray(image), cv2.COLOR_BGR2RGB), dtype=np.uint8)


def read_pixels(folder: Path, name: str, indices: Sequence[int], decode: Decode) -> Image:
    """Return tiles (B, H, W, 3) uint8."""
    return np.stack([decode((folder / name / f'{index}.png').read_bytes()) for index in indices])


def read_tensors(folder: Path, name: str, indices: Sequence[int], decode: Decode) -> Tensor:
    """Return tiles (B, 3, H, W) float32: views in [0, 1], targets in [-1, 1], by the operations of torchvision."""
    tensors = []
    for index in indices:
        pixels = torch.from_numpy(decode((folder / name / f'{index}.png').read_bytes()))
        tensor = pixels.permute(2, 0, 1).contiguous().to(torch.float32).div(255)
        tensors.append(tensor.sub_(0.5).div_(0.5) if name == TARGETS else tensor)
    return torch.stack(tensors).to(memory_format=torch.contiguous_format).float()
