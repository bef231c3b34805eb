# SPDX-License-Identifier: Apache-2.0
"""Hostile HDF5: other files behind it, bombs, sizes that are only stated, things that are no files."""

import json
import os
import socket
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
from hostile_case import CASES, Good, case, convert, copied, link, pipe, verify

STEPS = 30
VIEW = 'observations/rgb_front'
PAGE = ('--robot', 'panda', '--extrinsics', 'camera_in_parent')
Change = Callable[[h5py.File, Good], None]


def native(change: Change, argv: Callable[[Path], list[str]]) -> Callable[[Path, Good], list[str]]:
    """Return a case of one native episode that is changed."""

    def make(folder: Path, good: Good) -> list[str]:
        data = copied(good.native, folder / 'data')
        with h5py.File(data / 'episode_000000.h5', 'r+') as file:
            change(file, good)
        return argv(data)

    return make


def replaced(name: str, make: Callable[[h5py.File, Good], None]) -> Change:
    def change(file: h5py.File, good: Good) -> None:
        del file[name]
        make(file, good)

    return change


def external(file: h5py.File, good: Good) -> None:
    shape = (STEPS, 24, 32, 3)
    file.create_dataset(VIEW, shape, np.uint8, external=[(str(good.secret), 0, h5py.h5f.UNLIMITED)])


def external_link(file: h5py.File, good: Good) -> None:
    file[VIEW] = h5py.ExternalLink(str(good.canary / 'secret.h5'), '/images')


def soft_through_external(file: h5py.File, good: Good) -> None:
    file['observations/far'] = h5py.ExternalLink(str(good.canary / 'secret.h5'), '/')
    file[VIEW] = h5py.SoftLink('/observations/far/images')


def virtual(file: h5py.File, good: Good) -> None:
    layout = h5py.VirtualLayout((STEPS, 24, 32, 3), np.uint8)
    layout[:] = h5py.VirtualSource(str(good.canary / 'secret.h5'), 'images', (STEPS, 24, 32, 3))
    file.create_virtual_dataset(VIEW, layout)


def virtual_of_any_size(file: h5py.File, good: Good) -> None:
    space = h5py.h5s.create_simple((0, 24, 32, 3), (h5py.h5s.UNLIMITED, 24, 32, 3))
    source = h5py.h5s.create_simple((0, 24, 32, 3), (h5py.h5s.UNLIMITED, 24, 32, 3))
    for each in (space, source):
        each.select_hyperslab((0, 0, 0, 0), (h5py.h5s.UNLIMITED, 1, 1, 1), (1, 1, 1, 1), (1, 24, 32, 3))
    made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    made.set_virtual(space, str(good.canary / 'secret.h5').encode(), b'images', source)
    h5py.h5d.create(file.id, VIEW.encode(), h5py.h5t.NATIVE_UINT8, space, made)


def bomb(name: str, shape: tuple[int, ...], dtype: str, compression: str | None = 'gzip') -> Change:
    """Return what puts an array of zeros there: thousandth of its size, or nothing at all of it."""

    def make(file: h5py.File, good: Good) -> None:
        if compression is None:
            file.create_dataset(name, shape, dtype)  # its room is never taken
            return
        array = file.create_dataset(name, shape, dtype, chunks=(1, *shape[1:]), compression=compression)
        piece = zlib.compress(bytes(int(np.prod(shape[1:])) * np.dtype(dtype).itemsize), 9)
        for row in range(min(shape[0], 200)):
            array.id.write_direct_chunk((row, *(0,) * (len(shape) - 1)), piece)

    return replaced(name, make)


def one_chunk(name: str, shape: tuple[int, ...], dtype: str) -> Change:
    """Return what puts one chunk there that is as large as the whole array."""

    def make(file: h5py.File, good: Good) -> None:
        array = file.create_dataset(name, shape, dtype, chunks=shape, compression='gzip')
        packer = zlib.compressobj(9)
        pieces = [packer.compress(bytes(2**24)) for _ in range(array.nbytes // 2**24)]
        array.id.write_direct_chunk((0,) * len(shape), b''.join([*pieces, packer.flush()]))

    return replaced(name, make)


def put(file: h5py.File, name: str, value: object) -> None:
    file[name] = value


def cyclic(file: h5py.File, good: Good) -> None:
    del file['observations/gripper']
    file['observations/gripper'] = file['/']


def soft_cycle(file: h5py.File, good: Good) -> None:
    del file['observations/gripper']
    file['observations/gripper'] = h5py.SoftLink('/observations/gripper')


def text(name: str, value: str) -> Change:
    def make(file: h5py.File, good: Good) -> None:
        file[name] = value

    return replaced(name, make)


def metadata(**values: object) -> Change:
    def change(file: h5py.File, good: Good) -> None:
        known = json.loads(file['metadata/episode'].asstr()[()])
        del file['metadata/episode']
        file['metadata/episode'] = json.dumps(known | values)

    return change


def long_text(file: h5py.File, good: Good) -> None:
    file.create_dataset('metadata/episode', (), 'S2000000000')


def a_list(file: h5py.File, good: Good) -> None:
    file['metadata/episode'] = ['{}'] * 10


def compound(file: h5py.File, good: Good) -> None:
    file['observations/joint_positions'] = np.zeros((STEPS, 7), dtype=[('a', 'f4'), ('b', 'f4')])


def lists(file: h5py.File, good: Good) -> None:
    file.create_dataset('observations/joint_positions', (STEPS, 7), h5py.vlen_dtype(np.float32))


def odd_schema(file: h5py.File, good: Good) -> None:
    file.attrs['schema_version'] = np.zeros((64, 64))


CHANGES: dict[str, Change] = {
    'external_data': replaced(VIEW, external),
    'external_link': replaced(VIEW, external_link),
    'soft_link_through_external': replaced(VIEW, soft_through_external),
    'virtual_dataset': replaced(VIEW, virtual),
    'virtual_dataset_of_any_size': replaced(VIEW, virtual_of_any_size),
    'gzip_bomb_of_images': bomb(VIEW, (20_000, 1024, 1024, 3), 'u1'),
    'gzip_bomb_of_numbers': bomb('observations/joint_positions', (200, 2**20), 'f4'),
    'one_chunk_of_a_gigabyte': one_chunk(VIEW, (1, 2**15, 2**14, 2), 'u1'),
    'stated_shape_of_112_gib': bomb(VIEW, (STEPS, 2**15, 2**15, 3), 'u1', None),
    'stated_1e11_timestamps': bomb('timestamps', (10**11, 1), 'f8', None),
    'stated_joints_of_100_mib': bomb('observations/joint_positions', (2**20, 25), 'f4', None),
    'group_within_itself': cyclic,
    'soft_link_to_itself': soft_cycle,
    'metadata_500000_deep': text('metadata/episode', '[' * 500_000),
    'metadata_900_deep': text('metadata/episode', '{"a":' * 900 + '1' + '}' * 900),
    'metadata_of_5_million_lists': text('metadata/episode', '[' + '[],' * 5_000_000 + '1]'),
    'cameras_900_deep': text('metadata/camera_params', '[' * 900 + ']' * 900),
    'metadata_with_a_huge_number': text('metadata/episode', f'{{"rate_hz": {"9" * 5000}}}'),
    'rate_of_1e308': metadata(rate_hz=1e308),
    'rate_of_401_digits': metadata(rate_hz=10**400),
    'rate_not_a_number': metadata(rate_hz=float('nan')),
    'text_of_2_gb': replaced('metadata/episode', long_text),
    'metadata_as_a_list': replaced('metadata/episode', a_list),
    'joints_of_pairs': replaced('observations/joint_positions', compound),
    'joints_of_lists': replaced('observations/joint_positions', lists),
    'schema_version_as_a_matrix': odd_schema,
}
for name, change in CHANGES.items():
    CASES[f'verify_{name}'] = native(change, verify)
    CASES[f'convert_{name}'] = native(change, lambda data: convert(data, '--images', 'png', to='lerobot'))
for name in ('external_data', 'virtual_dataset', 'stated_1e11_timestamps', 'metadata_500000_deep'):
    CASES[f'show_{name}'] = native(CHANGES[name], lambda data: ['dataset', 'show', str(data), '--out', f'{data}_pages'])
    CASES[f'retexture_{name}'] = native(
        CHANGES[name], lambda data: ['dataset', 'relight', str(data), '--out', f'{data}_relit']
    )


@case
def verify_robot_that_is_a_file(folder: Path, good: Good) -> list[str]:
    return native(metadata(robot=str(good.secret) + '.yaml', rate_hz=-1), verify)(folder, good)


@case
def convert_robot_that_is_a_file(folder: Path, good: Good) -> list[str]:
    return native(metadata(robot=str(good.canary / 'secret.yaml')), lambda data: convert(data, to='mcap'))(folder, good)


def _foreign(file: h5py.File) -> None:
    file['observations/rgb'] = np.zeros((STEPS, 24, 32, 3), np.uint8)
    file['actions/joint_positions'] = np.tile(np.float32([0, 0, 0, -1.5, 0, 1.5, 0]), (STEPS, 1))
    file['actions/gripper'] = np.zeros((STEPS, 1), bool)
    file['timestamps'] = np.arange(STEPS)[:, None] / 10
    params = {'intrinsics': np.eye(3).tolist(), 'extrinsics': np.eye(4).tolist()}
    file['metadata/camera_params'] = json.dumps(params)


PAGE_CHANGES: dict[str, Change] = {
    'external_data': replaced(
        'observations/rgb',
        lambda file, good: file.create_dataset(
            'observations/rgb', (STEPS, 24, 32, 3), np.uint8, external=[(str(good.secret), 0, h5py.h5f.UNLIMITED)]
        ),
    ),
    'external_group': replaced(
        'observations',
        lambda file, good: file.__setitem__('observations', h5py.ExternalLink(str(good.canary / 'secret.h5'), '/')),
    ),
    'external_file': lambda file, good: put(file, 'a', h5py.ExternalLink(str(good.canary / 'secret.h5'), '/')),
    'gzip_bomb': bomb('observations/rgb', (STEPS, 4096, 4096, 3), 'u1'),
    'stated_1e11_steps': bomb('actions/joint_positions', (10**11, 7), 'f4', None),
    'cameras_500000_deep': text('metadata/camera_params', '[' * 500_000),
}


def _png(width: int, height: int) -> bytes:
    return cv2.imencode('.png', np.zeros((height, width, 3), np.uint8), [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes()


def png_that_states(width: int, height: int) -> bytes:
    """Return a PNG whose header says something else than what follows."""
    data = bytearray(_png(8, 8))
    data[16:24] = width.to_bytes(4, 'big') + height.to_bytes(4, 'big')
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, 'big')
    return bytes(data)


def rows(images: list[bytes]) -> np.ndarray:
    longest = max(map(len, images))
    return np.array([np.frombuffer(each.ljust(longest, b'\0'), np.uint8) for each in images])


PAGE_CHANGES |= {
    'png_that_states_4e9_pixels': replaced(
        'observations/rgb',
        lambda file, good: file.__setitem__('observations/rgb', rows([png_that_states(2**16, 2**16)] * STEPS)),
    ),
    'png_bombs': replaced(
        'observations/rgb', lambda file, good: put(file, 'observations/rgb', rows([_png(4096, 4096)] * STEPS))
    ),
}
for name, change in PAGE_CHANGES.items():

    def make_page(folder: Path, good: Good, change: Change = change) -> list[str]:
        (folder / 'page').mkdir()
        with h5py.File(folder / 'page' / 'demo.hdf5', 'w') as file:
            _foreign(file)
            change(file, good)
        return convert(folder / 'page', *PAGE)

    CASES[f'page_{name}'] = make_page


@case
def robomimic_external_demo(folder: Path, good: Good) -> list[str]:
    (folder / 'rm').mkdir()
    with h5py.File(folder / 'rm' / 'demo.hdf5', 'w') as file:
        file['data/demo_0'] = h5py.ExternalLink(str(good.canary / 'secret.h5'), '/')
    return convert(folder / 'rm', *PAGE, '--targets', 'next')


@case
def aloha_virtual_joints(folder: Path, good: Good) -> list[str]:
    (folder / 'aloha').mkdir()
    with h5py.File(folder / 'aloha' / 'episode_0.hdf5', 'w') as file:
        file['action'] = np.zeros((STEPS, 8))
        file['observations/images/top'] = np.zeros((STEPS, 24, 32, 3), np.uint8)
        layout = h5py.VirtualLayout((STEPS, 8), 'f8')
        layout[:] = h5py.VirtualSource(str(good.canary / 'secret.h5'), 'images', (STEPS, 8))
        file.create_virtual_dataset('observations/qpos', layout)
    return convert(folder / 'aloha', *PAGE)


@case
def masks_virtual(folder: Path, good: Good) -> list[str]:
    data = copied(good.native, folder / 'data')
    (folder / 'masks').mkdir()
    with h5py.File(folder / 'masks' / 'episode_000000.h5', 'w') as file:
        layout = h5py.VirtualLayout((STEPS, 24, 32), np.uint8)
        layout[:] = h5py.VirtualSource(str(good.canary / 'secret.h5'), 'images', (STEPS, 24, 32))
        file.create_virtual_dataset('front', layout)
    return ['dataset', 'retexture', str(data), '--out', str(folder / 'out'), '--masks', str(folder / 'masks')]


@case
def masks_png_that_states_4e9_pixels(folder: Path, good: Good) -> list[str]:
    data = copied(good.native, folder / 'data')
    for camera in ('front', 'wrist'):
        (folder / 'masks' / 'episode_000000' / camera).mkdir(parents=True)
        for step in range(STEPS):
            (folder / 'masks' / 'episode_000000' / camera / f'{step}.png').write_bytes(png_that_states(2**16, 2**16))
    return ['dataset', 'retexture', str(data), '--out', str(folder / 'out'), '--masks', str(folder / 'masks')]


@case
def backgrounds_that_are_bombs(folder: Path, good: Good) -> list[str]:
    data = copied(good.native, folder / 'data')
    with h5py.File(folder / 'episode_000000.h5', 'w') as file:
        for camera in ('front', 'wrist'):
            file[camera] = np.ones((STEPS, 24, 32), np.uint8)
    (folder / 'walls').mkdir()
    (folder / 'walls' / 'a.png').write_bytes(png_that_states(2**16, 2**16))
    out, masks, walls = str(folder / 'out'), str(folder), str(folder / 'walls')
    return ['dataset', 'retexture', str(data), '--out', out, '--masks', masks, '--textures', walls]


def _special(folder: Path, good: Good, put: Callable[[Path], object], argv: Callable[[Path], list[str]]) -> list[str]:
    data = copied(good.native, folder / 'data')
    (data / 'episode_000000.h5').unlink()
    put(data / 'episode_000000.h5')
    return argv(data)


def _socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # names of sockets are short
    try:
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(here)


SPECIAL: dict[str, Callable[[Good], Callable[[Path], object]]] = {
    'pipe': lambda good: pipe,
    'socket': lambda good: _socket,
    'folder': lambda good: Path.mkdir,
    'device': lambda good: lambda path: link(path, Path('/dev/zero')),
    'link_that_leaves': lambda good: lambda path: link(path, good.canary / 'secret.h5'),
    'link_to_itself': lambda good: lambda path: link(path, path),
    'text': lambda good: lambda path: path.write_bytes(b'no HDF5'),
    'nothing': lambda good: Path.touch,
}
for name, special in SPECIAL.items():
    for door, argv in (
        ('verify', verify),
        ('convert', lambda data: convert(data, '--images', 'png', to='lerobot')),
        ('train', lambda data: ['train', 'controller', '--data', str(data), '--policy', f'{data}_policy']),
    ):

        def make_special(folder: Path, good: Good, special: Any = special, argv: Any = argv) -> list[str]:
            return _special(folder, good, special(good), argv)

        CASES[f'{door}_episode_that_is_a_{name}'] = make_special
