# SPDX-License-Identifier: Apache-2.0
"""Which files of a pipeline hold its weights: plain ones, or those of a variant such as `fp16`; never pickled ones."""

import re
from collections.abc import Sequence
from pathlib import Path

from genima.errors import PolicyError

_WEIGHTS = re.compile(r'(?:diffusion_pytorch_model|model)(?:\.(?P<variant>\w+))?(?:-\d+-of-\d+)?\.safetensors')


def weights_variant(directory: Path, parts: Sequence[str]) -> str | None:
    """Return the variant that must be named to load a pipeline; None where every part has plain weights.

    Args:
        directory: Of the pipeline.
        parts: Its folders that hold weights.

    Raises:
        PolicyError: if a part has no weights in safetensors, or parts have plain weights in no common variant.
    """
    found = {part: _variants(directory / part) for part in parts}
    lacking = [part for part, variants in found.items() if None not in variants]
    if not lacking:
        return None
    common = sorted(str(name) for name in set.intersection(*(found[part] for part in lacking)))
    if common:
        return 'fp16' if 'fp16' in common else common[0]
    there = '; '.join(f'{part}: {", ".join(sorted(map(str, found[part])))}' for part in lacking)
    raise PolicyError(
        f'{directory} has plain weights for no part of {", ".join(lacking)}, and no variant common to them ({there}); copy '
        'the files of one variant for all of them'
    )


def weights_files(folder: Path, variant: str | None) -> list[Path]:
    """Return the files that hold the weights of one part in a variant, by name."""
    matches = ((path, _WEIGHTS.fullmatch(path.name)) for path in sorted(folder.iterdir()))
    return [path for path, match in matches if match and match['variant'] == variant]


def _variants(folder: Path) -> set[str | None]:
    """Return the variants of one part, None for plain weights."""
    matches = (_WEIGHTS.fullmatch(path.name) for path in folder.iterdir())
    variants = {match['variant'] for match in matches if match}
    if variants:
        return variants
    pickled = sorted(path.name for path in folder.glob('*.bin'))
    if pickled:
        raise PolicyError(
            f'{folder} holds {pickled[0]}, a pickle, which is never read here: load the pipeline with diffusers where you '
            'trust it, and write it with pipeline.save_pretrained(directory, safe_serialization=True)'
        )
    raise PolicyError(f'{folder} holds no weights (*.safetensors): copy them there, or train the painter')
