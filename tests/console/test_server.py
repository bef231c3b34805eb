# SPDX-License-Identifier: Apache-2.0
"""The web server: what it serves, whom it refuses, and that a slow browser gets fewer pictures, never a queue."""

import json
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import pytest
from genima_ros.console import browser as browser_module
from genima_ros.console.access import Access
from genima_ros.console.server import PAGE, ConsoleServer
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from genima.errors import GenimaError

PIXELS = np.zeros((24, 32, 3), dtype=np.uint8)
TOKEN = 'a-token-of-24-characters'


class Rig:
    """A console without a robot."""

    def __init__(self, access: Access) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answer = {'ok': True, 'text': 'stopped: by service'}
        self.server = ConsoleServer(access, 0, self._command, lambda: [{'text': 'armed'}], {'robot': 'panda'})
        self.origin = f'http://127.0.0.1:{self.server.port}'
        self.base = f'{self.origin}{access.prefix}'

    async def _command(self, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append((name, dict(values)))
        return self.answer

    def request(self, path: str, method: str = 'GET', data: bytes | None = None, **headers: str) -> tuple[int, bytes, Any]:
        try:
            with urlopen(Request(self.base + path, data, headers, method=method), timeout=5.0) as response:
                return response.status, response.read(), response.headers
        except HTTPError as error:
            return error.code, error.read(), error.headers

    def browser(self, **options: Any) -> ClientConnection:
        address = f'{self.base.replace("http", "ws")}/stream'
        return connect(address, **{'origin': self.origin, 'compression': None, **options})

    def picture(self) -> None:
        """Offer one picture of the front camera, and wait until it is there."""
        before = self.server.frames.encoded
        end_s = time.monotonic() + 5.0
        while self.server.frames.encoded == before:
            assert time.monotonic() < end_s
            self.server.frames.offer('camera/front', time.monotonic(), lambda: PIXELS)
            time.sleep(0.02)


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig(Access('127.0.0.1'))
    yield rig
    rig.server.close()


def _receive(socket: ClientConnection, wanted: Callable[[Any], Any], timeout_s: float = 5.0) -> Any:
    """Return the first wanted value of the messages: dictionaries, or headers of bundles with their number."""
    end_s = time.monotonic() + timeout_s
    while True:
        message = socket.recv(max(0.0, end_s - time.monotonic()))
        if isinstance(message, bytes):
            (length,) = struct.unpack_from('<I', message)
            values = json.loads(message[4 : 4 + length])
            assert len(message) == 4 + length + sum(picture['bytes'] for picture in values['pictures'])
        else:
            values = json.loads(message)
        if (found := wanted(values)) is not None:
            return found


def _say(socket: ClientConnection, **message: Any) -> None:
    socket.send(json.dumps(message))


def _until(condition: Callable[[], object], timeout_s: float = 5.0) -> None:
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.01)


def test_the_page_is_served_whole_and_loads_nothing_from_elsewhere(rig: Rig) -> None:
    status, page, headers = rig.request('/')
    assert status == 200 and b'id="stop"' in page
    assert "default-src 'self'" in headers['Content-Security-Policy'] and "frame-ancestors 'none'" in str(headers)
    for path in PAGE.iterdir():
        status, body, _ = rig.request(f'/{path.name}')
        assert status == 200 and body == path.read_bytes()
        text = body.decode().replace('http://www.w3.org/', '')
        assert 'http://' not in text and 'https://' not in text, f'{path.name} names another server'
    assert rig.request('/../server.py')[0] == 404 and rig.request('/server.py')[0] == 404
    assert json.loads(rig.request('/log')[1]) == [{'text': 'armed'}]


def test_commands_are_posted_by_the_own_page_only(rig: Rig) -> None:
    assert rig.request('/command/stop')[0] == 405, 'no command by GET'
    assert rig.request('/command/stop', 'POST', b'{}')[0] == 403
    assert rig.request('/command/stop', 'POST', b'{}', Origin='http://evil.example')[0] == 403
    assert rig.request('/command/stop', 'POST', b'{}', Origin=rig.origin, Host='evil.example')[0] == 403
    assert rig.asked == []
    status, body, _ = rig.request('/command/flag', 'POST', b'{"cause": "jitter"}', Origin=rig.origin)
    assert (status, json.loads(body)) == (200, rig.answer)
    assert rig.asked == [('flag', {'cause': 'jitter'})]
    for bad in (b'[]', b'{', b'\xff'):
        assert rig.request('/command/stop', 'POST', bad, Origin=rig.origin)[0] == 400
    assert rig.request('/command/stop', 'POST', b' ' * 70_000, Origin=rig.origin)[0] == 413


def test_a_foreign_page_gets_no_stream(rig: Rig) -> None:
    for options in ({'origin': 'http://evil.example'}, {'origin': None}):
        with pytest.raises(InvalidStatus):
            rig.browser(**options)


def test_with_a_token_nothing_is_answered_without_it() -> None:
    rig = Rig(Access('0.0.0.0', TOKEN))
    try:
        assert rig.request('/')[0] == 200 and rig.request('/main.js')[0] == 200
        with rig.browser() as socket:
            assert _receive(socket, lambda values: values.get('hello')) == {'robot': 'panda'}
        assert rig.request('/command/stop', 'POST', b'{}', Origin=rig.origin)[0] == 200
        rig.base = rig.origin
        for path in ('/', '/main.js', '/log'):
            status, body, _ = rig.request(path)
            assert status == 403 and b'token is missing' in body
        assert rig.request('/command/stop', 'POST', b'{}', Origin=rig.origin)[0] == 403
        with pytest.raises(InvalidStatus):
            rig.browser()
    finally:
        rig.server.close()


def test_a_slow_browser_gets_the_newest_picture_and_never_a_queue(rig: Rig) -> None:
    with rig.browser() as slow, rig.browser() as quick:
        for socket in (slow, quick):
            _say(socket, look=['camera/front'])
        _until(lambda: rig.server.frames.watched)
        for _ in range(8):
            rig.picture()
            _say(quick, seen=_receive(quick, lambda values: values.get('bundle')))
            _say(slow, beat=1)
        bundles = [_receive(slow, lambda values: values.get('bundle')) for _ in range(2)]
        assert bundles == [1, 2]
        with pytest.raises(TimeoutError):
            _receive(slow, lambda values: values.get('bundle'), 0.5)
        assert rig.server.frames.encoded == 8, 'once each, for both'
        _say(slow, seen=2)
        pictures = _receive(slow, lambda values: values.get('pictures'))
        assert pictures[0]['stamp_s'] == pytest.approx(rig.server.frames.newest('camera/front').stamp_s)  # type: ignore[union-attr]


def test_status_goes_to_all_and_waits_for_those_who_fall_behind(rig: Rig) -> None:
    with rig.browser() as slow, rig.browser() as quick:
        for socket in (slow, quick):
            _receive(socket, lambda values: values.get('hello'))
        for number in range(1, 13):
            rig.server.publish({'ros_s': 0.1 * number})
            got = _receive(quick, lambda values: values.get('status'))
            assert got == {'number': number, 'ros_s': 0.1 * number}
            _say(quick, status=number)
            _say(slow, beat=number)
        numbers = []
        with pytest.raises(TimeoutError):
            while True:
                _say(slow, beat=0)  # it is slow, not silent
                numbers.append(_receive(slow, lambda values: values.get('status'), 0.5)['number'])
        assert len(numbers) <= 6
        _say(slow, status=numbers[-1])
        rig.server.publish({'ros_s': 9.0})
        assert _receive(slow, lambda values: values.get('status'))['number'] >= 12


def test_stop_over_the_websocket_is_answered_with_what_the_guard_said(rig: Rig) -> None:
    with rig.browser() as socket:
        _say(socket, stop=7)
        assert _receive(socket, lambda values: values.get('answer')) == {'to': 7, **rig.answer}
        rig.answer = {'ok': False, 'text': 'guard_node/stop did not answer'}
        _say(socket, stop=8)
        assert _receive(socket, lambda values: values.get('answer'))['text'] == 'guard_node/stop did not answer'
    assert rig.asked == [('stop', {}), ('stop', {})]


def test_the_watch_ends_with_the_connection(rig: Rig) -> None:
    with rig.browser() as socket:
        _say(socket, beat=1, watch='keep')
        assert _receive(socket, lambda values: values.get('watch')) is False, 'it was never taken'
        _say(socket, beat=2, watch='take')
        _until(lambda: rig.server.watch.holders == 1)
        _say(socket, beat=3, watch='take')
    _until(lambda: rig.server.watch.holders == 0, 0.4)


def test_a_browser_that_falls_silent_is_let_go(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_module, 'SILENT_S', 0.3)
    with rig.browser() as socket:
        _say(socket, look=['camera/front'])
        _until(lambda: rig.server.frames.watched and rig.server.browsers == 1)
        _until(lambda: not rig.server.frames.watched and rig.server.browsers == 0)
        with pytest.raises(ConnectionClosed):
            _receive(socket, lambda values: None)


@pytest.mark.parametrize('message', ['[]', 'nonsense', '{"look": 3}', '{"look": ["x"], "width": "w"}', '{"seen": "x"}', '3'])
def test_nonsense_ends_the_connection_and_nothing_else(rig: Rig, message: str) -> None:
    with rig.browser() as socket:
        socket.send(message)
        if message != '[]':
            with pytest.raises(ConnectionClosed):
                _receive(socket, lambda values: None)
    with rig.browser() as socket:
        assert _receive(socket, lambda values: values.get('hello'))


def test_a_port_that_is_taken_is_named(rig: Rig) -> None:
    with pytest.raises(GenimaError, match=f'port {rig.server.port} of 127.0.0.1 cannot be used'):
        ConsoleServer(Access('127.0.0.1'), rig.server.port, rig._command, list, {})
