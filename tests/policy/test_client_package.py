# SPDX-License-Identifier: Apache-2.0
"""genima_client is a package of its own: what it says of itself is what it imports, and it is also part of GENIMA."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from policies import Nodding, served
from setuptools.config.pyprojecttoml import read_configuration

import genima

ROOT = Path(__file__).resolve().parents[2]
CLIENT = ROOT / 'src' / 'genima_client'
PYTHON = os.environ.get('GENIMA_CLIENT_PYTHON', '')
"""A Python of an environment of its own, 3.8 for example, in which src/genima_client is installed."""


@pytest.fixture(scope='module')
def project() -> dict:  # type: ignore[type-arg]
    return dict(read_configuration(CLIENT / 'pyproject.toml', expand=False)['project'])


def test_the_dependencies_are_what_the_files_import(project: dict) -> None:  # type: ignore[type-arg]
    imported = set()
    for path in CLIENT.glob('*.py'):
        for node in ast.walk(ast.parse(path.read_text(), feature_version=(3, 8))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ''] if isinstance(node, ast.ImportFrom) else []
            imported |= {name.split('.')[0] for name in names}
    others = imported - set(sys.stdlib_module_names) - {'genima_client'}
    assert {re.split('[<>=]', each)[0] for each in project['dependencies']} == others


def test_client_and_server_have_one_version_and_may_be_installed_together(project: dict) -> None:  # type: ignore[type-arg]
    assert project['version'] == genima.__version__
    whole = read_configuration(ROOT / 'pyproject.toml', expand=False)['project']
    bounds = {re.split('[<>=]', each)[0]: each for each in whole['dependencies']}
    for each in project['dependencies']:
        assert re.split('[<>=]', each)[0] in bounds


def test_the_files_are_those_of_python_3_8() -> None:
    for path in CLIENT.glob('*.py'):
        text = path.read_text()
        assert 'from __future__ import annotations' in text or '|' not in text, path
        assert not re.search(r'\bmatch \w+:$|\bzip\(.*strict=|isinstance\([^)]*\|', text, re.MULTILINE), path


def test_the_code_of_its_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    code = (CLIENT / 'README.md').read_text().split('```python\n')[1].split('```')[0]
    with served(Nodding()) as address:
        exec(code.replace('ws://127.0.0.1:8700', address), {})
    assert capsys.readouterr().out == '(10, 7) 0.1\n'


@pytest.mark.skipif(not PYTHON, reason='GENIMA_CLIENT_PYTHON names no Python with genima_client')
def test_an_installed_client_asks_our_server(tmp_path: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if name != 'PYTHONPATH'}
    with served(Nodding()) as address:
        command = [PYTHON, str(ROOT / 'examples' / 'ask_server.py'), address]
        done = subprocess.run(command, cwd=tmp_path, env=clean, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(' points, ') == 5 and 'is refused: ' in done.stdout
