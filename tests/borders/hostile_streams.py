# SPDX-License-Identifier: Apache-2.0
"""Hostile bags: chunks and files that unpack to gigabytes, definitions that never end, databases that are programs."""

import json
import sqlite3
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import lz4.frame
import zstandard
from hostile_case import CASES, Good, case, convert, copied, link, pipe, verify

from genima.recording.schemas import standard_store

MAGIC = b'\x89MCAP0\r\n'
ROBOT = ('--robot', 'panda')


def record(opcode: int, data: bytes) -> bytes:
    return struct.pack('<BQ', opcode, len(data)) + data


def string(text: bytes) -> bytes:
    return struct.pack('<I', len(text)) + text


def header() -> bytes:
    return MAGIC + record(1, string(b'ros2') + string(b'x'))


def ended(*records: bytes) -> bytes:
    return b''.join([header(), *records, record(15, struct.pack('<I', 0)), record(2, struct.pack('<QQI', 0, 0, 0)), MAGIC])


def schema(number: int, name: bytes, text: bytes, encoding: bytes = b'ros2msg') -> bytes:
    return record(3, struct.pack('<H', number) + string(name) + string(encoding) + string(text))


def channel(number: int, schema_id: int, topic: bytes) -> bytes:
    return record(4, struct.pack('<HH', number, schema_id) + string(topic) + string(b'cdr') + struct.pack('<I', 0))


def message(channel_id: int, data: bytes, time_ns: int = 10**18) -> bytes:
    return record(5, struct.pack('<HIQQ', channel_id, 0, time_ns, time_ns) + data)


def chunk(packed: bytes, stated: int, compression: bytes, crc: int = 0) -> bytes:
    head = struct.pack('<QQQI', 0, 0, stated, crc) + string(compression)
    return record(6, head + struct.pack('<Q', len(packed)) + packed)


def zeros(gigabytes: int, stated: bool = True) -> bytes:
    """Return zstd data of so many zeros."""
    packer = zstandard.ZstdCompressor(level=3).compressobj(size=gigabytes * 2**30 if stated else -1)
    piece = bytes(2**26)
    return b''.join([*(packer.compress(piece) for _ in range(16 * gigabytes)), packer.flush()])


def lz4_zeros(gigabytes: int) -> bytes:
    packer = lz4.frame.LZ4FrameCompressor(block_size=7)
    piece = bytes(2**26)
    return b''.join([packer.begin(), *(packer.compress(piece) for _ in range(16 * gigabytes)), packer.flush()])


def bag(content: Callable[[], bytes], name: str = 'a_0.mcap', verified: bool = False) -> Callable[[Path, Good], list[str]]:
    def make(folder: Path, good: Good) -> list[str]:
        (folder / 'episode_000000').mkdir()
        (folder / 'episode_000000' / name).write_bytes(content())
        return verify(folder / 'episode_000000') if verified else convert(folder / 'episode_000000', *ROBOT)

    return make


def defined(name: bytes, *texts: bytes, data: bytes = bytes(64), encoding: bytes = b'ros2msg') -> bytes:
    """Return a bag with one topic that joints could come from, of a type of its own."""
    return ended(
        schema(1, name, BETWEEN.join(texts), encoding), channel(1, 1, b'/joint_states'), message(1, b'\0\1\0\0' + data)
    )


IMAGE = 'sensor_msgs/msg/Image'
MOST = struct.pack('<I', 2**32 - 1)
JOINTS = b'sensor_msgs/msg/JointState'
BETWEEN = b'\n' + 80 * b'=' + b'\n'
MCAP: dict[str, Callable[[], bytes]] = {
    'zstd_bomb': lambda: ended(chunk(zeros(3), 3 * 2**30, b'zstd')),
    'zstd_bomb_that_states_little': lambda: ended(chunk(zeros(3), 1000, b'zstd')),
    'zstd_bomb_that_states_nothing': lambda: ended(chunk(zeros(3, stated=False), 1000, b'zstd')),
    'zstd_bomb_in_100_chunks': lambda: ended(*[chunk(zstandard.compress(bytes(2**27)), 2**27, b'zstd')] * 100),
    'lz4_bomb': lambda: ended(chunk(lz4_zeros(1), 1000, b'lz4')),
    'lz4_bomb_that_states_it': lambda: ended(chunk(lz4_zeros(1), 2**30, b'lz4')),
    'compression_of_another_name': lambda: ended(chunk(b'abc', 3, b'x' * 1000)),
    'records_of_nothing': lambda: ended(*[chunk(zstandard.compress(record(9, b'') * 10**6), 9 * 10**6, b'zstd')] * 50),
    'message_shorter_than_its_head': lambda: ended(record(5, b'abc'), chunk(record(5, b'abc'), 12, b'')),
    'record_of_2_63_bytes': lambda: header() + struct.pack('<BQ', 5, 2**63),
    'schema_within_itself': lambda: defined(JOINTS, b'sensor_msgs/JointState inner'),
    'schemas_within_each_other': lambda: defined(JOINTS, b'a/A a', b'MSG: a/A\na/B[] b', b'MSG: a/B\na/A a'),
    'schema_that_doubles': lambda: defined(
        JOINTS,
        b'a/T0 a',
        *(b'MSG: a/T%d\na/T%d a\na/T%d b' % (n, n + 1, n + 1) for n in range(40)),
        b'MSG: a/T40\nint8 a',
    ),
    'schema_of_2e9_numbers': lambda: defined(JOINTS, b'a/T[2000000000] a', b'MSG: a/T\nint8[2000000000] b'),
    'sequence_of_nothing': lambda: defined(JOINTS, b'a/T[] a', b'MSG: a/T\nint8 K=1', data=MOST),
    'sequence_of_4e9_texts': lambda: defined(JOINTS, b'int32 a\nstring[] name', data=bytes(4) + MOST),
    'schema_of_2_mib': lambda: defined(JOINTS, b'# ' + b'x' * 2**21 + b'\nint8 a'),
    'schema_that_nests_brackets': lambda: defined(JOINTS, b'module a { ' * 5000, encoding=b'ros2idl'),
    'schema_with_a_name_of_code': lambda: defined(b'a/msg/__import__("os")', b'int8 a'),
    'provenance_500000_deep': lambda: ended(
        record(12, string(b'genima') + string(string(b'provenance') + string(b'[' * 500_000))),
        channel(1, 0, b'/joint_states'),
    ),
}
for name, content in MCAP.items():
    CASES[f'mcap_{name}'] = bag(content)
for name in ('zstd_bomb', 'zstd_bomb_that_states_nothing', 'lz4_bomb', 'schema_within_itself', 'records_of_nothing'):
    CASES[f'verify_mcap_{name}'] = bag(MCAP[name], verified=True)
CASES['mcap_packed_bomb'] = bag(lambda: zstandard.compress(header()) + zeros(4, stated=False), 'a_0.mcap.zstd')
CASES['mcap_messages_that_are_bombs'] = bag(
    lambda: ended(
        schema(
            1,
            b'sensor_msgs/msg/Image',
            str(standard_store().generate_msgdef('sensor_msgs/msg/Image', ros_version=2)[0]).encode(),
        ),
        channel(1, 1, b'/cameras/front/image_raw'),
        *[message(1, zstandard.compress(bytes(2**28 - 2**20)))] * 50,
    )
)


def database(*statements: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with sqlite3.connect(path) as opened:
            for statement in statements:
                opened.execute(statement)
        opened.close()

    return make


TOPICS = (
    'CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT, type TEXT, serialization_format TEXT, offered_qos_profiles TEXT)'
)
ONE = "INSERT INTO topics VALUES(1, '/joint_states', 'sensor_msgs/msg/JointState', 'cdr', '')"
MESSAGES = 'CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER, timestamp INTEGER, data BLOB)'
ENDLESS = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT'
ROWS = 'i AS id, 1 AS topic_id, i AS timestamp, zeroblob(9) AS data FROM n'
NAMES = "i AS id, 'a' AS name, 'b' AS type, 'cdr' AS serialization_format, '' AS offered_qos_profiles FROM n"
COMPUTED = MESSAGES.replace('data BLOB', 'data BLOB GENERATED ALWAYS AS (zeroblob(1000000000))')
DATABASES = {
    'endless_view': (TOPICS, ONE, f'CREATE VIEW messages AS {ENDLESS} {ROWS}'),
    'endless_topics': (MESSAGES, f'CREATE VIEW topics AS {ENDLESS} {NAMES}'),
    'huge_column': (TOPICS, ONE, COMPUTED, 'INSERT INTO messages VALUES(1, 1, 1)'),
    'trigger': (TOPICS, ONE, MESSAGES, 'CREATE TRIGGER t AFTER INSERT ON messages BEGIN DELETE FROM topics; END'),
    'view_beside': (TOPICS, ONE, MESSAGES, f'CREATE VIEW schema AS {ENDLESS} i AS schema_version FROM n'),
    'no_tables': ('CREATE TABLE a(b)',),
    'virtual_table': (TOPICS, ONE, 'CREATE VIRTUAL TABLE messages USING fts5(id, topic_id, timestamp, data)'),
    'no_data': (TOPICS, ONE, MESSAGES, *['INSERT INTO messages SELECT NULL, 1, abs(random()) % 1000000000, NULL'] * 3),
}
for name, statements in DATABASES.items():

    def make_database(folder: Path, good: Good, statements: tuple[str, ...] = statements) -> list[str]:
        (folder / 'episode_000000').mkdir()
        database(*statements)(folder / 'episode_000000' / 'a_0.db3')
        return convert(folder / 'episode_000000', *ROBOT)

    CASES[f'db3_{name}'] = make_database


@case
def db3_pages_that_repeat(folder: Path, good: Good) -> list[str]:
    """Every page of the index of rows names the same page below: a number of rows that is a power."""
    (folder / 'episode_000000').mkdir()
    path = folder / 'episode_000000' / 'a_0.db3'
    with sqlite3.connect(path) as opened:
        opened.execute('PRAGMA page_size = 512')
        for statement in (TOPICS, ONE, MESSAGES):
            opened.execute(statement)
        opened.executemany('INSERT INTO messages VALUES(NULL, 1, ?, zeroblob(100))', [(n,) for n in range(20_000)])
        root = opened.execute("SELECT rootpage FROM sqlite_master WHERE name = 'messages'").fetchone()[0]
    opened.close()
    data = bytearray(path.read_bytes())

    def child(page: int) -> int:
        return int.from_bytes(data[512 * (page - 1) + 8 :][:4], 'big')

    page = root
    while data[512 * (page - 1)] == 5:  # an inner page of a table: all of its cells get the same child
        start, below = 512 * (page - 1), child(page)
        for cell in range(int.from_bytes(data[start + 3 : start + 5], 'big')):
            at = start + int.from_bytes(data[start + 12 + 2 * cell :][:2], 'big')
            data[at : at + 4] = below.to_bytes(4, 'big')
        page = below
    path.write_bytes(data)
    return convert(folder / 'episode_000000', *ROBOT)


@case
def bag_that_is_a_pipe(folder: Path, good: Good) -> list[str]:
    pipe(folder / 'episode_000000' / 'a_0.mcap')
    return convert(folder / 'episode_000000', *ROBOT)


@case
def verify_bag_that_is_a_pipe(folder: Path, good: Good) -> list[str]:
    pipe(folder / 'episode_000000' / 'a_0.mcap')
    return verify(folder / 'episode_000000')


@case
def view_bag_that_is_a_pipe(folder: Path, good: Good) -> list[str]:
    return ['latency', str(pipe(folder / 'a_0.mcap')), '--robot', 'panda']


@case
def bag_that_is_a_link(folder: Path, good: Good) -> list[str]:
    (folder / 'episode_000000').mkdir()
    link(folder / 'episode_000000' / 'a_0.mcap', good.canary / 'secret.mcap')
    return convert(folder / 'episode_000000', *ROBOT)


@case
def bag_whose_summary_is_deep(folder: Path, good: Good) -> list[str]:
    data = copied(good.bag, folder / 'episode_000000')
    (data / 'episode.json').write_text('[' * 500_000)
    return convert(data)


@case
def bag_whose_summary_is_a_pipe(folder: Path, good: Good) -> list[str]:
    data = copied(good.bag, folder / 'episode_000000')
    pipe(data / 'episode.json')
    return convert(data)


@case
def bag_of_a_robot_that_is_a_file(folder: Path, good: Good) -> list[str]:
    data = copied(good.bag, folder / 'episode_000000')
    summary = json.loads((data / 'episode.json').read_text())
    summary['provenance']['robot'] = str(good.canary / 'secret.yaml')
    (data / 'episode.json').write_text(json.dumps(summary))
    return convert(data)


@case
def bag_with_a_jpeg_of_10000_scans(folder: Path, good: Good) -> list[str]:
    """A progressive JPEG whose scans each go over the whole image."""
    frame = b'\xff\xc2\x00\x0b\x08' + struct.pack('>HH', 8000, 8000) + b'\x01\x01\x11\x00'
    scan = b'\xff\xda\x00\x08\x01\x01\x00\x01\x01\x00' + b'\x00' * 40
    data = b'\xff\xd8' + frame + scan * 10_000 + b'\xff\xd9'
    (folder / 'samples').mkdir()
    for number in range(5):
        (folder / 'samples' / f'{number:03d}.png').write_bytes(data)
    (folder / 'samples' / 'samples.yaml').write_text(
        '\n'.join(f'- {{image: {number:03d}.png, joints: {{a: 0.0}}}}' for number in range(5))
    )
    assert zlib.crc32(data)
    return ['calibrate', 'intrinsics', 'cam', '--samples', str(folder / 'samples'), '--out', str(folder / 'lens.yaml')]
