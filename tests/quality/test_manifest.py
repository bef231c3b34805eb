# SPDX-License-Identifier: Apache-2.0
"""An export of any format proves its integrity by a list of digests."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from genima.quality.manifest import FILE_NAME, check_manifest, write_manifest
from genima.quality.verify import verify

DATA, VIDEO = 'data/chunk-000/file-000.parquet', 'videos/front/file-000.mp4'


@pytest.fixture
def export(tmp_path: Path) -> Path:
    for name, data in ((DATA, bytes(range(256)) * 40), (VIDEO, b'frames' * 500), ('meta/info.json', b'{"fps": 10}')):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    write_manifest(tmp_path)
    return tmp_path


def _flip(folder: Path) -> None:
    data = bytearray((folder / DATA).read_bytes())
    data[500] ^= 1
    (folder / DATA).write_bytes(data)


def _swap(folder: Path) -> None:
    (folder / DATA).rename(folder / 'aside')
    (folder / VIDEO).rename(folder / DATA)
    (folder / 'aside').rename(folder / VIDEO)


WAYS: dict[str, tuple[Callable[[Path], object], dict[str, str]]] = {
    'a flipped bit': (_flip, {DATA: 'export-changed'}),
    'a file cut off': (lambda folder: (folder / DATA).write_bytes(bytes(range(200))), {DATA: 'export-truncated'}),
    'an emptied file': (lambda folder: (folder / VIDEO).write_bytes(b''), {VIDEO: 'export-truncated'}),
    'a longer file': (lambda folder: (folder / VIDEO).write_bytes(b'frames' * 501), {VIDEO: 'export-changed'}),
    'a lost file': (lambda folder: (folder / VIDEO).unlink(), {VIDEO: 'export-missing'}),
    'a lost folder': (lambda folder: shutil.rmtree(folder / 'data'), {DATA: 'export-missing'}),
    'swapped files': (_swap, {DATA: 'export-swapped', VIDEO: 'export-swapped'}),
    'a copy': (lambda folder: shutil.copy(folder / DATA, folder / 'data/b.parquet'), {'data/b.parquet': 'export-duplicate'}),
    'a foreign file': (lambda folder: (folder / 'notes.txt').write_text('x'), {'notes.txt': 'export-added'}),
    'another version of the metadata': (
        lambda folder: (folder / 'meta/info.json').write_text('{"fps": 30}'), {'meta/info.json': 'export-changed'},
    ),
    'a damaged manifest': (lambda folder: (folder / FILE_NAME).write_text('{'), {FILE_NAME: 'manifest-damaged'}),
}  # fmt: skip


@pytest.mark.parametrize('how', WAYS)
def test_every_change_of_an_export_is_named(how: str, export: Path) -> None:
    corrupt, expected = WAYS[how]
    corrupt(export)
    assert {finding.where: finding.code for finding in check_manifest(export)} == expected
    assert verify(export) == check_manifest(export)


def test_an_untouched_export_has_no_findings(export: Path) -> None:
    assert check_manifest(export) == []
    (export / '.hidden').write_text('of an editor')
    assert check_manifest(export) == []


def test_an_export_without_a_manifest_proves_nothing(export: Path) -> None:
    (export / FILE_NAME).unlink()
    assert [finding.code for finding in verify(export)] == ['manifest-missing']
