# SPDX-License-Identifier: Apache-2.0
"""Who has to go when places are scarce, and what happens where the system has none."""

import asyncio
import errno
import json
import resource
import socket

import pytest
from genima_ros.console import acceptor as acceptor_module
from genima_ros.console.acceptor import Acceptor
from genima_ros.console.allowance import Allowance
from genima_ros.console.calls import MAX_RUNNING, MAX_STOPS, Calls
from genima_ros.console.commands import COMMANDS, fields_of
from genima_ros.console.descriptors import affordable
from genima_ros.console.places import LOOPBACK, Places, Visitor, address_group
from genima_ros.console.requests import RequestError, read_object, read_values
from genima_ros.console.watch import MAX_HOLDERS, Watch
from hypothesis import given
from hypothesis import strategies as st

from genima.errors import GenimaError


def _page(places: Places, group: str, kept: bool = False) -> Visitor | None:
    visitor = places.enter(group)
    assert visitor is not None
    return visitor if visitor.sit_down(kept) else None


def test_one_computer_is_one_group() -> None:
    assert address_group('127.0.0.1') == address_group('::1') == address_group('::ffff:127.0.0.9') == LOOPBACK
    assert address_group('2001:db8::1') == address_group('2001:db8::ffff:2') != address_group('2001:db8:1::1')
    assert address_group('10.0.0.1') == address_group('::ffff:10.0.0.1') != address_group('10.0.0.2')
    assert address_group('fe80::1%eth0') == 'fe80::/64'


def test_whoever_has_most_places_gives_one_and_never_a_request_under_way() -> None:
    places = Places(4, 4, 0)
    working = places.enter('attacker')
    assert working is not None
    working.work()
    first, second, third = (places.enter('attacker') for _ in range(3))
    operator = places.enter('operator')
    assert operator is not None and first is not None and first.ended and not second.ended and not working.ended
    for _ in range(20):
        places.enter('attacker')
    assert not operator.ended and not working.ended and third.ended
    operator.work()
    for visitor in list(places._rooms):
        visitor.work()
    assert places.enter('operator') is None


STEPS = st.sampled_from(['enter', 'work', 'wait', 'sit', 'leave', 'watch'])


@given(st.lists(st.tuples(st.sampled_from('abc'), STEPS), max_size=80))
def test_places_are_never_more_than_there_are(steps: list[tuple[str, str]]) -> None:
    places, visitors = Places(3, 3, 1), dict[str, Visitor]()
    for group, step in steps:
        if step == 'enter' and (visitor := places.enter(group)) is not None:
            visitors[group] = visitor
        elif (visitor := visitors.get(group)) is not None:
            if step == 'watch':
                visitor.holds_watch = True
            elif step == 'sit':
                visitor.sit_down(False)
            elif step != 'enter':
                getattr(visitor, step)()
        assert len(places.waiting) + len(places.working) <= 6 and len(places.sitting) <= 3
        assert sum(map(len, (places.waiting, places.working, places.sitting))) == len(places._rooms)


def test_pages_of_many_give_way_to_pages_of_few_but_not_those_that_watch() -> None:
    places = Places(20, 4, 1)
    pages = [_page(places, 'crowd') for _ in range(3)]
    assert pages[0] is not None and _page(places, 'crowd') is None
    pages[0].holds_watch = True
    assert _page(places, 'operator') is not None and not pages[0].ended
    assert pages[1] is not None and pages[1].ended
    assert _page(places, 'operator') is None, 'it would only be their turn to be driven out'
    assert _page(places, 'crowd', kept=True) is not None


def test_what_is_late_is_cut_off() -> None:
    now_s = [0.0]
    places = Places(4, 4, 0, lambda: now_s[0])
    visitor, other = places.enter('a'), places.enter('a')
    assert visitor is not None and other is not None
    visitor.allow('request', 5.0)
    visitor.allow('reading', 1.0)
    visitor.forgive('reading')
    now_s[0] = 4.9
    assert places.sweep() == 0
    now_s[0] = 5.1
    assert places.sweep() == 1 and visitor.ended and not other.ended


def test_an_allowance_comes_back_with_time() -> None:
    now_s = [0.0]
    allowance = Allowance(10.0, 5.0, lambda: now_s[0])
    assert [allowance.admits() for _ in range(6)] == [True] * 5 + [False]
    now_s[0] = 0.3
    assert [allowance.admits() for _ in range(3)] == [True, True, False]


class _Exhausted:
    """A listening socket of a process without a free descriptor."""

    def __init__(self) -> None:
        self.here, self.there = socket.socketpair()
        self.there.send(b'x')
        self.tries = 0

    def fileno(self) -> int:
        return self.here.fileno()

    def accept(self) -> None:
        self.tries += 1
        raise OSError(errno.EMFILE, 'Too many open files')


def test_without_descriptors_the_acceptor_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acceptor_module, 'REST_S', 0.1)
    listener, troubles = _Exhausted(), list[str]()

    async def run() -> None:
        acceptor = Acceptor(listener, lambda connection, address: None, troubles.append)  # type: ignore[arg-type]
        await asyncio.sleep(0.35)
        acceptor.close()

    asyncio.run(run())
    assert 2 <= listener.tries <= 4 and len(troubles) == listener.tries and 'ulimit -n' in troubles[0]


def test_the_limit_of_open_files_is_raised_and_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = [(200, 2000)]
    monkeypatch.setattr(resource, 'getrlimit', lambda which: limits[-1])
    monkeypatch.setattr(resource, 'setrlimit', lambda which, limit: limits.append(limit))
    assert affordable(512) == 512 and 608 < limits[-1][0] < 2000
    limits[:] = [(300, 300)]
    assert 32 <= affordable(512) < 204
    limits[:] = [(64, 64)]
    with pytest.raises(GenimaError, match='64 open files are allowed'):
        affordable(512)


def test_very_many_stops_share_the_answer_of_the_newest_call_and_nothing_else_waits() -> None:
    asked: list[str] = []

    async def command(name: str, values: object) -> dict[str, object]:
        asked.append(name)
        await asyncio.sleep(0.05)
        return {'ok': True, 'text': str(len(asked))}

    async def run() -> None:
        calls = Calls(command)
        others = [asyncio.ensure_future(calls.run('reset', {})) for _ in range(MAX_RUNNING)]
        await asyncio.sleep(0)
        with pytest.raises(RequestError, match='waiting') as refused:
            await calls.run('reset', {})
        assert refused.value.status == 503
        answers = await asyncio.gather(*(calls.stop() for _ in range(100)))
        assert asked.count('stop') == MAX_STOPS and all(answer['ok'] for answer in answers)
        await asyncio.gather(*others)
        await calls.run('reset', {})

    asyncio.run(run())


@pytest.mark.parametrize(
    ('data', 'why'),
    [
        (b'[]', 'not a JSON object'), (b'3', 'not a JSON object'), (b'null', 'not a JSON object'), (b'{', 'not JSON'),
        (b'[' * 100_000, 'nested too deep'), (b'{"a":' * 30_000, 'nested too deep'), (b'{"text": 1e999}', 'too large'),
        (b'{"text": NaN}', 'not a number'), (b'{"text": -Infinity}', 'not a number'),
        (b'{"text": ' + b'9' * 5000 + b'}', '5000'),
        (b'{"text": "a", "text": "b"}', 'twice'), (b'{"text": "\\ud800"}', 'half of a character'),
        (b'{"\\udfff": 1}', 'half of'),
        (b'{"text": "\xed\xa0\x80"}', 'utf-8'), (b'\xff\xfe{\x00}\x00', 'utf-8'),
        ('{"text": "a"}'.encode('utf-16'), 'utf-8'),
        (b'\xef\xbb\xbf{}', 'BOM'), (b'{"text": {"a": 1}}', 'inside another'), (b'{"text": [[1]]}', 'inside another'),
        (b'{"text": 7}', 'allowed is a text'), (b'{"text": ["a"]}', 'allowed is a text'),
        (b'{"text": "a\\u0000b"}', 'control'),
        (b'{"text": "' + b'x' * 2001 + b'"}', '2000 characters'), (b'{"txet": "a"}', "no field 'txet'; allowed: text"),
    ],
)  # fmt: skip
def test_odd_json_is_refused_with_a_reason(data: bytes, why: str) -> None:
    with pytest.raises(RequestError, match=why) as refused:
        read_values(fields_of('instruction'), read_object(data))
    assert refused.value.status == 400 and len(str(refused.value)) < 400


@pytest.mark.parametrize(
    ('command', 'values'),
    [
        ('scene', {}), ('scene', {'seed': 1.5}), ('scene', {'seed': True}), ('scene', {'seed': 2**31}),
        ('start', {'seed': '1'}), ('flag', {'seconds_ago': -1}), ('flag', {'seconds_ago': 1e300}),
        ('flag', {'seconds_ago': False}), ('stop', {'now': 1}),
    ],
)  # fmt: skip
def test_values_of_the_wrong_kind_are_refused(command: str, values: dict[str, object]) -> None:
    with pytest.raises(RequestError):
        read_values(fields_of(command), read_object(json.dumps(values).encode()))


def test_what_the_page_sends_is_read() -> None:
    given = {'cause': ' jitter ', 'note': 'naïve 🤖', 'seconds_ago': 2}
    expected = {'cause': 'jitter', 'note': 'naïve 🤖', 'seconds_ago': 2.0}
    assert read_values(COMMANDS['flag'], read_object(json.dumps(given).encode())) == expected
    assert read_values(COMMANDS['scene'], {'seed': 3}) == {'seed': 3}
    assert read_values(COMMANDS['start'], read_object(b'')) == {'instruction': '', 'seed': -1}


def test_a_watch_that_was_lost_lately_is_known_and_only_so_many_hold_it() -> None:
    now_s = [0.0]
    watch = Watch(0.5, lambda: now_s[0])
    for number in range(MAX_HOLDERS + 5):
        watch.take(f'page {number}')
    assert watch.holders == MAX_HOLDERS and not watch.held_by('page 20')
    now_s[0] = 1.0
    assert watch.holders == 0 and watch.was_held_by('page 3') and not watch.was_held_by('page 20')
    now_s[0] = 70.0
    assert not watch.was_held_by('page 3')
