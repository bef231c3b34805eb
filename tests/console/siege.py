# SPDX-License-Identifier: Apache-2.0
"""Attackers of a console, a script: `siege.py ADDRESS HALF_OPEN PAGES SECONDS`; what each got is printed as JSON.

Half-open connections are opened anew as soon as they are cut off; pages beat and acknowledge as the page does.
"""

import asyncio
import contextlib
import json
import sys
import time
from collections import Counter
from urllib.parse import urlsplit

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

BEAT_S = 0.1
RETRY_S = 0.5
PART = b'POST /command/stop HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: '


async def half_open(host: str, port: int, end_s: float, seen: Counter[str]) -> None:
    """Ask for something, and never finish."""
    while time.monotonic() < end_s:
        try:
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(PART)
            seen['half-open'] += 1
            await asyncio.wait_for(reader.read(), end_s - time.monotonic())
            seen['half-open cut off'] += 1
            writer.close()
        except (OSError, asyncio.TimeoutError):
            await asyncio.sleep(0.05)


async def page(address: str, end_s: float, seen: Counter[str]) -> None:
    """Look at the console as a page does."""
    parts = urlsplit(address)
    origin, url = f'{parts.scheme}://{parts.netloc}', address.replace('http', 'ws', 1) + 'stream'
    while time.monotonic() < end_s:
        try:
            async with connect(url, origin=origin, compression=None, max_size=2**24) as socket:  # type: ignore[arg-type]
                seen['pages'] += 1
                beating = asyncio.create_task(_beat(socket, seen))
                try:
                    while (left_s := end_s - time.monotonic()) > 0:
                        message = await asyncio.wait_for(socket.recv(), left_s)
                        values = json.loads(message)
                        if 'status' in values:
                            seen['statuses'] += 1
                            await socket.send(json.dumps({'status': values['status']['number']}))
                finally:
                    beating.cancel()
        except (OSError, ConnectionClosed, InvalidHandshake, asyncio.TimeoutError) as error:
            if time.monotonic() < end_s:
                seen[f'page cut off: {type(error).__name__}'] += 1
                await asyncio.sleep(RETRY_S)


async def _beat(socket, seen: Counter[str]) -> None:  # type: ignore[no-untyped-def]
    number = 0
    with contextlib.suppress(ConnectionClosed):
        while True:
            number += 1
            await socket.send(json.dumps({'beat': number, 'watch': None}))
            seen['beats'] += 1
            await asyncio.sleep(BEAT_S)


async def besiege(address: str, halves: int, pages: int, seconds: float) -> Counter[str]:
    """Attack for a while, and return what was seen."""
    parts = urlsplit(address)
    host, port = str(parts.hostname), int(parts.port or 80)
    end_s, seen = time.monotonic() + seconds, Counter[str]()
    lookers = [page(address, end_s, seen) for _ in range(pages)]
    await asyncio.gather(*lookers, *(half_open(host, port, end_s, seen) for _ in range(halves)))
    return seen


if __name__ == '__main__':
    where, halves_text, pages_text, seconds_text = sys.argv[1:]
    result = asyncio.run(besiege(where, int(halves_text), int(pages_text), float(seconds_text)))
    print(json.dumps(result), flush=True)
