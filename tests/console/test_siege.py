# SPDX-License-Identifier: Apache-2.0
"""1,500 half-open connections and 200 open pages, with 1,024 file descriptors: every stop is answered.

`python -m pytest -q -s tests/console/test_siege.py -m slow` prints how soon. A figure means something on a computer that
does nothing else.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from statistics import median
from urllib.request import Request, urlopen

import pytest
from console_rig import receive, say
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
HALVES, PAGES, SECONDS, DESCRIPTORS = 1500, 200, 20.0, 1024
SETTLE_S = 6.0  # until the pages are open


def _script(name: str, *arguments: object, limit: int | None = None) -> 'subprocess.Popen[str]':
    # attackers are on other computers: here they must not take the processor from the console
    meek = ['nice', '-n', '19'] if name == 'siege.py' else []
    command = [*meek, sys.executable, str(HERE / name), *map(str, arguments)]
    shell = ['sh', '-c', f'ulimit -n {limit} && exec "$@"', 'sh'] if limit else []
    return subprocess.Popen([*shell, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture
def processes() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def _start(processes: ExitStack, name: str, *arguments: object, limit: int | None = None) -> 'subprocess.Popen[str]':
    process = _script(name, *arguments, limit=limit)
    processes.callback(process.wait)
    processes.callback(process.kill)
    return process


def _beat(page: ClientConnection) -> None:
    with suppress(ConnectionClosed):
        while True:
            say(page, beat=0)
            time.sleep(0.3)


def test_every_stop_is_answered_under_siege(processes: ExitStack) -> None:
    console = _start(processes, 'lonely_console.py', limit=DESCRIPTORS)
    assert console.stdout is not None
    address = console.stdout.readline().strip()
    origin = address.rstrip('/')
    stream, over_page_s, by_post_s = address.replace('http', 'ws', 1) + 'stream', list[float](), list[float]()
    with connect(stream, origin=origin, compression=None) as page:  # type: ignore[arg-type]
        lookers = _start(processes, 'siege.py', address, 0, PAGES, SECONDS)
        halves = _start(processes, 'siege.py', address, HALVES, 0, SECONDS)
        threading.Thread(target=_beat, args=(page,), daemon=True).start()
        begun_s = time.monotonic()
        while time.monotonic() < begun_s + SECONDS - 2.0:
            number = len(over_page_s) + 1
            asked_s = time.monotonic()
            say(page, stop=number)
            receive(page, lambda values, number=number: values if values.get('answer', {}).get('to') == number else None)
            over_page_s.append(time.monotonic() - asked_s)
            asked_s = time.monotonic()
            request = Request(f'{address}command/stop', b'{}', {'Origin': origin}, method='POST')
            with urlopen(request, timeout=10.0) as response:
                assert json.load(response)['ok']
            by_post_s.append(time.monotonic() - asked_s)
            time.sleep(0.1)
            if time.monotonic() > begun_s + SETTLE_S:
                assert len(os.listdir(f'/proc/{console.pid}/fd')) < DESCRIPTORS - 300
        seen = [json.loads(each.communicate()[0]) for each in (lookers, halves)]
    assert console.poll() is None
    console.kill()
    complaints = console.stdout.read().splitlines()
    for name, values_s in (('over an open page', over_page_s), ('by POST', by_post_s)):
        print(f'stop {name}: {len(values_s)}, p50 {1e3 * median(values_s):.0f} ms, max {1e3 * max(values_s):.0f} ms')
    print(seen, complaints)
    assert seen[0]['pages'] >= PAGES and seen[1]['half-open'] >= HALVES and len(complaints) < 5
