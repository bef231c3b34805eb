# SPDX-License-Identifier: Apache-2.0
"""Hooks of MkDocs: what pages link to outside of docs/ becomes part of the site, so that nothing needs the network.

A Markdown file becomes a page, any other file a page that shows it, a folder its README. Links to folders without one are
plain text.
"""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / 'docs'
OUTSIDE = 'project/'
"""Where the rest of the repository stands in the site."""
LINK = re.compile(r'(?<!!)\[([^\]]*)\]\(([^)#\s:]+)(#[^)\s]*)?\)')
LANGUAGES = {'.py': 'python', '.yaml': 'yaml', '.xml': 'xml', '.urdf': 'xml', '.json': 'json', '.toml': 'toml'}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is linked to outside of docs/, and what these pages link to in turn."""
    waiting = [DOCS / file.src_uri for file in files.documentation_pages()]
    found = [ROOT / uri.removeprefix(OUTSIDE) for uri in _in_nav(config.nav) if uri.startswith(OUTSIDE)]
    while waiting or found:
        for target in [*found, *(_targets(waiting.pop()) if waiting else ())]:
            uri = _uri(target)
            if uri and not files.get_file_from_path(uri):
                files.append(_file(config, target, uri))
                waiting += [target] if target.suffix == '.md' else []
        found = []
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links lead to the pages of the site."""
    uri = page.file.src_uri
    outside = uri.startswith(OUTSIDE)
    source = ROOT / uri.removeprefix(OUTSIDE) if outside else DOCS / uri

    def link(match: 're.Match[str]') -> str:
        text, target, anchor = match.groups()
        path = _readme((source.parent / target).resolve())
        if not path.exists() or (path.is_relative_to(DOCS) and not outside):
            return match[0]  # MkDocs checks it
        there = _uri(path) or (path.relative_to(DOCS).as_posix() if path.is_relative_to(DOCS) else '')
        return f'[{text}]({posixpath.relpath(there, posixpath.dirname(uri))}{anchor or ""})' if there else text

    return LINK.sub(link, markdown)


def _targets(page: Path) -> Iterator[Path]:
    """Yield the files outside of docs/ that a page links to."""
    if page.is_file():
        for _, target, _ in LINK.findall(page.read_text()):
            path = _readme((page.parent / target).resolve())
            if path.is_file() and not path.is_relative_to(DOCS):
                yield path


def _in_nav(nav: Any) -> Iterator[str]:
    """Yield the pages of the navigation."""
    if isinstance(nav, str):
        yield nav
    else:
        for each in nav.values() if isinstance(nav, dict) else nav:
            yield from _in_nav(each)


def _readme(path: Path) -> Path:
    return path / 'README.md' if (path / 'README.md').is_file() else path


def _uri(path: Path) -> str:
    """Return where a file outside of docs/ stands in the site; empty for a folder, and for a file of docs/."""
    if path.is_relative_to(DOCS) or not path.is_file():
        return ''
    uri = f'{OUTSIDE}{path.relative_to(ROOT).as_posix()}'
    return uri if path.suffix == '.md' else f'{uri}.md'


def _file(config: MkDocsConfig, path: Path, uri: str) -> Any:
    if path.suffix == '.md':
        return File.generated(config, uri, abs_src_path=str(path))
    shown = f'# {path.relative_to(ROOT)}\n\n````{LANGUAGES.get(path.suffix, "text")}\n{path.read_text()}````\n'
    return File.generated(config, uri, content=shown)
