# SPDX-License-Identifier: Apache-2.0
"""What a diagnosis says."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any


@dataclass(frozen=True)
class Finding:
    """Something that is wrong in a segment.

    Attributes:
        name: Of the diagnosis.
        text: One sentence with the numbers, and what to do.
        figures: The numbers again, and the names that they belong to.
    """

    name: str
    text: str
    figures: dict[str, float | str]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as failure.json has them."""
        return asdict(self)


def longest_run(flags: Iterable[bool]) -> int:
    """Return the length of the longest stretch of true ones."""
    return max((len(list(run)) for value, run in groupby(flags) if value), default=0)
