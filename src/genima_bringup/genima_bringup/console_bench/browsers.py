# SPDX-License-Identifier: Apache-2.0
"""Browsers that are not there: they ask the console for all views and acknowledge what they get, as the page does."""

import asyncio
import json
import struct
import sys
import time
from collections import Counter
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect

BEAT_S = 0.1
MAX_BYTES = 2**24


async def browse(address: str, seconds: float, width_px: int) -> Counter[str]:
    """Look at a console for a while.

    Args:
        address: of its page.
        seconds: how long [s].
        width_px: how wide it shows each picture.

    Returns:
        Pictures of each view, and under `status` the statuses.
    """
    parts = urlsplit(address)
    origin = f'{parts.scheme}://{parts.netloc}'
    seen: Counter[str] = Counter()
    url = address.replace('http', 'ws', 1) + 'stream'
    async with connect(url, origin=origin, compression=None, max_size=MAX_BYTES) as socket:  # type: ignore[arg-type]
        beating = asyncio.create_task(_beat(socket, seen))
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0:
            try:
                message = await asyncio.wait_for(socket.recv(), left_s)
            except asyncio.TimeoutError:
                break
            if isinstance(message, bytes):
                (length,) = struct.unpack_from('<I', message)
                header = json.loads(message[4 : 4 + length])
                seen.update(picture['view'] for picture in header['pictures'])
                await socket.send(json.dumps({'seen': header['bundle']}))
                continue
            values = json.loads(message)
            if 'hello' in values:
                views = [f'{kind}/{name}' for kind, names in _views(values['hello']) for name in names]
                await socket.send(json.dumps({'look': views, 'width': width_px}))
            elif 'status' in values:
                seen['status'] += 1
                await socket.send(json.dumps({'status': values['status']['number']}))
        beating.cancel()
    return seen


def _views(hello: dict[str, list[str]]) -> list[tuple[str, list[str]]]:
    return [('camera', hello['cameras']), ('target', hello['targets'])]


async def _beat(socket: ClientConnection, seen: Counter[str]) -> None:
    number = 0
    while True:
        number += 1
        await socket.send(json.dumps({'beat': number, 'watch': None}))
        await asyncio.sleep(BEAT_S)


async def _all(address: str, count: int, seconds: float, width_px: int) -> list[Counter[str]]:
    return list(await asyncio.gather(*(browse(address, seconds, width_px) for _ in range(count))))


def main() -> None:
    """Print what each browser got as one line of JSON; arguments: address, number of browsers, seconds, width."""
    address, count, seconds, width = sys.argv[1:]
    everybody = asyncio.run(_all(address, int(count), float(seconds), int(width)))
    print(json.dumps([dict(seen) for seen in everybody]), flush=True)


if __name__ == '__main__':
    main()
