# SPDX-License-Identifier: Apache-2.0
"""Hostile datasets of LeRobot, RLDS and RLBench, and hostile texts (JSON, YAML, XML)."""

import json
import pickle
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hostile_arrays import png_that_states
from hostile_case import CASES, Good, case, convert, copied, link, pipe, verify

from genima.convert.rlds.example import decode_example, encode_example
from genima.convert.rlds.tfrecord import list_records, write_record

INFO = 'meta/info.json'


def lerobot(change: Callable[[Path, Good], object]) -> Callable[[Path, Good], list[str]]:
    def make(folder: Path, good: Good) -> list[str]:
        data = copied(good.lerobot, folder / 'data')
        change(data, good)
        return convert(data, '--from', 'lerobot')

    return make


def info(**values: Any) -> Callable[[Path, Good], object]:
    def change(data: Path, good: Good) -> None:
        known = json.loads((data / INFO).read_text())
        (data / INFO).write_text(json.dumps(known | values))

    return change


def first(data: Path, pattern: str) -> Path:
    return sorted(data.glob(pattern))[0]


def rows(**values: Any) -> Callable[[Path, Good], object]:
    """Return what changes columns of the list of episodes."""

    def change(data: Path, good: Good) -> None:
        path = first(data, 'meta/episodes/*/*.parquet')
        table = pq.read_table(path)
        for name, value in values.items():
            index = table.schema.get_field_index(name)
            table = table.set_column(index, name, pa.array([value] * len(table)))
        pq.write_table(table, path)

    return change


def table(pattern: str, made: Callable[[Path], pa.Table]) -> Callable[[Path, Good], object]:
    def change(data: Path, good: Good) -> None:
        path = first(data, pattern)
        pq.write_table(made(path), path, row_group_size=2**31, compression='zstd')

    return change


def repeated(value: pa.Scalar, count: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), count), pa.array([value.as_py()]))


def many_rows(path: Path) -> pa.Table:
    count = 50_000_000
    return pa.table(
        {name: pa.repeat(pa.scalar(0, pa.int64()), count) for name in ('episode_index', 'frame_index', 'task_index')}
    )


def long_text(path: Path) -> pa.Table:
    text = repeated(pa.scalar('x' * 2**20), 20_000)
    return pa.table({'episode_index': pa.array(range(20_000)), 'length': pa.repeat(3, 20_000), 'genima/metadata': text})


def wide_null(path: Path) -> pa.Table:
    columns = {name: pa.array([0]) for name in ('episode_index', 'frame_index')}
    return pa.table({**columns, 'observation.state': pa.array([None], pa.list_(pa.float32(), 2**28))})


def playlist(data: Path, good: Good) -> None:
    text = f'#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{good.secret}\n#EXT-X-ENDLIST\n'
    as_video(data, text.encode())


def as_video(data: Path, content: bytes) -> None:
    """Say that the views are videos, and put something in their place."""
    known = json.loads((data / INFO).read_text())
    for key, feature in known['features'].items():
        if feature['dtype'] == 'image':
            feature['dtype'] = 'video'
            path = data / f'videos/{key}/chunk-000/file-000.mp4'
            path.parent.mkdir(parents=True)
            path.write_bytes(content)
            path_of = first(data, 'meta/episodes/*/*.parquet')
            episodes = pq.read_table(path_of)
            for name in ('chunk_index', 'file_index', 'from_timestamp', 'to_timestamp'):
                episodes = episodes.append_column(f'videos/{key}/{name}', pa.array([0] * len(episodes)))
            pq.write_table(episodes, path_of)
    known['video_path'] = 'videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4'
    (data / INFO).write_text(json.dumps(known))


LEROBOT: dict[str, Callable[[Path, Good], object]] = {
    'info_500000_deep': lambda data, good: (data / INFO).write_text('{"features":' + '[' * 500_000),
    'info_of_a_pipe': lambda data, good: pipe(data / INFO),
    'info_that_is_a_link': lambda data, good: link(data / INFO, good.secret),
    'info_a_list': lambda data, good: (data / INFO).write_text('[]'),
    'data_path_outside': lambda data, good: info(data_path=f'../../{good.canary.name}/secret')(data, good),
    'data_path_absolute': lambda data, good: info(data_path=str(good.secret))(data, good),
    'data_path_wide': info(data_path='data/{chunk_index:09999999999}/{file_index}'),
    'data_path_of_attributes': info(data_path='data/{chunk_index.__class__.__mro__}'),
    'data_path_of_a_zero_byte': info(data_path='data/\0'),
    'data_that_is_a_pipe': lambda data, good: pipe(first(data, 'data/*/*.parquet')),
    'data_that_is_a_link': lambda data, good: link(first(data, 'data/*/*.parquet'), good.secret),
    'data_of_50_million_rows': table('data/*/*.parquet', many_rows),
    'data_of_a_wide_null': table('data/*/*.parquet', wide_null),
    'episodes_of_a_long_text': table('meta/episodes/*/*.parquet', long_text),
    'episodes_that_are_a_link': lambda data, good: link(first(data, 'meta/episodes/*/*.parquet'), good.secret),
    'length_2_31': rows(length=2**31),
    'length_2_62': rows(length=2**62),
    'length_negative': rows(length=-1),
    'fps_1e308': info(fps=1e308),
    'fps_zero': info(fps=0),
    'fps_not_a_number': info(fps=float('nan')),
    'features_odd': info(features={'observation.state': {'dtype': ['x'], 'shape': 'x'}, 'a': 1}),
    'video_playlist': playlist,
    'video_concat_list': lambda data, good: as_video(data, f'ffconcat version 1.0\nfile {good.secret}\n'.encode()),
    'video_of_noise': lambda data, good: as_video(data, b'\0\0\0\x18ftypisom' + bytes(range(256)) * 200),
    'metadata_deep': rows(**{'genima/metadata': '[' * 900 + ']' * 900}),
}
for name, change in LEROBOT.items():
    CASES[f'lerobot_{name}'] = lerobot(change)


@case
def lerobot_v2_outside(folder: Path, good: Good) -> list[str]:
    (folder / 'data' / 'meta').mkdir(parents=True)
    about = {
        'codebase_version': 'v2.1',
        'fps': 10,
        'features': {},
        'data_path': '{episode_index:00d}',
        'robot_type': 'panda',
    }
    (folder / 'data' / INFO).write_text(json.dumps(about))
    (folder / 'data/meta/tasks.jsonl').write_text('{"task_index": 0, "task": "a"}\n')
    link(folder / 'data/meta/episodes.jsonl', good.secret)
    return convert(folder / 'data')


@case
def lerobot_v2_deep_line(folder: Path, good: Good) -> list[str]:
    lerobot_v2_outside(folder, good)
    (folder / 'data/meta/episodes.jsonl').unlink()
    (folder / 'data/meta/episodes.jsonl').write_text('{"episode_index": 0, "length": 3}\n' + '[' * 500_000 + '\n')
    return convert(folder / 'data')


def rlds(change: Callable[[Path, Good], object]) -> Callable[[Path, Good], list[str]]:
    def make(folder: Path, good: Good) -> list[str]:
        data = copied(good.rlds, folder / 'data')
        change(next(data.glob('*/features.json')).parent, good)
        return convert(data)

    return make


def shard(change: Callable[[dict[str, Any]], None]) -> Callable[[Path, Good], object]:
    def put(data: Path, good: Good) -> None:
        path = first(data, '*.tfrecord*')
        values: dict[str, Any] = {
            name: [bytes(each) for each in value] if isinstance(value, list) else value
            for name, value in decode_example(list_records(path)[0].read()).items()
        }
        change(values)
        write_record(path, encode_example(values))

    return put


def edited(name: str, change: Callable[[dict[str, Any]], None]) -> Callable[[Path, Good], object]:
    def put(data: Path, good: Good) -> None:
        values = json.loads((data / name).read_text())
        change(values)
        (data / name).write_text(json.dumps(values))

    return put


def feature(name: str, kind: str, **values: Any) -> Callable[[Path, Good], object]:
    """Return what changes the description of a feature of the steps' observation."""

    def change(content: dict[str, Any]) -> None:
        steps = content['featuresDict']['features']['steps']['sequence']['feature']['featuresDict']['features']
        steps['observation']['featuresDict']['features'][name][kind].update(values)

    return edited('features.json', change)


IMAGE, TIME = 'steps/observation/image_front', 'steps/observation/time'
RLDS: dict[str, Callable[[Path, Good], object]] = {
    'shards_outside': edited(
        'dataset_info.json', lambda info: info['splits'][0].update(filepathTemplate='../../../canary/secret')
    ),
    'shard_that_is_a_link': lambda data, good: link(first(data, '*.tfrecord*'), good.secret),
    'shard_that_is_a_pipe': lambda data, good: pipe(first(data, '*.tfrecord*')),
    'features_500000_deep': lambda data, good: (data / 'features.json').write_text('{"a":' * 500_000),
    'features_30_deep': lambda data, good: (data / 'features.json').write_text(
        '{"pythonClassName":"x","featuresDict":{"features":{"a":' * 30 + '{}' + '}}}' * 30
    ),
    'info_that_is_a_link': lambda data, good: link(data / 'dataset_info.json', good.secret),
    'png_that_states_4e9_pixels': shard(
        lambda values: values.update({IMAGE: [png_that_states(2**16, 2**16)] * len(values[IMAGE])})
    ),
    'shape_of_1e12': feature('time', 'tensor', shape={'dimensions': ['1000000', '1000000']}),
    'type_of_a_gigabyte': feature('time', 'tensor', dtype='V1000000000'),
    'type_of_objects': feature('time', 'tensor', dtype='O'),
    'zlib_bomb': lambda data, good: (
        feature('time', 'tensor', encoding='zlib', shape={'dimensions': ['-1']})(data, good),
        shard(lambda values: values.update({TIME: [zlib.compress(bytes(2**28), 9)] * 30}))(data, good),
    ),
    'number_of_a_million_bytes': lambda data, good: write_record(first(data, '*.tfrecord*'), [b'\x80' * 10**6 + b'\1']),
    'metadata_deep': shard(lambda values: values.update({'episode_metadata/metadata': [b'[' * 500_000]})),
    'length_of_2_63': lambda data, good: first(data, '*.tfrecord*').write_bytes(struct.pack('<QI', 2**63, 0)),
}
for name, change in RLDS.items():
    CASES[f'rlds_{name}'] = rlds(change)


@case
def rlds_mapping_bomb(folder: Path, good: Good) -> list[str]:
    data = copied(good.rlds, folder / 'data')
    version = next(data.glob('*/features.json')).parent
    (version / 'metadata.json').unlink()
    (folder / 'map.yaml').write_text(alias_bomb('robot'))
    return convert(data, '--mapping', str(folder / 'map.yaml'))


def demonstration(make: Callable[[], bytes]) -> Callable[[Path, Good], list[str]]:
    def put(folder: Path, good: Good) -> list[str]:
        demo = folder / 'data/reach_target/variation0/episodes/episode0'
        demo.mkdir(parents=True)
        (demo / 'low_dim_obs.pkl').write_bytes(make())
        return convert(folder / 'data', '--from', 'rlbench')

    return put


OBSERVATIONS = b'\x80\x04](crlbench.backend.observation\nObservation\n)\x81}X\x04\x00\x00\x00misc}sb'


def doubled(op: bytes, times: int) -> bytes:
    """Return operations that put a value of 2 ** times parts on the stack, each of which is the one before, twice."""
    return b''.join(b'q%c' % n + b'h%c' % n + op for n in range(times))


PICKLES: dict[str, Callable[[], bytes]] = {
    'key_of_2_60_hashes': lambda: b'\x80\x04}K\x01\x85' + b'2\x86' * 60 + b'K\x01s.',
    'tuple_400000_deep': lambda: b'\x80\x04K\x01' + b'\x85' * 400_000 + b'.',
    'tuple_400000_deep_as_a_key': lambda: b'\x80\x04}K\x01' + b'\x85' * 400_000 + b'K\x01s.',
    'tuple_3_deep_as_a_key': lambda: b'\x80\x04}K\x01\x85\x85\x85K\x01s.',
    'list_400000_deep': lambda: b'\x80\x04' + b']' * 400_000 + b'a' * 399_999 + b'.',
    'list_of_2_60_numbers': lambda: (
        OBSERVATIONS[:-1].replace(b'misc}s', b'misc}sX\x0f\x00\x00\x00joint_positions')
        + b']K\x01aK\x01a'
        + b''.join(b'q%c0](h%ch%ce' % (n, n, n) for n in range(60))
        + b'sbe.'
    ),
    '10_million_operations': lambda: b'\x80\x04' + b'N0' * 5_000_000 + b'N.',
    'same_text_a_million_times': lambda: (
        b'\x80\x04X'
        + struct.pack('<I', 2**20)
        + b'x' * 2**20
        + b'q\x000'
        + b'c_codecs\nencode\nh\x00X\x06\x00\x00\x00latin1\x86R' * 100_000
        + b'.'
    ),
    'bytes_of_1e10': lambda: (
        b'\x80\x04cnumpy.core.numeric\n_frombuffer\n(\x8a\x05'
        + (10**10).to_bytes(5, 'little')
        + b'cnumpy\ndtype\n(X\x02\x00\x00\x00u1\x89\x88tR)X\x01\x00\x00\x00CtR.'
    ),
    'number_of_60_megabytes': lambda: b'\x80\x04\x8b' + struct.pack('<i', 6 * 10**7) + b'\x7f' * 6 * 10**7 + b'.',
    'number_of_a_million_digits': lambda: b'\x80\x00L' + b'9' * 10**6 + b'L\n.',
    'code': lambda: b'\x80\x04cos\nsystem\nX\x04\x00\x00\x00true\x85R.',
    'no_end': lambda: b'\x80\x04N',
    'mark_only': lambda: b'\x80\x04(t' * 1000,
    'real_but_of_another': lambda: pickle.dumps([{'a': [1, 2]}] * 3),
}
for name, content in PICKLES.items():
    CASES[f'rlbench_{name}'] = demonstration(content)


@case
def rlbench_that_is_a_pipe(folder: Path, good: Good) -> list[str]:
    pipe(folder / 'data/reach_target/variation0/episodes/episode0/low_dim_obs.pkl')
    return convert(folder / 'data', '--from', 'rlbench')


@case
def rlbench_that_is_a_link(folder: Path, good: Good) -> list[str]:
    demo = folder / 'data/reach_target/variation0/episodes/episode0'
    demo.mkdir(parents=True)
    link(demo / 'low_dim_obs.pkl', good.secret)
    return convert(folder / 'data', '--from', 'rlbench')


def alias_bomb(key: str = 'a') -> str:
    lines = [f'{key}0: &a0 [x, x, x, x, x, x, x, x, x]']
    return '\n'.join([*lines, *(f'{key}{n}: &a{n} [{", ".join([f"*a{n - 1}"] * 9)}]' for n in range(1, 12))])


TEXTS: dict[str, Callable[[Path, Good], object]] = {
    'alias_bomb': lambda path, good: path.write_text(alias_bomb()),
    'alias_of_itself': lambda path, good: path.write_text('a: &a [*a]'),
    '100000_deep': lambda path, good: path.write_text('[' * 100_000),
    'flow_of_keys_100000_deep': lambda path, good: path.write_text('{a: ' * 100_000),
    'indented_2000_deep': lambda path, good: path.write_text('\n'.join(f'{" " * n}a:' for n in range(2000))),
    '100_mib': lambda path, good: path.write_bytes(b'a: b\n' * (20 * 2**20)),
    'a_number_of_a_million_digits': lambda path, good: path.write_text('a: ' + '9' * 10**6),
    'a_number_of_base_60': lambda path, good: path.write_text('a: 1' + ':59' * 200_000),
    'of_code': lambda path, good: path.write_text('a: !!python/object/apply:os.system [true]'),
    'not_utf8': lambda path, good: path.write_bytes(b'\xff\xfe\0\0' * 100),
    'pipe': lambda path, good: pipe(path),
    'device': lambda path, good: link(path, Path('/dev/zero')),
}
DOORS: dict[str, Callable[[Path], list[str]]] = {
    'rig': lambda path: ['rig', 'show', str(path)],
    'robot': lambda path: ['robot', 'show', str(path)],
    'urdf': lambda path: ['robot', 'import', str(path), '--out', f'{path}.profile.yaml'],
}
for name, put in TEXTS.items():
    for door, argv in DOORS.items():

        def make_text(folder: Path, good: Good, put: Any = put, argv: Any = argv) -> list[str]:
            put(folder / 'file.yaml', good)
            return list(argv(folder / 'file.yaml'))

        CASES[f'{door}_{name}'] = make_text


def beside(name: str, put: Callable[[Path, Good], object]) -> Callable[[Path, Good], list[str]]:
    def make(folder: Path, good: Good) -> list[str]:
        data = copied(good.native, folder / 'data')
        put(data / name, good)
        return verify(data)

    return make


for name in ('alias_bomb', '100000_deep', '100_mib', 'a_number_of_base_60', 'device'):
    CASES[f'card_{name}'] = beside('dataset.yaml', TEXTS[name])
CASES['manifest_500000_deep'] = beside('manifest.json', lambda path, good: path.write_text('[' * 500_000))
CASES['manifest_beside_a_pipe'] = beside(
    'manifest.json', lambda path, good: (pipe(path.with_name('more')), path.write_text('{}'))
)


@case
def urdf_of_entities(folder: Path, good: Good) -> list[str]:
    text = '<!DOCTYPE r [<!ENTITY a0 "x">' + ''.join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)) + ']>'
    (folder / 'arm.urdf').write_text(f'{text}<robot name="&a11;"/>')
    return ['robot', 'import', str(folder / 'arm.urdf'), '--out', str(folder / 'arm.yaml')]


@case
def labels_500000_deep(folder: Path, good: Good) -> list[str]:
    data = copied(good.native, folder / 'data')
    (folder / 'labels.json').write_text('[' * 500_000)
    return ['dataset', 'label', str(data), '--from', str(folder / 'labels.json')]


@case
def labels_that_are_a_pipe(folder: Path, good: Good) -> list[str]:
    data = copied(good.native, folder / 'data')
    return ['dataset', 'label', str(data), '--from', str(pipe(folder / 'labels.json'))]
