# SPDX-License-Identifier: Apache-2.0
"""A wheel holds what the project needs beside its packages."""

import runpy
from pathlib import Path

import setuptools

ROOT = Path(__file__).resolve().parents[2]


def test_configuration_models_and_messages_are_in_the_wheel(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(setuptools, 'setup', lambda **arguments: None)
    listed = {file for _, files in runpy.run_path(str(ROOT / 'setup.py'))['data_files']() for file in files}
    folders = ('config', 'models', 'src/genima_msgs')
    there = {path for folder in folders for path in (ROOT / folder).rglob('*') if path.is_file()}
    # colcon alone builds by CMake
    assert listed == {str(path.relative_to(ROOT)) for path in there if path.name != 'CMakeLists.txt'}
