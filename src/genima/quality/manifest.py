# SPDX-License-Identifier: Apache-2.0
"""`genima_manifest.json`: the SHA-256 of every file of an export, so that formats without checksums can be verified."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from genima.borders.files import inside, regular_file
from genima.borders.texts import read_json
from genima.errors import BorderError, DatasetError
from genima.files import write_atomic
from genima.quality.findings import Finding

FILE_NAME = 'genima_manifest.json'
SCHEMA = 'genima-manifest'
SCHEMA_VERSION = 1
_BLOCK = 1 << 20


def write_manifest(folder: Path | str) -> Path:
    """List every file below a folder with its size and SHA-256; call it when an export is complete.

    Hidden files are left out.

    Returns:
        The path of the manifest.
    """
    root = Path(folder)
    files = {name: {'bytes': (root / name).stat().st_size, 'sha256': file_sha256(root / name)} for name in _files(root)}
    values = {'schema': SCHEMA, 'schema_version': SCHEMA_VERSION, 'files': files}
    write_atomic(root / FILE_NAME, json.dumps(values, indent=1) + '\n')
    return root / FILE_NAME


def check_manifest(folder: Path | str) -> list[Finding]:
    """Compare the files below a folder with its manifest.

    Returns:
        What is missing, shorter, changed, swapped, copied or new; one 'manifest-missing' if there is no manifest.
    """
    root = Path(folder)
    path = root / FILE_NAME
    if not path.is_file():
        return [Finding('manifest-missing', str(root), f'there is no {FILE_NAME}')]
    try:
        stated = _read(path)
    except DatasetError as error:
        return [Finding('manifest-damaged', FILE_NAME, str(error))]
    return list(_compare(root, stated))


def file_sha256(path: Path | str) -> str:
    """Return the SHA-256 of the bytes of a file."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _files(root: Path) -> Iterator[str]:
    for folder, below, names in os.walk(root):
        below[:] = sorted(name for name in below if not name.startswith('.'))
        for name in sorted(names):
            if not name.startswith('.') and name != FILE_NAME:
                yield (Path(folder) / name).relative_to(root).as_posix()


def _read(path: Path) -> dict[str, tuple[int, str]]:
    try:
        values = read_json(path)
        if (values['schema'], values['schema_version']) != (SCHEMA, SCHEMA_VERSION):
            raise ValueError(f'schema {values["schema"]!r} version {values["schema_version"]}')
        return {str(name): (int(each['bytes']), str(each['sha256'])) for name, each in values['files'].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f'it cannot be read ({error})') from error


def _compare(root: Path, stated: dict[str, tuple[int, str]]) -> Iterator[Finding]:
    found = {}
    for name in _files(root):
        try:
            found[name] = regular_file(inside(root, name)).stat().st_size, file_sha256(root / name)
        except BorderError as error:
            yield Finding('file-refused', name, str(error))
    owner = {digest: name for name, (_, digest) in stated.items()}
    times = Counter(digest for _, digest in stated.values())
    for name, (size, digest) in stated.items():
        if name not in found:
            yield Finding('export-missing', name, f'the manifest lists it with {size} bytes and it is not there')
            continue
        size_now, digest_now = found[name]
        if digest_now == digest:
            continue
        if digest_now in owner:
            yield Finding('export-swapped', name, f'it holds what the manifest calls {owner[digest_now]}')
        elif size_now < size:
            yield Finding('export-truncated', name, f'it has {size_now} of {size} bytes')
        else:
            yield Finding('export-changed', name, f'its SHA-256 is {digest_now[:12]}, the manifest says {digest[:12]}')
    for name in found.keys() - stated.keys():
        digest = found[name][1]
        if times[digest]:
            yield Finding('export-duplicate', name, f'it is a copy of {owner[digest]}')
        else:
            yield Finding('export-added', name, 'the manifest does not list it')
