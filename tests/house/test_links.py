# SPDX-License-Identifier: Apache-2.0
"""Every file that a page links to is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path for path in ROOT.rglob('*.md') if not any(part.startswith(('.', 'out')) for part in path.relative_to(ROOT).parts)
)
GENERATED = {ROOT / 'docs' / 'reference' / f'{name}.md' for name in ('nodes', 'topics', 'messages', 'launch', 'cli')}
"""Pages that `make docs` writes."""
LINK = re.compile(r'\]\(([^)#\s]+)[^)]*\)')


@pytest.mark.parametrize('page', PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        if '://' not in target and not target.startswith('mailto:'):
            path = page.parent / target
            there = path.exists() or path.resolve() in GENERATED
            assert there, f'{page.relative_to(ROOT)} links to {target}, which is not there'
