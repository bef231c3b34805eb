# SPDX-License-Identifier: Apache-2.0
"""What is read, and what is not, at the borders themselves."""

import os
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest

from genima.borders.files import border, inside, read_bytes, regular_file
from genima.borders.hdf5 import check_array, open_hdf5
from genima.borders.texts import parse_json, parse_yaml, read_yaml
from genima.borders.unpacked import Budget, check_unpacked, inflate
from genima.convert.lerobot.pattern import fill
from genima.errors import BorderError, DatasetError, PolicyError
from genima.recording.definitions import check_definitions


def test_only_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / 'pipe')
    (tmp_path / 'file').write_bytes(b'abc')
    assert read_bytes(regular_file(tmp_path / 'file'), 3) == b'abc'
    for name, words in (('pipe', 'named pipe'), ('', 'a folder'), ('none', 'No such file'), ('a\0b', 'null')):
        with pytest.raises(BorderError, match=words):
            regular_file(f'{tmp_path}/{name}')
    with pytest.raises(BorderError, match='a device'):
        regular_file('/dev/null')
    with pytest.raises(BorderError, match='has 3 bytes, allowed 2'):
        read_bytes(tmp_path / 'file', 2)


def test_a_path_stays_in_its_folder(tmp_path: Path) -> None:
    data = tmp_path / 'data'
    data.mkdir()
    (data / 'within').symlink_to(data / 'file')
    (data / 'out').symlink_to(tmp_path / 'other')
    (tmp_path / 'link').symlink_to(data)
    assert inside(data, 'a/../file') == data / 'a/../file' and inside(data, data / 'within') == data / 'within'
    assert inside(tmp_path / 'link', 'file') == tmp_path / 'link' / 'file'  # who names a link means what it leads to
    for path in ('../other', '/etc/passwd', 'out', 'out/deeper', data / '..'):
        with pytest.raises(BorderError, match='leads out of'):
            inside(data, path)


def test_what_a_reader_trips_over_becomes_one_line() -> None:
    with (
        pytest.raises(PolicyError, match=r'^weights cannot be read \(a b\); copy them$'),
        border('weights', 'copy them', PolicyError),
    ):
        raise RuntimeError('a\n  b')
    with pytest.raises(DatasetError, match=r'^data: too large; copy it$'), border('data', 'copy it'):
        raise BorderError('too large')
    with pytest.raises(PolicyError, match=r'^as it is$'), border('data', 'copy it'):
        raise PolicyError('as it is')


def test_plain_yaml_and_json_are_read_as_ever(tmp_path: Path) -> None:
    text = 'a: &a [1, 2.5, 2026-01-02, yes]\nb: *a\nc: {<<: {d: 1}, e: ~}\n'
    assert parse_yaml(text) == {
        'a': parse_yaml('[1, 2.5, 2026-01-02, yes]'),
        'b': parse_yaml('[1, 2.5, 2026-01-02, yes]'),
        'c': {'d': 1, 'e': None},
    }
    (tmp_path / 'file').write_bytes('\ufeffä: ö'.encode())
    assert read_yaml(tmp_path / 'file') == {'ä': 'ö'} and parse_yaml('') is None
    assert parse_json('[' * 64 + ']' * 64) and parse_json(b'{"a": [1, null]}') == {'a': [1, None]}


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('[' * 65 + ']' * 65, 'more than 64 deep'),
        ('a: &a [*a]', 'of nothing before it, or of what it is in'),
        ('a: 1' + '0' * 300, 'a number of 301 digits'),
        ('a: !!python/object/apply:os.system [true]', 'not YAML'),
        ('a: [b', 'not YAML'),
        ('a: 2026-99-99', 'not YAML'),
        ('? [a]\n: {b: c}', 'not YAML'),
    ],
)
def test_odd_yaml_is_refused(text: str, words: str) -> None:
    with pytest.raises(BorderError, match=words):
        parse_yaml(text)


def test_aliases_are_counted_as_what_they_stand_for() -> None:
    lines = ['a0: &a0 [' + 'x, ' * 999 + 'x]', *(f'a{n}: &a{n} [{", ".join([f"*a{n - 1}"] * 10)}]' for n in range(1, 4))]
    with pytest.raises(BorderError, match='more than 1000000 values'):
        parse_yaml('\n'.join(lines))
    assert len(parse_yaml('\n'.join(lines[:3]))) == 3


def test_bombs_are_told_from_what_is_large() -> None:
    check_unpacked(2**26, 1, 'a small one')
    check_unpacked(10**9, 10**7, 'a hundred times')
    with pytest.raises(BorderError, match='from 9999999 bytes to 1000000000'):
        check_unpacked(10**9, 10**7 - 1, 'more')
    budget = Budget('all together', 1000)
    budget.take(2**26)
    with pytest.raises(BorderError, match='all together'):
        budget.take(1)
    assert inflate(zlib.compress(b'abc'), 3) == b'abc'
    for data in (zlib.compress(b'abcd'), zlib.compress(b'abc')[:-1], b'abc'):
        with pytest.raises(BorderError):
            inflate(data, 3)


def test_links_within_a_file_are_followed_and_others_are_not(tmp_path: Path) -> None:
    with h5py.File(tmp_path / 'a.h5', 'w') as file:
        file['a/b'] = np.zeros((4, 5), np.float32)
        file['c'] = h5py.SoftLink('/a/b')
    with open_hdf5(tmp_path / 'a.h5') as file:
        assert check_array(file['c']) == (80, 80)
    with h5py.File(tmp_path / 'a.h5', 'r+') as file:
        file['a/d'] = h5py.ExternalLink('b.h5', '/')
    with pytest.raises(DatasetError, match='a/d leads to another file, which is not opened'), open_hdf5(tmp_path / 'a.h5'):
        pass


def test_a_pattern_is_filled_as_format_would() -> None:
    values = {'chunk_index': 7, 'video_key': 'observation.images.front'}
    pattern = 'videos/{video_key}/chunk-{chunk_index:03d}/{chunk_index}.mp4'
    assert fill(pattern, values) == pattern.format(**values)
    for odd in ('{chunk_index:0999d}', '{chunk_index.real}', '{chunk_index!r}', '{{', '{}', 'x' * 1001):
        with pytest.raises(ValueError, match='fields are'):
            fill(odd, values)
    with pytest.raises(KeyError):
        fill('{other}', values)


def test_definitions_of_real_messages_pass() -> None:
    from rosbags.typesys import Stores, get_typestore

    check_definitions(get_typestore(Stores.ROS2_JAZZY).fielddefs)
