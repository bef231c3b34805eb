# SPDX-License-Identifier: Apache-2.0
"""What a page may ask for: commands by POST, and messages over its websocket."""

from collections.abc import Mapping
from typing import Any

from genima_ros.console.requests import Field, RequestError, needed, shown, text_of, whole

MAX_AGO_S = 3600.0
MAX_VIEWS, MAX_WIDTH_PX = 32, 100_000


def _ago_s(name: str, value: Any) -> float:
    value = 0.0 if value is None else value
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.0 <= value <= MAX_AGO_S:
        raise RequestError(f'{name} {shown(value)}; allowed: 0 to {MAX_AGO_S:.0f}')
    return float(value)


def _views(name: str, value: Any) -> list[str] | None:
    if value is not None and not isinstance(value, list):
        raise RequestError(f'{name} {shown(value)}; allowed is a list of views')
    if value is not None and len(value) > MAX_VIEWS:
        raise RequestError(f'{name}: {len(value)} views; allowed: {MAX_VIEWS}')
    return None if value is None else [text_of(name, view) for view in value]


def _width_px(name: str, value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= MAX_WIDTH_PX:
        raise RequestError(f'{name} {shown(value)}; allowed is a number of pixels up to {MAX_WIDTH_PX}')
    return int(value)


def _watch(name: str, value: Any) -> str | None:
    if value is not None and value not in ('take', 'keep'):
        raise RequestError(f'{name} {shown(value)}; allowed: take, keep or nothing')
    return None if value is None else str(value)


def _anything(name: str, value: Any) -> Any:
    return value


COMMANDS: Mapping[str, Mapping[str, Field]] = {
    'stop': {},
    'arm': {'page': text_of},
    'disarm': {},
    'reset': {},
    'instruction': {'text': text_of},
    'scene': {'seed': needed(whole())},
    'start': {'instruction': text_of, 'seed': whole(-1)},
    'end': {'outcome': text_of, 'cause': text_of, 'note': text_of},
    'flag': {'cause': text_of, 'note': text_of, 'seconds_ago': _ago_s},
}

MESSAGE: Mapping[str, Field] = {
    'stop': _anything,
    'look': _views,
    'width': _width_px,
    'seen': whole(),
    'status': whole(),
    'beat': whole(),
    'heard': whole(),
    'watch': _watch,
}


def fields_of(command: str) -> Mapping[str, Field]:
    """Return the fields of a command.

    Raises:
        RequestError: if there is no such command.
    """
    if command not in COMMANDS:
        raise RequestError(f'no command {shown(command)!r}; allowed: {", ".join(COMMANDS)}', 404)
    return COMMANDS[command]
