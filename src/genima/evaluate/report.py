# SPDX-License-Identifier: Apache-2.0
"""One HTML page that shows a run: tables, pictures, plots and a video, all inside the file."""

import base64
import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

_STYLE = """
:root { color-scheme: light; --ink: #1b1f24; --soft: #5b6570; --line: #dfe3e8; --good: #1a7f37; --bad: #cf222e; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); margin: 2rem auto; max-width: 1040px; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
p.soft, figcaption { color: var(--soft); } table { border-collapse: collapse; margin: .6rem 0; }
td, th { padding: .25rem .9rem .25rem 0; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; }
td:first-child, th:first-child, .words { text-align: left; } .good { color: var(--good); } .bad { color: var(--bad); }
.pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(320px, 1fr)); gap: 1rem; }
figure { margin: 0; } figure img { width: 50%; image-rendering: auto; } video, svg { width: 100%; height: auto; }
"""
SENTENCE = 30  # characters


@dataclass(frozen=True)
class Pair:
    """Camera views beside the target image painted on them, both tiled (H, W, 3) uint8."""

    caption: str
    views: np.ndarray
    target: np.ndarray


@dataclass
class Report:
    """A page in the making; each `add_…` appends one section."""

    title: str
    summary: str
    _parts: list[str] = field(default_factory=list)

    def add_table(self, heading: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Add a table; a cell that is a bool becomes a coloured word, and a column of words begins at the left."""
        rows = list(rows)
        kinds = [' class="words"' if _are_words([row[index] for row in rows]) else '' for index in range(len(columns))]
        head = ''.join(f'<th{kind}>{html.escape(column)}</th>' for kind, column in zip(kinds, columns, strict=True))
        lines = (''.join(f'<td{kind}>{_cell(cell)}</td>' for kind, cell in zip(kinds, row, strict=True)) for row in rows)
        body = ''.join(f'<tr>{line}</tr>' for line in lines)
        self._add(heading, f'<table><tr>{head}</tr>{body}</table>')

    def add_pairs(self, heading: str, pairs: Iterable[Pair]) -> None:
        """Add pictures: views on the left, target image on the right."""
        self._add(heading, f'<div class="pairs">{"".join(map(_figure, pairs))}</div>')

    def add_plot(self, heading: str, svg: str, note: str = '') -> None:
        """Add a plot given as SVG text."""
        self._add(heading, f'{svg}<p class="soft">{html.escape(note)}</p>')

    def add_video(self, heading: str, mp4: bytes) -> None:
        """Add a video."""
        source = 'data:video/mp4;base64,' + base64.b64encode(mp4).decode()
        self._add(heading, f'<video controls muted loop autoplay playsinline src="{source}"></video>')

    def html(self) -> str:
        """Return the whole page; it refers to nothing outside itself."""
        title = html.escape(self.title)
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
            f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
            f'<body><h1>{title}</h1><p class="soft">{html.escape(self.summary)}</p>{"".join(self._parts)}</body></html>'
        )

    def _add(self, heading: str, body: str) -> None:
        self._parts.append(f'<section><h2>{html.escape(heading)}</h2>{body}</section>')


def _are_words(cells: Sequence[object]) -> bool:
    texts = [cell for cell in cells if isinstance(cell, str)]
    return any(len(text) > SENTENCE for text in texts) or (
        len(texts) == len(cells) and not any(character.isdigit() for text in texts for character in text[:2])
    )


def _cell(cell: object) -> str:
    if isinstance(cell, bool):
        return '<span class="good">yes</span>' if cell else '<span class="bad">no</span>'
    return html.escape(str(cell))


def _figure(pair: Pair) -> str:
    views, target = _png(pair.views), _png(pair.target)
    return (
        f'<figure><img alt="camera views" src="{views}"><img alt="target image" src="{target}">'
        f'<figcaption>{html.escape(pair.caption)}</figcaption></figure>'
    )


def _png(image: np.ndarray) -> str:
    encoded = cv2.imencode('.png', np.ascontiguousarray(image[..., ::-1]))[1]
    return 'data:image/png;base64,' + base64.b64encode(encoded.tobytes()).decode()
