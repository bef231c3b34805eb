# SPDX-License-Identifier: Apache-2.0
"""Instructions as a pretrained CLIP text encoder understands them, embedded once, when the controller is trained."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer

from genima.errors import PolicyError


def embed_texts(folder: Path | str, texts: Sequence[str]) -> Tensor:
    """Return pooled embeddings (n, width), rounded as a policy stores them.

    Args:
        folder: Of a CLIP text model with its tokenizer, or a pipeline folder with `text_encoder/` and `tokenizer/`.
        texts: What to embed.

    Raises:
        PolicyError: if there is no whole text model.
    """
    root = Path(folder)
    parts = (root / 'text_encoder', root / 'tokenizer') if (root / 'text_encoder').is_dir() else (root, root)
    if not (parts[1] / 'tokenizer_config.json').is_file():  # without it, transformers makes one that knows no word
        raise PolicyError(f'{root} does not hold a whole CLIP text model with its tokenizer: no tokenizer_config.json')
    try:
        model = CLIPTextModel.from_pretrained(parts[0], local_files_only=True, use_safetensors=True).eval()
        tokenizer = CLIPTokenizer.from_pretrained(parts[1], local_files_only=True)
    except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise PolicyError(f'{root} does not hold a whole CLIP text model with its tokenizer: {error}') from error
    tokens = tokenizer(list(texts), padding=True, truncation=True, return_tensors='pt')
    with torch.no_grad():
        pooled = model(tokens['input_ids'], attention_mask=tokens['attention_mask']).pooler_output
    return pooled.half().float()


class TextProjection(nn.Module):
    """Embeddings (B, text_dim) of a text encoder to conditions (B, dim)."""

    def __init__(self, text_dim: int, dim: int) -> None:
        super().__init__()
        self.project = nn.Linear(text_dim, dim)
        self.norm = nn.LayerNorm(dim)

    def forward(self, texts: Tensor) -> Tensor:
        """Project `texts`."""
        projected: Tensor = self.norm(self.project(texts))
        return projected
