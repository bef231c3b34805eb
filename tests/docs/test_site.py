# SPDX-License-Identifier: Apache-2.0
"""The site is built without a warning, from docs/ and from the code; nothing in it is fetched from elsewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / 'docs' / 'reference'


def pages(nav: object) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    return [page for each in (nav.values() if isinstance(nav, dict) else nav) for page in pages(each)]  # type: ignore[attr-defined]


def test_every_page_of_docs_is_in_the_navigation() -> None:
    listed = pages(yaml.safe_load((ROOT / 'mkdocs.yml').read_text())['nav'])
    written = {path.relative_to(ROOT / 'docs').as_posix() for path in (ROOT / 'docs').rglob('*.md')}
    own = {page for page in listed if not page.startswith('project/')}
    assert {page for page in own if not page.startswith('reference/')} == {
        page for page in written if not page.startswith('reference/')
    }
    for page in set(listed) - own:
        assert (ROOT / page.removeprefix('project/')).is_file(), page


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip('mkdocs', reason="pip install '.[docs]'")
    pytest.importorskip('mkdocstrings', reason="pip install '.[docs]'")
    environment = {**os.environ, 'NO_MKDOCS_2_WARNING': '1'}
    for command in (
        [sys.executable, 'tools/docs/reference.py', str(REFERENCE)],
        [sys.executable, '-m', 'mkdocs', 'build', '--strict', '--site-dir', str(tmp_path)],
    ):
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
    nodes = (tmp_path / 'reference' / 'nodes.html').read_text()
    for name in ('guard_node', 'replay_node', 'fci_node', 'speed_limit', 'max_target_age_s'):
        assert name in nodes
    for page in tmp_path.rglob('*.html'):
        fetched = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="?(https?://[^" >]+)', page.read_text())
        assert not fetched, f'{page.name} fetches {fetched}'
