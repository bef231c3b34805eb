# SPDX-License-Identifier: Apache-2.0
"""The web server: what it serves, whom it refuses, and that a slow browser gets fewer pictures, never a queue."""

import json
import time
from collections.abc import Iterator

import pytest
from console_rig import Rig, receive, say, until
from genima_ros.console import browser as browser_module
from genima_ros.console.access import Access
from genima_ros.console.application import PAGE
from genima_ros.console.server import ConsoleServer
from websockets.exceptions import ConnectionClosed, InvalidStatus

from genima.errors import GenimaError

TOKEN = 'a-token-of-24-characters'


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig(Access('127.0.0.1'))
    yield rig
    rig.server.close()


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
    assert rig.asked == [('flag', {'cause': 'jitter', 'note': '', 'seconds_ago': 0.0})]
    status, body, _ = rig.request('/command/dance', 'POST', b'{}', Origin=rig.origin)
    assert status == 404 and "no command 'dance'; allowed: stop, arm" in json.loads(body)['text']
    assert rig.request('/command/flag', 'POST', b' ' * 70_000, Origin=rig.origin)[0] == 413


def test_a_foreign_page_gets_no_stream(rig: Rig) -> None:
    for options in ({'origin': 'http://evil.example'}, {'origin': None}):
        with pytest.raises(InvalidStatus):
            rig.browser(**options)


def test_with_a_token_nothing_is_answered_without_it() -> None:
    rig = Rig(Access('0.0.0.0', TOKEN))
    try:
        assert rig.request('/')[0] == 200 and rig.request('/main.js')[0] == 200
        with rig.browser() as socket:
            assert receive(socket, lambda values: values.get('hello'))['robot'] == 'panda'
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
            say(socket, look=['camera/front'])
        until(lambda: rig.server.frames.watched)
        for _ in range(8):
            rig.picture()
            say(quick, seen=receive(quick, lambda values: values.get('bundle')))
            say(slow, beat=1)
        bundles = [receive(slow, lambda values: values.get('bundle')) for _ in range(2)]
        assert bundles == [1, 2]
        with pytest.raises(TimeoutError):
            receive(slow, lambda values: values.get('bundle'), 0.5)
        assert rig.server.frames.encoded == 8, 'once each, for both'
        say(slow, seen=2)
        pictures = receive(slow, lambda values: values.get('pictures'))
        assert pictures[0]['stamp_s'] == pytest.approx(rig.server.frames.newest('camera/front').stamp_s)  # type: ignore[union-attr]


def test_status_goes_to_all_and_waits_for_those_who_fall_behind(rig: Rig) -> None:
    with rig.browser() as slow, rig.browser() as quick:
        for socket in (slow, quick):
            receive(socket, lambda values: values.get('hello'))
        for number in range(1, 13):
            rig.server.publish({'ros_s': 0.1 * number})
            got = receive(quick, lambda values: values.get('status'))
            assert got == {'number': number, 'ros_s': 0.1 * number}
            say(quick, status=number)
            say(slow, beat=number)
        numbers = []
        with pytest.raises(TimeoutError):
            while True:
                say(slow, beat=0)  # it is slow, not silent
                numbers.append(receive(slow, lambda values: values.get('status'), 0.5)['number'])
        assert len(numbers) <= 6
        say(slow, status=numbers[-1])
        rig.server.publish({'ros_s': 9.0})
        assert receive(slow, lambda values: values.get('status'))['number'] >= 12


def test_stop_over_the_websocket_is_answered_with_what_the_guard_said(rig: Rig) -> None:
    with rig.browser() as socket:
        say(socket, stop=7)
        assert receive(socket, lambda values: values.get('answer')) == {'to': 7, **rig.answer}
        rig.answer = {'ok': False, 'text': 'guard_node/stop did not answer'}
        say(socket, stop=8)
        assert receive(socket, lambda values: values.get('answer'))['text'] == 'guard_node/stop did not answer'
    assert rig.asked == [('stop', {}), ('stop', {})]


def test_the_watch_ends_with_the_connection(rig: Rig) -> None:
    with rig.browser() as socket:
        say(socket, beat=1, watch='keep')
        assert receive(socket, lambda values: values.get('watch')) is False, 'it was never taken'
        say(socket, beat=2, watch='take')
        until(lambda: rig.server.watch.holders == 1)
        say(socket, beat=3, watch='take')
    until(lambda: rig.server.watch.holders == 0, 0.4)


def test_a_browser_that_falls_silent_is_let_go(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_module, 'SILENT_S', 0.3)
    with rig.browser() as socket:
        say(socket, look=['camera/front'])
        until(lambda: rig.server.frames.watched and rig.server.browsers == 1)
        for number in range(20):
            say(socket, beat=number)
            time.sleep(0.05)
        assert rig.server.browsers == 1, 'who speaks stays'
        until(lambda: not rig.server.frames.watched and rig.server.browsers == 0)
        with pytest.raises(ConnectionClosed):
            receive(socket, lambda values: None)


@pytest.mark.parametrize(
    'message',
    ['[]', 'nonsense', '{"look": 3}', '{"look": ["x"], "width": "w"}', '{"seen": "x"}', '3', '{"beat": 1e999}',
     '{"dance": 1}', '{"beat": 1, "watch": "steal"}', '[' * 9000, '{"seen": 1, "seen": 2}', b'{"beat": 1}'],
)  # fmt: skip
def test_nonsense_ends_the_connection_and_nothing_else(rig: Rig, message: str | bytes) -> None:
    with rig.browser() as socket:
        socket.send(message)
        with pytest.raises(ConnectionClosed) as closed:
            receive(socket, lambda values: None)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1008 and closed.value.rcvd.reason
    with rig.browser() as socket:
        assert receive(socket, lambda values: values.get('hello'))


def test_a_port_that_is_taken_is_named(rig: Rig) -> None:
    with pytest.raises(GenimaError, match=f'port {rig.server.port} of 127.0.0.1 cannot be used'):
        ConsoleServer(Access('127.0.0.1'), rig.server.port, rig.command, list, {})
