# SPDX-License-Identifier: Apache-2.0
"""Files are whole or not there, and a full disk is called by its name."""

import errno
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from genima.errors import DatasetError, GenimaError
from genima.files import atomic_path, write_atomic


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / 'deep' / 'file.txt'
    write_atomic(path, 'old')
    with pytest.raises(RuntimeError, match='in the middle'), atomic_path(path) as temporary:
        temporary.write_text('half')
        raise RuntimeError('in the middle')
    assert path.read_text() == 'old' and list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize('error', [OSError(errno.ENOSPC, 'No space left on device'), OSError(errno.EDQUOT, 'Quota')])
def test_a_full_disk_is_named_and_the_old_file_stays(tmp_path: Path, error: OSError) -> None:
    path = tmp_path / 'file.txt'
    write_atomic(path, 'old')
    with pytest.raises(GenimaError, match=f'{path} cannot be written: the disk is full; make room'), atomic_path(path):
        raise error
    assert path.read_text() == 'old' and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize('free_bytes', [0, 10**9])
def test_a_library_that_does_not_say_why_it_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_bytes: int
) -> None:
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: SimpleNamespace(free=free_bytes))
    words = 'the disk is full' if free_bytes == 0 else 'file write failed'
    with pytest.raises(Exception, match=words), atomic_path(tmp_path / 'weights'):
        raise RuntimeError('PytorchStreamWriter: file write failed')


def test_an_error_that_says_what_to_do_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: SimpleNamespace(free=0))
    with pytest.raises(DatasetError, match='damaged'), atomic_path(tmp_path / 'file'):
        raise DatasetError('damaged; record again')
