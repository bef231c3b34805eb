# SPDX-License-Identifier: Apache-2.0
"""Random and damaged requests, bodies and frames, the same in every run: no 500, no traceback, and the console lives.

The long run: `python -m pytest -q tests/console/test_fuzz.py -m slow`.
"""

import json
import socket
import struct
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from console_rig import Rig, receive
from genima_ros.console.access import Access
from genima_ros.console.commands import COMMANDS, MESSAGE
from raw_client import connected, frame, head, upgrade

PATHS = ['/', '/log', '/main.js', '/stream', '/none', '/command/', *(f'/command/{name}' for name in COMMANDS)]
METHODS = ['POST'] * 6 + ['GET', 'GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'CONNECT', 'X' * 100]
NAMES = sorted({*MESSAGE, *(name for fields in COMMANDS.values() for name in fields)})
ODD = [
    'null', 'true', '1e999', '-1e999', 'NaN', 'Infinity', '0', '-0.0', '1e-999', '9' * 400, '9' * 5000, '-1', '2147483648',
    '1.5', '""', '"x"', '"\\u0000"', '"\\ud800"', '"\\udfff\\ud800"', '"' + 'x' * 3000 + '"', '[]', '{}', '[[]]', '["a"]',
    '[1, null]', '[' * 3000, '{"a":' * 3000, '"\\x"', '01', '+1', '.5', "'a'", '', '/*', '"take"', '"keep"', '"é🤖\u2028"',
]  # fmt: skip


class Fuzz:
    """Random inputs of one seed."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def choice(self, values: list[str]) -> str:
        return values[int(self.rng.integers(len(values)))]

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def body(self) -> bytes:
        """Return random bytes, or an object of odd values, damaged now and then."""
        if self.chance(0.1):
            return self.rng.bytes(int(self.rng.integers(200)))
        if self.chance(0.02):
            return b'[' * 100_000
        members = [f'"{self.choice(NAMES)}": {self.choice(ODD)}' for _ in range(int(self.rng.integers(1, 4)))]
        text = bytearray(('{' + ', '.join(members) + '}').encode())
        if self.chance(0.3) and text:
            for _ in range(int(self.rng.integers(1, 4))):
                place = int(self.rng.integers(len(text)))
                text[place : place + int(self.rng.integers(2))] = self.rng.bytes(int(self.rng.integers(3)))
        return bytes(text)

    def request(self, rig: Rig) -> bytes:
        """Return a request, damaged now and then."""
        body = self.body()
        if self.chance(0.2):
            headers = {'Transfer_Encoding': 'chunked'}
            body = f'{len(body):x}\r\n'.encode() + body + self.choice(['\r\n0\r\n\r\n', '\r\n', '0', '\r\nzz\r\n']).encode()
        else:
            length = len(body) if self.chance(0.9) else int(self.rng.integers(-2, 2**40))
            headers = {'Content_Length': str(length)}
        for name, value in (('Expect', '100-continue'), ('Upgrade', 'h2c'), ('Content_Encoding', 'gzip'), ('X', '\xff\x80')):
            if self.chance(0.05):
                headers[name] = value
        if self.chance(0.1):
            headers['Origin'] = self.choice(['null', '', 'http://evil.example', '\xe9'])
        data = bytearray(head(rig, self.choice(METHODS), self.choice(PATHS), **headers) + body)
        if self.chance(0.2):
            place = int(self.rng.integers(min(len(data), 200)))
            data[place : place + int(self.rng.integers(3))] = self.rng.bytes(int(self.rng.integers(3)))
        return bytes(data)

    def frames(self) -> bytes:
        """Return a few frames, damaged now and then."""
        data = b''
        for _ in range(int(self.rng.integers(1, 5))):
            opcode = int(self.rng.integers(16)) if self.chance(0.2) else 1
            data += frame(self.body()[:60_000], opcode, self.chance(0.95))
        if self.chance(0.2):
            place = int(self.rng.integers(min(len(data), 12)))
            data = data[:place] + self.rng.bytes(2) + data[place:]
        return data


def _exchange(rig: Rig, data: bytes, patience_s: float) -> bytes:
    """Return the beginning of the answer; the connection is broken off, so that a process has nothing left to wait for."""
    with connected(rig, data) as connection:
        connection.settimeout(patience_s)
        try:
            answer = connection.recv(65536)
        except (TimeoutError, ConnectionError):
            answer = b''
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        return answer


def _attack(rig: Rig, seed: int, requests: int, websockets: int) -> Counter[str]:
    fuzz, seen = Fuzz(seed), Counter[str]()
    for _ in range(requests):
        data = fuzz.request(rig)
        answer = _exchange(rig, data, 0.3)
        seen[answer[9:12].decode('latin-1')] += 1
        assert not answer.startswith(b'HTTP/1.1 500'), data
    for _ in range(websockets):
        data = fuzz.frames()
        answer = _exchange(rig, upgrade(rig) + (data if fuzz.chance(0.1) else b''), 1.0)
        assert answer.startswith(b'HTTP/1.1 101')
        with connected(rig, upgrade(rig)) as connection:
            connection.recv(65536)
            connection.sendall(data)
            seen['frames'] += 1
    return seen


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig(Access('127.0.0.1'))
    yield rig
    assert not [text for _, text in rig.troubles if 'Traceback' in text or 'Error' in text], rig.troubles
    assert rig.request('/command/stop', 'POST', b'{}', Origin=rig.origin)[0] == 200
    with rig.browser() as page:
        assert receive(page, lambda values: values.get('hello'))
    rig.server.close()


def test_some_hundreds_of_odd_requests_and_frames(rig: Rig) -> None:
    seen = _attack(rig, 0, 300, 60)
    assert {'200', '400', '403', '404', '405', 'frames'} <= set(seen), seen


@pytest.mark.slow
def test_five_thousand_odd_requests_and_frames(rig: Rig) -> None:
    seen = _attack(rig, 1, 4000, 1000)
    print(json.dumps(seen))
    assert sum(seen.values()) == 5000 and '500' not in seen
