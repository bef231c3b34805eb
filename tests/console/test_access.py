# SPDX-License-Identifier: Apache-2.0
"""Who is let in: this computer, or whoever has the token, and commands only from the console's own page."""

import pytest
from genima_ros.console.access import Access, choose_token, is_loopback
from starlette.datastructures import Headers

from genima.errors import GenimaError

LOCAL = Access('127.0.0.1')
OPEN = Access('0.0.0.0', 'a-token-of-24-characters')


def _refusal(access: Access, kind: str, method: str, path: str, **headers: str) -> str:
    refusal = access.refusal(kind, method, path, Headers(headers))
    return '' if refusal is None else refusal[1]


def test_loopback_needs_no_token_and_the_network_gets_one() -> None:
    assert choose_token('127.0.0.1', '') == choose_token('::1', '') == choose_token('localhost', '') == ''
    first, second = choose_token('0.0.0.0', ''), choose_token('robot.lab', '')
    assert len(first) >= 32 and first != second
    assert choose_token('127.0.0.1', 'x' * 16) == 'x' * 16
    assert not is_loopback('') and not is_loopback('10.0.0.1')


@pytest.mark.parametrize('given', ['short', 'with/slash/in/the/token', 'x' * 129])
def test_a_token_that_is_no_good_is_refused(given: str) -> None:
    with pytest.raises(GenimaError, match='16 to 128'):
        choose_token('0.0.0.0', given)


def test_a_page_is_read_by_get_and_commands_need_the_own_origin() -> None:
    host = '127.0.0.1:8600'
    assert not _refusal(LOCAL, 'http', 'GET', '/', host=host)
    assert not _refusal(LOCAL, 'http', 'POST', '/command/stop', host=host, origin=f'http://{host}')
    assert 'origin None' in _refusal(LOCAL, 'http', 'POST', '/command/stop', host=host)
    assert 'origin None' in _refusal(LOCAL, 'websocket', '', '/stream', host=host)
    for origin in ('http://evil.example', 'http://127.0.0.1:9999', 'null', f'http://{host}.evil.example'):
        assert 'is not the page' in _refusal(LOCAL, 'http', 'POST', '/command/arm', host=host, origin=origin)
        assert 'is not the page' in _refusal(LOCAL, 'websocket', '', '/stream', host=host, origin=origin)
        assert 'is not the page' in _refusal(LOCAL, 'http', 'GET', '/', host=host, origin=origin)


def test_a_foreign_name_that_points_here_is_not_answered() -> None:
    evil = {'host': 'evil.example:8600', 'origin': 'http://evil.example:8600'}
    assert 'is not this computer' in _refusal(LOCAL, 'http', 'POST', '/command/arm', **evil)
    assert 'is not this computer' in _refusal(LOCAL, 'http', 'GET', '/')
    for host in ('localhost:8600', '127.0.0.1', '[::1]:8600', '127.0.0.2:1'):
        assert not _refusal(LOCAL, 'http', 'GET', '/', host=host)


def test_with_a_token_every_path_begins_with_it() -> None:
    host, origin = '10.0.0.5:8600', 'http://10.0.0.5:8600'
    assert not _refusal(OPEN, 'http', 'GET', f'{OPEN.prefix}/', host=host)
    assert not _refusal(OPEN, 'websocket', '', f'{OPEN.prefix}/stream', host=host, origin=origin)
    for path in ('/', '/stream', '/command/stop', OPEN.prefix, f'{OPEN.prefix}x/', f'/wrong{OPEN.prefix}/', '/a-token/é'):
        assert 'token is missing or wrong' in _refusal(OPEN, 'http', 'GET', path, host=host, origin=origin)


PROXIED = Access('127.0.0.1', 'a-token-of-24-characters', 'https://robot.lab.example')


def test_behind_a_proxy_the_public_origin_is_the_page() -> None:
    path, origin = f'{PROXIED.prefix}/stream', 'https://robot.lab.example'
    # a proxy that passes the name on, and one that puts the address of the console in its place
    for host in ('robot.lab.example', '127.0.0.1:8600'):
        assert not _refusal(PROXIED, 'websocket', '', path, host=host, origin=origin)
        assert not _refusal(PROXIED, 'http', 'POST', f'{PROXIED.prefix}/command/stop', host=host, origin=origin)
    assert 'is not this computer' in _refusal(PROXIED, 'http', 'GET', path, host='evil.example')
    assert 'public_origin' in _refusal(PROXIED, 'websocket', '', path, host='127.0.0.1:8600', origin='https://evil.example')


def test_a_proxy_makes_a_token_necessary() -> None:
    assert len(choose_token('127.0.0.1', '', 'https://robot.lab.example')) >= 32


@pytest.mark.parametrize(
    ('given', 'origin'),
    [('https://Robot.Lab', 'https://robot.lab'), ('https://robot.lab:443', 'https://robot.lab'),
     ('http://robot.lab:80', 'http://robot.lab'), ('http://robot.lab:443', 'http://robot.lab:443'),
     ('https://[2001:DB8::1]:8443', 'https://[2001:db8::1]:8443')],
)  # fmt: skip
def test_an_origin_is_written_as_browsers_write_it(given: str, origin: str) -> None:
    access = Access('127.0.0.1', 'a-token-of-24-characters', given)
    assert access.public_origin == origin
    path, host = f'{access.prefix}/stream', origin.partition('://')[2]
    assert not _refusal(access, 'websocket', '', path, host=host, origin=origin)
    assert not _refusal(access, 'http', 'POST', f'{access.prefix}/command/stop', host=host, origin=origin)


@pytest.mark.parametrize(
    'host',
    ['localhost.evil', '127.0.0.1.evil', '[::1', '[::1]evil', '127.0.0.1:evil', '0.0.0.0', '', ':8600', '127.0.0.1@evil'],
)
def test_a_host_that_only_looks_like_this_computer_is_not(host: str) -> None:
    assert 'is not this computer' in _refusal(LOCAL, 'http', 'GET', '/', host=host)


@pytest.mark.parametrize('origin', ['robot.lab', 'https://robot.lab/', 'https://robot.lab/console', 'ftp://a', 'https://a:123456'])
def test_an_origin_is_scheme_host_and_port(origin: str) -> None:
    with pytest.raises(GenimaError, match='public_origin'):
        Access('127.0.0.1', '', origin)
