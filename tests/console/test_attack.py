# SPDX-License-Identifier: Apache-2.0
"""Who breaks the rules of HTTP or websockets: none of it keeps a stop out, stays for ever, or fills the log."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from console_rig import Rig, receive, say, until
from genima_ros.console import application, connections, lobby
from genima_ros.console import browser as browser_module
from genima_ros.console.access import Access
from raw_client import connected, frame, head, rest, status, upgrade
from websockets.exceptions import ConnectionClosed

HALF = b'POST /command/stop HTTP/1.1\r\nHost: 127.0.0.1\r\nX: '


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig(Access('127.0.0.1'), max_connections=64)
    yield rig
    rig.server.close()
    kinds = [kind for kind, _ in rig.troubles]
    assert len(kinds) < 10 and not any('Traceback' in text for _, text in rig.troubles), rig.troubles


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines that a test can wait for."""
    for name in ('HEAD_S', 'REQUEST_S', 'SLOW_S', 'END_S'):
        monkeypatch.setattr(connections, name, 0.3)
    monkeypatch.setattr(lobby, 'HEAD_S', 0.3)
    monkeypatch.setattr(application, 'BODY_S', 0.1)


def _stop(rig: Rig) -> int:
    return rig.request('/command/stop', 'POST', b'{}', Origin=rig.origin)[0]


def test_half_open_connections_keep_no_stop_out(rig: Rig) -> None:
    with rig.browser() as page, ExitStack() as attackers:
        receive(page, lambda values: values.get('hello'))
        for number in range(200):
            attackers.enter_context(connected(rig, HALF))
            if number % 40 == 0:
                assert _stop(rig) == 200
        say(page, stop=1)
        assert receive(page, lambda values: values.get('answer'))['ok']
        assert rig.request('/')[0] == 200
        with rig.browser() as another:
            assert receive(another, lambda values: values.get('hello'))
    assert rig.asked == [('stop', {})] * 6 and rig.troubles == []


@pytest.mark.parametrize('before', [b'', b'GET /icon.svg HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'])
def test_a_head_that_never_ends_is_cut_off_however_it_dribbles(rig: Rig, hasty: None, before: bytes) -> None:
    with connected(rig, before + b'GET / HTTP/1.1\r\nX: ') as connection, pytest.raises(ConnectionError):
        for _ in range(200):
            connection.send(b'x')
            time.sleep(0.02)


def test_a_body_that_never_ends_gets_an_answer_and_an_end(rig: Rig, hasty: None) -> None:
    for framing in ({'Transfer_Encoding': 'chunked'}, {'Content_Length': '20'}):
        with connected(rig, head(rig, 'POST', '/command/flag', **framing) + b'2\r\n{}\r\n') as connection:
            answer = rest(connection)
            assert answer.startswith(b'HTTP/1.1 408') and b'did not come' in answer


def test_a_stop_waits_for_no_body(rig: Rig) -> None:
    expecting = {'Content_Length': '999999', 'Expect': '100-continue'}
    for framing in ({'Transfer_Encoding': 'chunked'}, expecting, {'Content_Length': '9'}):
        with connected(rig, head(rig, 'POST', '/command/stop', **framing) + b'5\r\n[{') as connection:
            assert status(connection) == 200
    assert _stop(rig) == 200 and rig.request('/command/stop', 'POST', b'\xff[[', Origin=rig.origin)[0] == 200
    assert len(rig.asked) == 5


def test_a_body_that_is_too_long_is_not_even_asked_for(rig: Rig) -> None:
    too_long = head(rig, 'POST', '/command/flag', Content_Length='70000', Expect='100-continue')
    with connected(rig, too_long) as connection:
        assert status(connection) == 413
    with connected(rig, head(rig, 'POST', '/command/flag', Transfer_Encoding='chunked')) as connection:
        connection.sendall(b'8000\r\n' + bytes(0x8000) + b'\r\n')
        connection.sendall(b'8000\r\n' + bytes(0x8000) + b'\r\n' + b'1\r\n \r\n')
        assert status(connection) == 413


def test_who_reads_no_answers_is_cut_off(rig: Rig, hasty: None) -> None:
    page = head(rig, 'GET', '/style.css')
    with connected(rig, page * 200, receive_bytes=4096) as connection:
        time.sleep(1.2)  # without reading
        assert len(rest(connection)) < 200 * 8000
    assert _stop(rig) == 200


def test_pipelined_requests_are_answered_in_their_order(rig: Rig) -> None:
    wrong = head(rig, 'GET', '/no', Connection='close')
    with connected(rig, head(rig, 'GET', '/icon.svg') * 20 + head(rig, 'POST', '/command/stop') + wrong) as connection:
        answers = rest(connection)
    assert answers.count(b'HTTP/1.1 200') == 21 and answers.count(b'HTTP/1.1 404') == 1
    assert rig.asked == [('stop', {})]


@pytest.mark.parametrize(
    'data',
    [
        b'\x16\x03\x01\x02\x00\x01\x00', b'GET / HTTP/1.1\r\n\r\n', b'GET / HTTP/9.9\r\n\r\n',
        b'GET  HTTP/1.1\r\nHost: a\r\n\r\n', b'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil\r\n\r\n',
        b'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n' + b'X: y\r\n' * 9000,
        b'POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
        b'POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n', b'G\xc3\xa9T / HTTP/1.1\r\nHost: a\r\n\r\n',
    ],
)  # fmt: skip
def test_what_is_no_http_is_refused_and_ended(rig: Rig, data: bytes) -> None:
    with connected(rig, data) as connection:
        assert rest(connection)[:12] in (b'HTTP/1.1 400', b'HTTP/1.1 403', b'')
    assert _stop(rig) == 200


@pytest.mark.parametrize(
    'path',
    ['/../server.py', '/%2e%2e/server.py', '/..%2f..%2fserver.py', '//etc/passwd', '/page/../main.js', '/%00', '/command/',
     '/command/stop/', '/command/%73top%00', 'http://evil.example/'],
)  # fmt: skip
def test_a_path_leads_nowhere_else(rig: Rig, path: str) -> None:
    for method in ('GET', 'POST', 'PUT', 'OPTIONS', 'TRACE'):
        with connected(rig, head(rig, method, path, Connection='close', Content_Length='0')) as connection:
            assert rest(connection)[:12] in (b'HTTP/1.1 404', b'HTTP/1.1 405')
    assert rig.asked == []


@pytest.mark.parametrize('data', [b'0\r\nnonsense', b'zz\r\n', b'5\r\n{}\r\n\r\n\r\n', b'ffffffffffffffffffff\r\n'])
def test_a_body_that_breaks_off_in_the_wrong_place_ends_the_connection(rig: Rig, hasty: None, data: bytes) -> None:
    for method, path in (('POST', '/command/flag'), ('GET', '/icon.svg'), ('POST', '/command/stop')):
        with connected(rig, head(rig, method, path, Transfer_Encoding='chunked')) as connection:
            time.sleep(0.05)
            connection.sendall(data)
            rest(connection)
    assert _stop(rig) == 200


def test_an_upgrade_that_is_no_handshake_is_refused(rig: Rig) -> None:
    good = upgrade(rig)
    for wrong in (
        good.replace(b'GET', b'POST'), good.replace(b'HTTP/1.1', b'HTTP/1.0'), good.replace(b'13', b'12'),
        good.replace(b'dGhlIHNhbXBsZSBub25jZQ==', b'short'), upgrade(rig, '/none'), upgrade(rig, '/stream?' + 'x' * 9000),
        upgrade(rig, **{f'X{i}': 'y' for i in range(200)}), upgrade(rig, X='y' * 9000), upgrade(rig, X='\xe9'),
    ):  # fmt: skip
        with connected(rig, wrong) as connection:
            assert status(connection) in (400, 403, 404, 405, 426, 101)
    with connected(rig, good) as connection:
        assert status(connection) == 101


def _closed(rig: Rig, *frames: bytes) -> int:
    """Return the code with which the console ends a websocket on which these frames come; 0: cut off."""
    with connected(rig, upgrade(rig)) as connection:
        assert status(connection) == 101
        connection.sendall(b''.join(frames))
        data = rest(connection)
        place = data.rfind(b'\x88')
        return int.from_bytes(data[place + 2 : place + 4], 'big') if place >= 0 else 0


def test_frames_that_break_the_rules_end_the_connection(rig: Rig) -> None:
    assert _closed(rig, frame(b'\xff\xfe')) == 1007
    assert _closed(rig, frame(b'[' * 20_000)) == 1009
    assert _closed(rig, frame(b' ' * 9000, last=False), frame(b' ' * 9000, 0)) == 1009
    assert _closed(rig, frame(b'{}', 3)) == 1002 and _closed(rig, frame(b'', 0)) == 1002
    assert _closed(rig, frame(b'x' * 126, 9)) == 1002
    assert _closed(rig, frame(b'\xed\xa0\x80')) == 1007 and _closed(rig, frame(b'{"beat": "\\ud800"}')) == 1008
    with connected(rig, upgrade(rig)) as connection:
        assert status(connection) == 101
        with suppress(ConnectionError):
            connection.sendall(frame(b'', 9) * 40_000)
        assert rest(connection).count(b'\x8a\x00') < 30_000, 'a flood of pings'


def test_a_flood_of_messages_ends_the_connection_but_its_stop_counts(rig: Rig) -> None:
    with rig.browser() as page:
        with pytest.raises(ConnectionClosed) as closed:
            for number in range(2000):
                say(page, beat=number)
            receive(page, lambda values: None)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1008
    assert _closed(rig, *[frame(b'{"beat": 1}')] * 450, frame(b'{"stop": 1, "look": 3}')) == 1008
    with rig.browser() as page:
        say(page, stop=1, look=3)
        with pytest.raises(ConnectionClosed):
            receive(page, lambda values: None)
    until(lambda: rig.asked == [('stop', {})])


def test_a_page_that_reads_nothing_is_cut_off_though_it_beats(rig: Rig, hasty: None) -> None:
    with connected(rig, upgrade(rig), receive_bytes=4096) as connection, pytest.raises(ConnectionError):
        for number in range(400):
            rig.server.publish({'ros_s': 0.0, 'filler': 'x' * 100_000})
            connection.sendall(frame(json.dumps({'beat': number, 'status': number}).encode()))
            time.sleep(0.02)
    until(lambda: rig.server.browsers == 0)


def test_pages_have_places_some_of_them_for_those_that_watched(rig: Rig) -> None:
    with ExitStack() as pages:
        first = pages.enter_context(rig.browser())
        key = receive(first, lambda values: values.get('hello'))['page']
        say(first, beat=1, watch='take')
        assert receive(first, lambda values: values.get('watch'))
        for _ in range(23):
            receive(pages.enter_context(rig.browser()), lambda values: values.get('hello'))
        with rig.browser() as late, pytest.raises(ConnectionClosed) as closed:
            receive(late, lambda values: values.get('hello'))
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1013
        assert 'too many pages' in closed.value.rcvd.reason
        assert _stop(rig) == 200
        with rig.browser(path=f'?page={key}') as again:
            assert receive(again, lambda values: values.get('hello'))


def test_a_beat_that_was_sent_long_ago_keeps_no_watch(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_module, 'HOLD_S', 0.05)
    with rig.browser() as page:
        say(page, beat=1, watch='take')
        assert receive(page, lambda values: values.get('beat')) == 1
        end_s = time.monotonic() + 5.0
        while rig.server.watch.holders:
            assert time.monotonic() < end_s, 'beats that know of no late answer keep the watch'
            say(page, beat=2, watch='keep', heard=1)
            time.sleep(0.05)


def test_through_a_proxy_the_page_has_its_stream_and_its_stop() -> None:
    rig = Rig(Access('127.0.0.1', 'a-token-of-24-characters', 'https://robot.lab.example'))
    try:
        assert rig.server.address == 'https://robot.lab.example/a-token-of-24-characters/'
        for host in ('robot.lab.example', f'127.0.0.1:{rig.server.port}'):
            proxied = {'Host': host, 'Origin': 'https://robot.lab.example', 'X_Forwarded_For': '10.0.0.7'}
            with connected(rig, upgrade(rig, '/a-token-of-24-characters/stream', **proxied)) as connection:
                assert status(connection) == 101
            with connected(rig, head(rig, 'POST', '/a-token-of-24-characters/command/stop', **proxied)) as connection:
                assert status(connection) == 200
            with connected(rig, upgrade(rig, '/stream', **proxied)) as connection:
                assert status(connection) == 403
    finally:
        rig.server.close()


def test_arming_needs_the_watch_of_the_page_that_arms() -> None:
    rig = Rig(Access('127.0.0.1'), watch_to_arm=True)
    try:
        with rig.browser() as page, rig.browser() as other:
            keys = [receive(each, lambda values: values.get('hello'))['page'] for each in (page, other)]
            say(page, beat=1, watch='take')
            assert receive(page, lambda values: values.get('watch'))

            def arm(key: str) -> int:
                data = json.dumps({'page': key}).encode()
                return rig.request('/command/arm', 'POST', data, Origin=rig.origin)[0]

            say(page, beat=2, watch='keep', heard=1)
            assert [arm(keys[1]), arm(''), arm('nobody'), arm(keys[0])] == [409, 409, 409, 200]
        assert rig.asked == [('arm', {})]
    finally:
        rig.server.close()
