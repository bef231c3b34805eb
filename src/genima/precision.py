# SPDX-License-Identifier: Apache-2.0
"""Half precision where a machine computes with it; elsewhere it is emulated, many times slower than single precision."""

from contextlib import AbstractContextManager, nullcontext
from functools import cache

import torch


def half_precision(device: str | torch.device = 'cpu') -> AbstractContextManager[object]:
    """Return a context in which networks compute with bfloat16 where `device` can, and with float32 where it cannot."""
    kind = torch.device(device).type
    return torch.autocast(kind, torch.bfloat16) if computes_bfloat16(kind) else nullcontext()


@cache
def computes_bfloat16(kind: str) -> bool:
    """Return whether devices of a kind ('cpu', 'cuda', ...) compute with bfloat16 themselves.

    Of x86 processors those with AVX-512 do: oneDNN takes bfloat16 there only, and torch's own convolutions are slow.
    """
    if kind == 'cuda':
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return kind == 'cpu' and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
