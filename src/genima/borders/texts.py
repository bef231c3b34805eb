# SPDX-License-Identifier: Apache-2.0
"""JSON and YAML of others: bounded in size, depth and number of values, also in what aliases of YAML multiply."""

import json
from pathlib import Path
from typing import Any

import yaml

from genima.borders.files import read_bytes, reason
from genima.errors import BorderError

MAX_JSON_BYTES, MAX_YAML_BYTES = 2**26, 2**21
MAX_DEPTH = 64
MAX_VALUES, MAX_NODES = 4 * 10**6, 10**6
LONGEST_NUMBER = 256
_LOADER: Any = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)  # the same language, ten times as fast


def read_text(path: Path | str, most: int = MAX_JSON_BYTES) -> str:
    """Return the text of a regular file in UTF-8.

    Raises:
        BorderError: if it is not one, or larger than `most` bytes.
    """
    try:
        return read_bytes(path, most).decode('utf-8-sig')
    except UnicodeDecodeError as error:
        raise BorderError(f'{path} is no text in UTF-8 ({error})') from error


def read_json(path: Path | str) -> Any:
    """Return what a JSON file holds.

    Raises:
        BorderError: as `read_text` and `parse_json` do.
    """
    return parse_json(read_text(path))


def parse_json(text: str | bytes) -> Any:
    """Return what a JSON text says.

    Raises:
        BorderError: if it is none, too long, too deep, or has too many values.
    """
    if len(text) > MAX_JSON_BYTES:
        raise BorderError(f'a JSON text of {len(text)} characters, allowed {MAX_JSON_BYTES}')
    marks = (',', '[', '{') if isinstance(text, str) else (b',', b'[', b'{')
    if sum(map(text.count, marks)) > MAX_VALUES:  # type: ignore[arg-type]
        raise BorderError(f'a JSON text with more than {MAX_VALUES} values')
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BorderError(f'not JSON: {reason(error)}') from error
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH + 1):
        inner = (each.values() if isinstance(each, dict) else each for each in level if isinstance(each, (dict, list)))
        level = [each for values in inner for each in values]
        if not level:
            return value
    raise BorderError(f'JSON is nested more than {MAX_DEPTH} deep')


def read_yaml(path: Path | str) -> Any:
    """Return what a YAML file holds: plain values only.

    Raises:
        BorderError: as `read_text` and `parse_yaml` do.
    """
    return parse_yaml(read_text(path, MAX_YAML_BYTES))


def parse_yaml(text: str) -> Any:
    """Return what a YAML text says: plain values only.

    Raises:
        BorderError: if it is none, too long, too deep, or has too many values, those that aliases repeat counted.
    """
    if len(text) > MAX_YAML_BYTES:
        raise BorderError(f'a YAML text of {len(text)} characters, allowed {MAX_YAML_BYTES}')
    try:
        _check_events(text)
        loader = _LOADER(text)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        if isinstance(error, BorderError):
            raise
        raise BorderError(f'not YAML: {reason(error)}') from error


def _check_events(text: str) -> None:
    """Go through a YAML text without building anything, and count what it would become."""
    sizes: dict[str, int] = {}
    open_nodes: list[tuple[str | None, int]] = [(None, 0)]  # anchor and number of values of what is not complete yet
    for event in yaml.parse(text, Loader=_LOADER):
        done: tuple[str | None, int] | None = None
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise BorderError(f'YAML alias {event.anchor!r} is of nothing before it, or of what it is in')
            done = None, sizes[event.anchor]
        elif isinstance(event, yaml.ScalarEvent):
            if event.implicit[0] and len(event.value) > LONGEST_NUMBER and event.value[0] in '+-.0123456789':
                raise BorderError(f'a number of {len(event.value)} digits in YAML')
            done = event.anchor, 1
        elif isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((event.anchor, 1))
            if len(open_nodes) > MAX_DEPTH + 1:
                raise BorderError(f'YAML is nested more than {MAX_DEPTH} deep')
        elif isinstance(event, yaml.CollectionEndEvent):
            done = open_nodes.pop()
        if done is not None:
            anchor, size = done
            if anchor is not None:
                sizes[anchor] = size
            around, before = open_nodes[-1]
            open_nodes[-1] = around, before + size
            if before + size > MAX_NODES:
                raise BorderError(f'a YAML text with more than {MAX_NODES} values, those of aliases counted')
