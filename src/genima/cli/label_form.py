# SPDX-License-Identifier: Apache-2.0
"""The form on the pages of `genima dataset show`: it collects labels and saves them as a file for `genima dataset label`.

It needs no server: a page that is opened from a disk may not write into the dataset, but may save a file.
"""

import html
import json
import shlex
from collections.abc import Sequence
from pathlib import Path

from genima.episodes.episode import FAILURES
from genima.episodes.label_file import SCHEMA

FILE_NAME = 'labels.json'

_SCRIPT = """
(function () {
  const form = document.getElementById('labels'), wanted = JSON.parse(form.dataset.episodes);
  const answers = () => wanted.map((episode, row) => {
    const line = form.querySelector('[data-row="' + row + '"]');
    const verdict = line.querySelector('[name="verdict"]').value;
    if (!verdict) return null;
    const label = {episode: episode, annotator: form.elements.annotator.value.trim(), success: verdict === 'success'};
    if (verdict !== 'success' && verdict !== 'failure') label.failure = verdict;
    const note = line.querySelector('[name="note"]').value.trim();
    if (note) label.note = note;
    label.at = new Date().toISOString().slice(0, 19) + '+00:00';
    return label;
  }).filter((label) => label !== null);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const labels = answers(), said = document.getElementById('said');
    if (!labels.length) { said.textContent = 'nothing is labelled yet'; return; }
    const text = JSON.stringify({schema: form.dataset.schema, labels: labels}, null, 1);
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([text], {type: 'application/json'}));
    link.download = form.dataset.file;
    link.click();
    said.textContent = labels.length + ' labels saved; bring them into the dataset with the command below';
  });
})();
"""


def label_form(folder: Path, episodes: Sequence[str], links: bool = False) -> str:
    """Return the form as HTML.

    Args:
        folder: The dataset, which the command names.
        episodes: Names of episode files.
        links: Whether each one's page lies beside this one.
    """
    choices = ['success', 'failure', *FAILURES]
    words = {name: f'failure: {name.replace("_", " ")}' for name in FAILURES}
    options = ''.join(f'<option value="{name}">{words.get(name, name)}</option>' for name in choices)
    rows = ''.join(
        f'<tr data-row="{row}"><td>{_name(name, links)}</td>'
        f'<td><select name="verdict"><option value="">not judged</option>{options}</select></td>'
        '<td><input name="note" placeholder="note" maxlength="2000"></td></tr>'
        for row, name in enumerate(episodes)
    )
    command = f'genima dataset label {shlex.quote(str(folder))} --from {FILE_NAME}'
    data = html.escape(json.dumps(list(episodes)), quote=True)
    return (
        f'<form id="labels" data-schema="{SCHEMA}" data-file="{FILE_NAME}" data-episodes="{data}">'
        '<p><label>Annotator <input name="annotator" required maxlength="80"></label> '
        f'<button>Save {FILE_NAME}</button> <span id="said" class="soft"></span></p><table>{rows}</table></form>'
        f'<p class="soft">Then: <code>{html.escape(command)}</code></p><script>{_SCRIPT}</script>'
    )


def _name(episode: str, links: bool) -> str:
    words = html.escape(episode)
    return f'<a href="{html.escape(Path(episode).stem)}.html">{words}</a>' if links else words
