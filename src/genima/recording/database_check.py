# SPDX-License-Identifier: Apache-2.0
"""Whether an SQLite file is what rosbag2 writes: plain tables, with no more in them than the file has bytes.

A view or a generated column is a program that runs when it is read, and may never end; and pages that are their own
neighbours make a small file one of any number of rows.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from genima.borders.files import reason, regular_file
from genima.errors import BorderError

_MAGIC = b'SQLite format 3\0'
_TABLES = ('topics', 'messages')
MAX_TOPICS = 10_000
STEPS_PER_BYTE, FREE_STEPS, EVERY_STEPS = 20, 10**7, 10**5


def check_database(path: Path) -> None:
    """Check a file before it is read.

    Raises:
        BorderError: if it is no SQLite, has views, triggers or computed columns, or rows that its bytes cannot hold.
    """
    size = regular_file(path).stat().st_size
    with path.open('rb') as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise BorderError(f'{path} is not an SQLite file; it holds nothing that could be read')
    try:
        with closing(sqlite3.connect(f'{path.resolve().as_uri()}?mode=ro&immutable=1', uri=True)) as database:
            _limit(database, size)
            _check_schema(database)
            _check_rows(database, size)
    except sqlite3.Error as error:
        raise BorderError(f'{path} cannot be read as SQLite ({reason(error)}); copy it again') from error


def _limit(database: sqlite3.Connection, size: int) -> None:
    """End whatever takes more steps than reading each byte of the file some times."""
    left = [(FREE_STEPS + STEPS_PER_BYTE * size) // EVERY_STEPS]

    def step() -> bool:
        left[0] -= 1
        return left[0] < 0

    database.set_progress_handler(step, EVERY_STEPS)
    database.execute('PRAGMA trusted_schema = OFF')


def _check_schema(database: sqlite3.Connection) -> None:
    for kind, name, made in database.execute('SELECT type, name, sql FROM sqlite_master').fetchall():
        if kind not in ('table', 'index') or str(made or '').upper().split()[:2] == ['CREATE', 'VIRTUAL']:
            raise BorderError(f'{name} is a {kind} that computes what it holds; rosbag2 makes none')
    for table in _TABLES:
        columns = database.execute(f'PRAGMA table_xinfo({table})').fetchall()
        computed = [str(column[1]) for column in columns if column[6]]
        if computed:
            raise BorderError(f'column {computed[0]} of {table} is computed; rosbag2 makes none')


def _check_rows(database: sqlite3.Connection, size: int) -> None:
    topics = database.execute('SELECT count(*) FROM topics').fetchone()[0]
    rows, stored = database.execute('SELECT count(*), sum(length(data)) FROM messages').fetchone()
    if topics > MAX_TOPICS or rows > size or (stored or 0) > size:
        raise BorderError(f'{topics} topics, {rows} messages of {stored} bytes in a file of {size} bytes: it is damaged')
