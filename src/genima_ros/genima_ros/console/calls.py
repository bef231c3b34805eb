# SPDX-License-Identifier: Apache-2.0
"""Commands under way: a few at a time, but a stop is never refused."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from genima_ros.console.requests import RequestError

MAX_RUNNING = 8
MAX_STOPS = 16  # calls of the guard's service at once

Command = Callable[[str, Mapping[str, Any]], Awaitable[dict[str, Any]]]
"""Takes a command and its values; returns `ok` and `text`."""


class Calls:
    """Use it in the server's event loop.

    Args:
        command: does what is asked for.
    """

    def __init__(self, command: Command) -> None:
        self._command = command
        self._running = 0
        self._stops: list[asyncio.Task[dict[str, Any]]] = []

    async def stop(self) -> dict[str, Any]:
        """Stop the arm. Of very many at once, the last ones share the answer of the newest call."""
        if len(self._stops) < MAX_STOPS:
            task = asyncio.ensure_future(self._command('stop', {}))
            self._stops.append(task)
            task.add_done_callback(self._stops.remove)
        return dict(await asyncio.shield(self._stops[-1]))

    async def run(self, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Do what else is asked for.

        Raises:
            RequestError: if too much is under way.
        """
        if self._running >= MAX_RUNNING:
            raise RequestError(f'{MAX_RUNNING} commands are waiting for their answers: wait a moment', 503)
        self._running += 1
        try:
            return await self._command(name, values)
        finally:
            self._running -= 1
