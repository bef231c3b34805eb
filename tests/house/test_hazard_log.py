# SPDX-License-Identifier: Apache-2.0
"""The hazard log names barriers and tests that exist, and every reason that the guard can give."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOG = ROOT / 'docs' / 'safety' / 'hazard-log.md'
SOURCES = (ROOT, ROOT / 'src' / 'genima', ROOT / 'src' / 'genima_ros' / 'genima_ros')
COLUMNS = 6


def _rows() -> dict[str, list[str]]:
    """Return the cells of each hazard, by its id."""
    lines = re.findall(r'^\| ([A-Z]\d+) \|(.*)\|$', LOG.read_text(), re.MULTILINE)
    assert len(lines) == len({name for name, _ in lines}), 'an id is there twice'
    return {name: [cell.strip() for cell in cells.split('|')] for name, cells in lines}


def _quoted(cell: str) -> list[str]:
    return re.findall(r'`([^`]+)`', cell)


def test_every_hazard_has_all_its_columns() -> None:
    rows = _rows()
    assert len(rows) > 30
    for name, cells in rows.items():
        assert len(cells) == COLUMNS - 1, name
        hazard, cause, barrier, test, _ = cells
        assert hazard and cause and barrier and test, name
        assert '`' in barrier or '**pending**' in barrier, f'{name}: a barrier is in a file'
        assert '::' in test or '**pending**' in test, f'{name}: a barrier has a test'


def test_barriers_and_tests_exist() -> None:
    for name, (_, _, barrier, test, _) in _rows().items():
        for path in (text for text in _quoted(barrier) if re.fullmatch(r'[\w/.]+\.(py|md|xml|yaml|js)', text)):
            assert any((source / path).is_file() for source in SOURCES), f'{name}: there is no {path}'
        for identity in _quoted(test):
            path, _, function = identity.partition('::')
            assert (ROOT / path).is_file(), f'{name}: there is no {path}'
            tree = ast.parse((ROOT / path).read_text())
            defined = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
            assert function in defined, f'{name}: {path} has no {function}'


def test_every_reason_of_the_guard_is_a_barrier_in_the_log() -> None:
    given = {text for _, _, barrier, _, _ in _rows().values() for text in _quoted(barrier)}
    missing = {kind for kind in _kinds() if kind not in given}
    assert not missing, f'no hazard names {missing}'


def _kinds() -> set[str]:
    """Return the kinds of reasons and conditions in the code of the guard."""
    files = [*(ROOT / 'src' / 'genima' / 'guard').glob('*.py'), SOURCES[2] / 'guard' / 'inputs.py']
    kinds: set[str] = set()
    for file in files:
        tree = ast.parse(file.read_text())
        names = dict(pair for node in tree.body if isinstance(node, ast.Assign) for pair in _constants(node))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ('Reason', 'Condition'):
                kind = node.args[0]
                value = kind.value if isinstance(kind, ast.Constant) else names.get(ast.unparse(kind))
                kinds |= {value} if isinstance(value, str) else set()
    assert {'disarmed', 'astray', 'e_stop', 'workspace', 'target', 'target_check'} <= kinds
    return kinds


def _constants(node: ast.Assign) -> Iterator[tuple[str, object]]:
    """Give name and value of `A = 1`, and of `A, B = 1, 2`."""
    pair = node.targets[0], node.value
    both = [pair] if not isinstance(pair[0], ast.Tuple) else zip(pair[0].elts, getattr(pair[1], 'elts', ()), strict=False)
    for target, value in both:
        if isinstance(target, ast.Name) and isinstance(value, ast.Constant):
            yield target.id, value.value
