# SPDX-License-Identifier: Apache-2.0
"""The services of the recorder, as an operator calls them."""

from collections.abc import Callable
from typing import Any

from rclpy.node import Node

from genima_msgs.srv import EndEpisode, MarkEvent, StartEpisode


class RecorderClient:
    """Asks the recorder without waiting for it; answers come to a callback with (success, message).

    Args:
        node: That asks.
        tell: Is told every answer.
    """

    def __init__(self, node: Node, tell: Callable[[bool, str], None]) -> None:
        self._tell = tell
        self._start = node.create_client(StartEpisode, 'recorder_node/start_episode')
        self._end = node.create_client(EndEpisode, 'recorder_node/end_episode')
        self._mark = node.create_client(MarkEvent, 'recorder_node/mark_event')

    @property
    def ready(self) -> bool:
        """Whether the recorder is there."""
        return all(client.service_is_ready() for client in (self._start, self._end, self._mark))

    def start(self, instruction: str = '', seed: int = -1) -> None:
        """Begin an episode."""
        self._ask(self._start, StartEpisode.Request(instruction=instruction, seed=seed))

    def end(self, outcome: str, cause: str = '', note: str = '') -> None:
        """End the episode."""
        self._ask(self._end, EndEpisode.Request(outcome=outcome, cause=cause, note=note))

    def mark(self, kind: str, note: str = '') -> None:
        """Mark this moment."""
        self._ask(self._mark, MarkEvent.Request(kind=kind, note=note))

    def _ask(self, client: Any, request: Any) -> None:
        if not client.service_is_ready():
            self._tell(False, f'{client.srv_name} does not answer: is recorder_node running?')
            return
        client.call_async(request).add_done_callback(self._on_answer)

    def _on_answer(self, future: Any) -> None:
        answer = future.result()
        self._tell(bool(answer.success), answer.message)
