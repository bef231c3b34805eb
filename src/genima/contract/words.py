# SPDX-License-Identifier: Apache-2.0
"""Tasks and their instructions: as a recipe writes them, with templates, and as a contract holds them, one by one."""

import itertools
import string
from collections import Counter
from collections.abc import Mapping
from typing import Any

from genima.contract.kinds import NAME, TEXT, require

MOST_INSTRUCTIONS = 1000
TEMPLATES, SLOTS = 'templates', 'slots'

Words = Mapping[str, tuple[str, ...]]
"""Task to its instructions."""


def read_words(values: object) -> dict[str, tuple[str, ...]]:
    """Return the tasks of a recipe or contract with all their instructions.

    Args:
        values: Task to a list of instructions, or to `{templates: [...], slots: {name: [...]}}`, where each template, such
            as 'open the {side} drawer', stands for one instruction per choice of its slots.

    Raises:
        ContractError: if it is something else, a slot is unknown, or there are too many.
    """
    require(isinstance(values, Mapping), 'tasks', values, 'a mapping of tasks to their instructions')
    assert isinstance(values, Mapping)
    words: dict[str, tuple[str, ...]] = {}
    for task, said in values.items():
        require(NAME[1](task), 'tasks', task, NAME[0])
        texts = _expanded(f'tasks.{task}', said) if isinstance(said, Mapping) else said
        fits = isinstance(texts, (list, tuple)) and len(texts) > 0 and all(map(TEXT[1], texts))
        require(fits, f'tasks.{task}', texts, 'a list of instructions, or templates and slots')
        words[task] = tuple(dict.fromkeys(texts))
    counts = Counter(text for texts in words.values() for text in texts)
    twice = [text for text, count in counts.items() if count > 1]
    require(not twice, 'tasks', twice, 'an instruction for one task only: the words decide')
    require(len(counts) <= MOST_INSTRUCTIONS, 'tasks', f'{len(counts)} instructions', f'at most {MOST_INSTRUCTIONS}')
    return words


def _expanded(where: str, values: Mapping[str, Any]) -> list[str]:
    templates, slots = values.get(TEMPLATES), values.get(SLOTS, {})
    require(set(values) <= {TEMPLATES, SLOTS}, where, sorted(map(str, values)), f'{TEMPLATES}, {SLOTS}')
    require(
        isinstance(templates, list) and all(map(TEXT[1], templates)), f'{where}.{TEMPLATES}', templates, 'a list of texts'
    )
    fits = isinstance(slots, Mapping) and all(isinstance(each, list) and all(map(TEXT[1], each)) for each in slots.values())
    require(fits, f'{where}.{SLOTS}', slots, 'a mapping of names to lists of texts')
    assert isinstance(templates, list)
    expanded: list[str] = []
    for template in templates:
        names = _slots_of(template, f'{where}.{TEMPLATES}')
        require(
            set(names) <= set(slots), f'{where}.{TEMPLATES}', template, f'the slots {", ".join(map(str, slots)) or "(none)"}'
        )
        for choice in itertools.islice(itertools.product(*(slots[name] for name in names)), MOST_INSTRUCTIONS + 1):
            expanded.append(template.format(**dict(zip(names, choice, strict=True))))
    return expanded


def _slots_of(template: str, where: str) -> list[str]:
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError:
        parts = [('', None, '!', None)]
    plain = all(not spec and not conversion for _, _, spec, conversion in parts)
    names = [name for _, name, _, _ in parts if name is not None]
    require(plain and all(name.isidentifier() for name in names), where, template, 'text with {slots} by name')
    return list(dict.fromkeys(names))
