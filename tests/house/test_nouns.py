# SPDX-License-Identifier: Apache-2.0
"""`import genima` is quick, and names what the library is about."""

import ast
import subprocess
import sys
from pathlib import Path

import genima

SOURCE = Path(genima.__file__)


def test_every_noun_can_be_imported_and_has_a_docstring() -> None:
    nouns = {'Policy', 'PolicySpec', 'RobotProfile', 'CameraModel', 'Episode', 'Task', 'Simulator', 'Guard', 'Chunk'}
    assert nouns <= set(genima.__all__)
    for name in genima.__all__:
        noun = getattr(genima, name)
        assert noun.__name__ == name and noun.__doc__
        assert name in dir(genima)


def test_type_checkers_see_the_same_nouns() -> None:
    block = next(node for node in ast.parse(SOURCE.read_text()).body if isinstance(node, ast.If))
    seen = {
        alias.asname: (node.module or '').removeprefix('genima.')
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == genima._MODULES


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(genima, 'Picture')


def test_the_import_alone_imports_nothing_large() -> None:
    code = 'import sys, genima; print({"torch", "numpy", "yaml", "cv2"} & set(sys.modules))'
    assert subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True).stdout == 'set()\n'
