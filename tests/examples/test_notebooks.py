# SPDX-License-Identifier: Apache-2.0
"""The notebooks run from their first cell to the last: as scripts, and as notebooks in the slow part."""

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / 'examples'
NOTEBOOKS = sorted((EXAMPLES / 'notebooks').glob('*.py'))
TIMEOUT_S = 900


@pytest.mark.parametrize('name', ['load_data', 'render_targets'])
def test_a_notebook_runs_as_a_script(lab: Path, name: str) -> None:
    runpy.run_path(str(EXAMPLES / 'notebooks' / f'{name}.py'))
    written = {'load_data': ('views.png', 'joints.png'), 'render_targets': ('targets.png', 'black.png')}[name]
    assert all((lab / file).stat().st_size > 1000 for file in written)


@pytest.mark.slow
@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_in_a_kernel(lab: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jupytext = pytest.importorskip('jupytext', reason="pip install '.[docs]'")
    nbclient = pytest.importorskip('nbclient', reason="pip install '.[docs]'")
    monkeypatch.setenv('MINUTES', '0.01')
    notebook = jupytext.read(path)
    assert [cell.cell_type for cell in notebook.cells[:2]] == ['markdown', 'code']
    nbclient.NotebookClient(notebook, timeout=TIMEOUT_S, kernel_name='python3').execute()


def test_there_are_three_notebooks() -> None:
    assert {path.stem for path in NOTEBOOKS} == {'load_data', 'render_targets', 'train'}
