# SPDX-License-Identifier: Apache-2.0
"""Asking for goals."""

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..callback_groups import CallbackGroup
from ..client import wait_until_ready
from ..qos import qos_profile_action_status_default
from ..task import Future

if TYPE_CHECKING:
    from ..node import Node

FEEDBACK_DEPTH = 10


class ClientGoalHandle:
    """A goal that a server has answered to."""

    def __init__(self, client: 'ActionClient', goal_id: Any, response: Any) -> None:
        self._client, self._response = client, response
        self.goal_id = goal_id

    @property
    def accepted(self) -> bool:
        """Whether the server works on it."""
        return bool(self._response.accepted)

    @property
    def stamp(self) -> Any:
        """When it was accepted."""
        return self._response.stamp

    @property
    def status(self) -> int:
        """The newest status heard of, a constant of action_msgs/msg/GoalStatus."""
        return self._client.status_of(self.goal_id)

    def get_result_async(self) -> Future:
        """Return a future for the response with `status` and `result`, once the goal has ended."""
        return self._client.request_result(self.goal_id)

    def cancel_goal_async(self) -> Future:
        """Ask the server to give the goal up; the future's CancelGoal response says whether it will."""
        return self._client.request_cancel(self.goal_id)


class ActionClient:
    """Sends goals to one action server."""

    def __init__(
        self, node: 'Node', action_type: Any, action_name: str, *, callback_group: CallbackGroup | None = None
    ) -> None:
        impl, group, prefix = action_type.Impl, callback_group, f'{action_name}/_action'
        self._node, self._type = node, action_type
        self._goals = node.create_client(impl.SendGoalService, f'{prefix}/send_goal', callback_group=group)
        self._results = node.create_client(impl.GetResultService, f'{prefix}/get_result', callback_group=group)
        self._cancels = node.create_client(impl.CancelGoalService, f'{prefix}/cancel_goal', callback_group=group)
        self._feedback: dict[bytes, Callable[[Any], None]] = {}
        self._status: dict[bytes, int] = {}
        self._subscriptions = [
            node.create_subscription(
                impl.FeedbackMessage, f'{prefix}/feedback', self._on_feedback, FEEDBACK_DEPTH, callback_group=group
            ),
            node.create_subscription(
                impl.GoalStatusMessage, f'{prefix}/status', self._on_status,
                qos_profile_action_status_default, callback_group=group,
            ),
        ]  # fmt: skip

    def send_goal_async(
        self, goal: Any, feedback_callback: Callable[[Any], None] | None = None, goal_uuid: Any = None
    ) -> Future:
        """Send a goal and return a future for its handle.

        Raises:
            TypeError: if it is not a goal of this action.
        """
        if not isinstance(goal, self._type.Goal):
            raise TypeError(f'Expected {self._type.Goal}, got {type(goal)}')
        request = self._type.Impl.SendGoalService.Request(goal=goal)
        request.goal_id.uuid = np.frombuffer(uuid.uuid4().bytes, np.uint8) if goal_uuid is None else goal_uuid.uuid
        goal_id, future = request.goal_id, Future()
        if feedback_callback is not None:
            self._feedback[bytes(goal_id.uuid)] = feedback_callback
        answer = self._goals.call_async(request)

        def answered(done: Future) -> None:
            if done.exception() is not None:
                future.set_exception(done.exception())  # type: ignore[arg-type]
            elif not done.cancelled():
                future.set_result(ClientGoalHandle(self, goal_id, done.result()))

        answer.add_done_callback(answered)
        return future

    def server_is_ready(self) -> bool:
        """Return whether a server is there with all its services."""
        return all(client.service_is_ready() for client in (self._goals, self._results, self._cancels))

    def wait_for_server(self, timeout_sec: float | None = None) -> bool:
        """Wait until `server_is_ready`; return False on a time-out or when the context ends."""
        return wait_until_ready(self.server_is_ready, self._node.context, timeout_sec)

    def destroy(self) -> None:
        """Stop for good."""
        for client in (self._goals, self._results, self._cancels):
            self._node.destroy_client(client)
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)

    def request_result(self, goal_id: Any) -> Future:
        """Return a future for the result of a goal (used by its handle)."""
        future = self._results.call_async(self._type.Impl.GetResultService.Request(goal_id=goal_id))
        future.add_done_callback(lambda _: self._forget(goal_id))
        return future

    def _forget(self, goal_id: Any) -> None:
        self._feedback.pop(bytes(goal_id.uuid), None)

    def request_cancel(self, goal_id: Any) -> Future:
        """Return a future for the answer to a cancellation (used by its handle)."""
        request = self._type.Impl.CancelGoalService.Request()
        request.goal_info.goal_id = goal_id
        return self._cancels.call_async(request)

    def status_of(self, goal_id: Any) -> int:
        """Return the newest status of a goal (used by its handle)."""
        return self._status.get(bytes(goal_id.uuid), 0)

    def _on_feedback(self, message: Any) -> None:
        callback = self._feedback.get(bytes(message.goal_id.uuid))
        if callback is not None:
            callback(message)

    def _on_status(self, message: Any) -> None:
        self._status = {bytes(each.goal_info.goal_id.uuid): each.status for each in message.status_list}
