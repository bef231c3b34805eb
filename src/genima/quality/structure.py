# SPDX-License-Identifier: Apache-2.0
"""Is an episode file whole, of the schema, and unchanged since it was written?"""

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from genima.borders.files import inside, reason, regular_file
from genima.borders.hdf5 import check_arrays, open_hdf5
from genima.borders.texts import parse_json
from genima.cameras.model import MountedCamera
from genima.episodes.layouts import NATIVE, layout_of
from genima.episodes.store import READABLE_VERSIONS, SCHEMA, content_digest
from genima.errors import BorderError
from genima.quality.findings import Finding

_SIGNATURE = b'\x89HDF\r\n\x1a\n'
# kind of the numbers, bytes of each, dimensions; as `genima.episodes.store` writes them
_FIELDS = {
    'timestamps': ('f', 8, 2),
    'observations/joint_positions': ('f', 4, 2),
    'observations/gripper': ('f', 4, 2),
    'actions/joint_positions': ('f', 4, 2),
    'actions/gripper': ('b', 1, 2),
}
_LATER = {'annotations/ignore': ('b', 1, 1)}  # of version 2
_PLANS = {'actions/plan_joint_positions': ('f', 4, 3), 'actions/plan_gripper': ('b', 1, 2)}
TEXTS = ('metadata/camera_params', 'metadata/episode')
_VIEW, _CAPTURE = 'observations/rgb_', 'observations/capture_time_'


def check_file(path: Path) -> tuple[list[Finding], str]:
    """Return what is wrong with the bytes, the layout and the digest of an episode file, and its digest as it is now.

    The digest is empty where the contents cannot be read.
    """
    try:
        size = regular_file(inside(path.parent, path)).stat().st_size
    except BorderError as error:
        return [Finding('file-refused', path.name, str(error))], ''
    with path.open('rb') as opened:
        head = opened.read(64)
    if not size:
        return [Finding('file-empty', path.name, 'the file has no bytes')], ''
    if not head.startswith(_SIGNATURE):
        text = f'it begins with {head[:8]!r}, an HDF5 file with {_SIGNATURE!r}'
        return [Finding('file-foreign', path.name, text)], ''
    if size < stored_end(head):
        return [Finding('file-truncated', path.name, f'{size} of {stored_end(head)} bytes are there')], ''
    return _check_opened(path)


def stored_end(head: bytes) -> int:
    """Return how many bytes an HDF5 file should have, from its first 64; 0 where they do not tell.

    Source: HDF5 File Format Specification 3.0, "Disk Format: Level 0A - Format Signature and Superblock".
    """
    if len(head) < 48 or head[8] > 3:
        return 0
    at = 40 if head[8] < 2 else 28
    at += 4 if head[8] == 1 else 0
    return int.from_bytes(head[at : at + 8], 'little')


def _check_opened(path: Path) -> tuple[list[Finding], str]:
    findings: list[Finding] = []
    try:
        with open_hdf5(path) as file:
            schema, version = file.attrs.get('schema'), file.attrs.get('schema_version')
            if schema != SCHEMA or version not in READABLE_VERSIONS:
                text = f'it has schema {schema!r} version {version}, not {SCHEMA!r}'
                return [Finding('schema', path.name, f'{text}; {_foreign(path)}')], ''
            check_arrays(file)
            findings += _check_fields(file, path.name, int(version))
            findings += _check_texts(file, path.name)
            digest = _digest(file)
            findings += _check_digest(file, path.name, int(version), digest)
            return findings, digest
    except Exception as error:  # h5py has an error of another kind for each damage
        refused = isinstance(error, BorderError) or isinstance(error.__cause__, BorderError)
        text = str(error) if refused else f'HDF5 cannot read it: {reason(error)}'
        return [*findings, Finding('file-refused' if refused else 'file-damaged', path.name, text)], ''


def _foreign(path: Path) -> str:
    """Return what can be done with an HDF5 file that is not ours."""
    layout = layout_of(path)
    if layout in ('', NATIVE):
        return 'nothing here reads its layout'
    return f'`genima dataset convert FOLDER OUT --from {layout} --to hdf5 --robot NAME` reads its layout'


def _check_fields(file: h5py.File, where: str, version: int) -> Iterator[Finding]:
    found = _arrays(file)
    steps = len(found['timestamps']) if 'timestamps' in found and found['timestamps'].ndim else None
    views = [name for name in found if name.startswith(_VIEW)]
    wanted = dict(_FIELDS)
    if version < 3:
        wanted['timestamps'] = ('f', 8, 1)
    if version >= 2:
        wanted |= _LATER | {name.replace(_VIEW, _CAPTURE): ('f', 8, 1) for name in views}
    if any(name in found for name in _PLANS):
        wanted |= _PLANS
    wanted |= dict.fromkeys(views, ('u', 1, 4))
    optional = {name: ('f', 8, 1) for name in found if name.startswith(_CAPTURE) and name not in wanted}
    for name, (kind, width, dimensions) in {**wanted, **optional}.items():
        if name not in found:
            yield Finding('field-missing', where, f'{name} is not there')
            continue
        array = found[name]
        if (array.dtype.kind, array.dtype.itemsize) != (kind, width):
            expected = 'bool' if kind == 'b' else np.dtype(f'{kind}{width}').name
            yield Finding('field-type', where, f'{name} is {array.dtype}, expected {expected}')
        if array.ndim != dimensions or (steps is not None and len(array) != steps) or not _columns_fit(name, found):
            yield Finding('field-shape', where, f'{name} has shape {array.shape}, the time stamps have {steps} steps')
    for name in sorted(set(found) - set(wanted) - set(optional)):
        yield Finding('field-unknown', where, f'{name} is not of the schema')


def _arrays(file: h5py.File) -> dict[str, h5py.Dataset]:
    found: dict[str, h5py.Dataset] = {}
    file.visititems(lambda name, item: found.update({name: item}) if isinstance(item, h5py.Dataset) else None)
    return {name: item for name, item in found.items() if name not in TEXTS}


def _columns_fit(name: str, found: dict[str, h5py.Dataset]) -> bool:
    """Return whether the later axes of an array have the lengths that they share with other arrays."""
    shape = found[name].shape
    if name in ('observations/gripper', 'actions/gripper'):
        return bool(shape[1:] == (1,))
    if name == 'timestamps':
        return shape[1:] in ((), (1,))
    if name.startswith(_VIEW):
        return bool(shape[-1:] == (3,))
    joints = found.get('observations/joint_positions')
    if 'joint_positions' in name and joints is not None:
        return bool(shape[-1:] == joints.shape[-1:])
    plans = found.get('actions/plan_joint_positions')
    return name != 'actions/plan_gripper' or plans is None or bool(shape[:2] == plans.shape[:2])


def _check_texts(file: h5py.File, where: str) -> Iterator[Finding]:
    for name in TEXTS:
        if name not in file:
            yield Finding('field-missing', where, f'{name} is not there')
            continue
        try:
            values = parse_json(file[name].asstr()[()])
        except (ValueError, TypeError, AttributeError) as error:
            yield Finding('metadata-damaged', where, f'{name} is not JSON ({error})')
            continue
        if not isinstance(values, dict):
            yield Finding('metadata-damaged', where, f'{name} holds {type(values).__name__}, not names with values')
        elif name == 'metadata/camera_params':
            yield from _check_cameras(values, where)


def _check_cameras(values: dict[str, dict], where: str) -> Iterator[Finding]:
    for camera, description in values.items():
        try:
            MountedCamera.from_dict(description)
        except Exception as error:
            yield Finding('calibration-damaged', where, f'camera {camera}: {error}')


def _digest(file: h5py.File) -> str:
    try:
        return content_digest(file)
    except (OSError, RuntimeError, ValueError, TypeError):
        return ''


def _check_digest(file: h5py.File, where: str, version: int, digest: str) -> Iterator[Finding]:
    stored = file.attrs.get('content_sha256')
    if stored is None and version == 1:
        yield Finding('schema-old', where, 'version 1 has no digest of its contents')
    elif stored is None:
        yield Finding('digest-missing', where, 'the attribute content_sha256 is not there')
    if not digest:
        yield from (Finding('file-damaged', where, text) for text in _unreadable(file))
    elif stored is not None and digest != stored:
        yield Finding('digest-differs', where, f'the contents have SHA-256 {digest[:12]}, the file says {str(stored)[:12]}')


def _unreadable(file: h5py.File) -> Iterator[str]:
    """Yield a sentence for each array that cannot be read, with the step where that begins."""
    for name, array in _arrays(file).items():
        for step in range(len(array)):
            try:
                array[step]
            except (OSError, RuntimeError) as error:
                yield f'{name} cannot be read at step {step} of {len(array)} ({error})'
                break
