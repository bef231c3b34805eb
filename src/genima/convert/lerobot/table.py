# SPDX-License-Identifier: Apache-2.0
"""Parquet files of others: what their footer states is checked before a page is unpacked.

A column of one value repeated takes a few bytes for any number of rows, so rows are limited besides bytes.
"""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from genima.borders.files import regular_file
from genima.borders.unpacked import Budget, check_unpacked
from genima.errors import BorderError

MAX_ROWS = 4 * 10**6
MAX_NUMBERS = 2**25
MAX_COLUMNS = 20_000
BATCH_ROWS = 8
FOOTER_BYTES = 2**26


def check_table(path: Path) -> pa.Schema:
    """Return the schema of a file whose tables fit into memory.

    Raises:
        BorderError: saying what is too large.
    """
    size = regular_file(path).stat().st_size
    file = pq.ParquetFile(path, thrift_string_size_limit=FOOTER_BYTES, thrift_container_size_limit=MAX_ROWS)
    about, schema = file.metadata, file.schema_arrow
    if about.num_rows > MAX_ROWS or about.num_columns > MAX_COLUMNS:
        raise BorderError(f'{path} has {about.num_rows} rows of {about.num_columns} columns; at most {MAX_ROWS}')
    wide = sum(_numbers(each.type) for each in schema)
    if wide * max(about.num_rows, 1) > max(MAX_NUMBERS, size):
        raise BorderError(
            f'{path} has {about.num_rows} rows of {wide} numbers, and {size} bytes; at most {MAX_NUMBERS} numbers'
        )
    groups = (about.row_group(index) for index in range(about.num_row_groups))
    unpacked = sum(group.column(index).total_uncompressed_size for group in groups for index in range(group.num_columns))
    check_unpacked(unpacked, size, str(path))
    return schema


def read_batches(path: Path, columns: Sequence[str]) -> list[pa.RecordBatch]:
    """Return some columns of a file that `check_table` has seen, a few rows at a time: a text may stand in all of them.

    Raises:
        BorderError: if they have together many times the bytes of the file.
    """
    budget, batches = Budget(str(path), path.stat().st_size), []
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=list(columns)):
            budget.take(batch.nbytes)
            batches.append(batch)
    return batches


def holds_numbers(field: pa.Field) -> bool:
    """Return whether a column holds numbers, or lists of them, whatever else is said about it."""
    kind = field.type
    while pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind) or pa.types.is_large_list(kind):
        kind = kind.value_type
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def _numbers(kind: pa.DataType) -> int:
    """Return how many numbers one row of a column has, where its type says so; null takes as much room."""
    if pa.types.is_fixed_size_list(kind):
        return int(kind.list_size) * _numbers(kind.value_type)
    if pa.types.is_fixed_size_binary(kind):
        return int(kind.byte_width)
    if pa.types.is_struct(kind):
        return sum(_numbers(kind.field(index).type) for index in range(kind.num_fields))
    return 1
