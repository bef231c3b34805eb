# SPDX-License-Identifier: Apache-2.0
"""Patterns of paths such as `data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet`, filled in.

`str.format` takes widths of any size, and attributes of what it is given; a pattern of somebody else gets neither.
"""

import re
from collections.abc import Mapping

_FIELD = re.compile(r'\{(\w+)(?::0?(\d{1,2})d)?\}')
MAX_CHARACTERS = 1000


def fill(pattern: str, values: Mapping[str, str | int]) -> str:
    """Return a pattern with each `{name}` and `{name:03d}` replaced.

    Raises:
        ValueError: if it is too long, or has anything else in braces.
        KeyError: for a name that is not in `values`.
    """
    if len(pattern) > MAX_CHARACTERS or set('{}') & set(_FIELD.sub('', pattern)):
        raise ValueError('fields are {name} or {name:03d}')
    return _FIELD.sub(lambda match: str(values[match[1]]).zfill(int(match[2] or 0)), pattern)
