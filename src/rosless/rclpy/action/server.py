# SPDX-License-Identifier: Apache-2.0
"""Working on goals."""

import inspect
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any

from ..callback_groups import CallbackGroup, ReentrantCallbackGroup
from ..qos import qos_profile_action_status_default
from ..task import Future

if TYPE_CHECKING:
    from ..node import Node

FEEDBACK_DEPTH = 10
RESULTS_KEPT = 100


class GoalResponse(Enum):
    """Answer to a goal."""

    REJECT = 1
    ACCEPT = 2


class CancelResponse(Enum):
    """Answer to a cancellation."""

    REJECT = 1
    ACCEPT = 2


class ServerGoalHandle:
    """A goal that was accepted. `succeed`, `abort` or `canceled` says how it ended."""

    def __init__(self, server: 'ActionServer', goal_info: Any, request: Any) -> None:
        self._server, self.goal_info = server, goal_info
        self.request, self.goal_id = request, goal_info.goal_id
        self.status = server.states.STATUS_ACCEPTED
        self.ended = Future()

    @property
    def is_active(self) -> bool:
        """Whether it has not ended."""
        states = self._server.states
        return self.status in (states.STATUS_ACCEPTED, states.STATUS_EXECUTING, states.STATUS_CANCELING)

    @property
    def is_cancel_requested(self) -> bool:
        """Whether a client wants it to end."""
        return bool(self.status == self._server.states.STATUS_CANCELING)

    def execute(self) -> None:
        """Call the server's execute callback; once an executor has time for it."""
        self._server.execute(self)

    def publish_feedback(self, feedback: Any) -> None:
        """Tell the client how it goes.

        Raises:
            TypeError: if it is not feedback of this action.
        """
        self._server.publish_feedback(self, feedback)

    def succeed(self) -> None:
        """The goal is reached."""
        self._end(self._server.states.STATUS_SUCCEEDED)

    def abort(self) -> None:
        """The goal cannot be reached."""
        self._end(self._server.states.STATUS_ABORTED)

    def canceled(self) -> None:
        """The goal was given up, as a client wanted."""
        self._end(self._server.states.STATUS_CANCELED)

    def _end(self, status: int) -> None:
        if not self.is_active:
            raise RuntimeError(f'the goal has ended with status {self.status}')
        self._server.set_status(self, status)


class ActionServer:
    """Works on goals, each in a call of `execute_callback(goal_handle)` that returns the result."""

    def __init__(
        self,
        node: 'Node',
        action_type: Any,
        action_name: str,
        execute_callback: Callable[[ServerGoalHandle], Any],
        *,
        callback_group: CallbackGroup | None = None,
        goal_callback: Callable[[Any], GoalResponse] = lambda request: GoalResponse.ACCEPT,
        handle_accepted_callback: Callable[[ServerGoalHandle], None] = lambda handle: handle.execute(),
        cancel_callback: Callable[[ServerGoalHandle], CancelResponse] = lambda handle: CancelResponse.REJECT,
    ) -> None:
        from action_msgs.msg import GoalInfo, GoalStatus

        impl, group = action_type.Impl, callback_group
        self._node, self._type, self.states, self._info = node, action_type, GoalStatus, GoalInfo
        self._execute, self._goal, self._accepted, self._cancel = (
            execute_callback, goal_callback, handle_accepted_callback, cancel_callback,
        )  # fmt: skip
        self._handles: dict[bytes, ServerGoalHandle] = {}
        services = (
            (impl.SendGoalService, 'send_goal', self._on_goal, group),
            (impl.CancelGoalService, 'cancel_goal', self._on_cancel, group),
            (impl.GetResultService, 'get_result', self._on_result, ReentrantCallbackGroup()),  # it waits for the end
        )
        self._services = [
            node.create_service(kind, f'{action_name}/_action/{name}', callback, callback_group=its_group)
            for kind, name, callback, its_group in services
        ]
        self._feedback = node.create_publisher(impl.FeedbackMessage, f'{action_name}/_action/feedback', FEEDBACK_DEPTH)
        self._status = node.create_publisher(
            impl.GoalStatusMessage, f'{action_name}/_action/status', qos_profile_action_status_default
        )

    def execute(self, handle: ServerGoalHandle) -> None:
        """Run the execute callback for a goal (used by its handle)."""
        self.set_status(handle, self.states.STATUS_EXECUTING)
        executor = self._node.executor
        if executor is None:
            raise RuntimeError('the node of an action server must be in an executor')
        executor.create_task(self._run, handle)

    async def _run(self, handle: ServerGoalHandle) -> None:
        try:
            result = self._execute(handle)
            if inspect.isawaitable(result):
                result = await result
        except Exception as error:  # a goal that fails ends the goal, not the node
            self._node.get_logger().error(f'the goal failed: {error}')
            result = self._type.Result()
        if handle.is_active:
            handle.abort()
        handle.ended.set_result(result)

    def publish_feedback(self, handle: ServerGoalHandle, feedback: Any) -> None:
        """Publish feedback for a goal (used by its handle)."""
        if not isinstance(feedback, self._type.Feedback):
            raise TypeError(f'Expected {self._type.Feedback}, got {type(feedback)}')
        self._feedback.publish(self._type.Impl.FeedbackMessage(goal_id=handle.goal_id, feedback=feedback))

    def set_status(self, handle: ServerGoalHandle, status: int) -> None:
        """Set and publish the status of a goal (used by its handle)."""
        handle.status = status
        message = self._type.Impl.GoalStatusMessage()
        message.status_list = [
            self.states(goal_info=each.goal_info, status=each.status) for each in self._handles.values()
        ]
        self._status.publish(message)

    def destroy(self) -> None:
        """Stop for good."""
        for service in self._services:
            self._node.destroy_service(service)
        for publisher in (self._feedback, self._status):
            self._node.destroy_publisher(publisher)

    def _on_goal(self, request: Any, response: Any) -> Any:
        key = bytes(request.goal_id.uuid)
        response.accepted = key not in self._handles and self._goal(request.goal) == GoalResponse.ACCEPT
        response.stamp = self._node.get_clock().now().to_msg()
        if response.accepted:
            info = self._info(goal_id=request.goal_id, stamp=response.stamp)
            self._forget_old()
            self._handles[key] = ServerGoalHandle(self, info, request.goal)
            self._accepted(self._handles[key])
        return response

    def _forget_old(self) -> None:
        ended = [key for key, handle in self._handles.items() if not handle.is_active]
        for key in ended[: max(0, len(ended) - RESULTS_KEPT)]:
            del self._handles[key]

    def _on_cancel(self, request: Any, response: Any) -> Any:
        """Cancel one goal; with an id of zeros, all (with a stamp: those accepted until then)."""
        key, stamp = bytes(request.goal_info.goal_id.uuid), request.goal_info.stamp
        until = (stamp.sec, stamp.nanosec)
        if any(key):
            chosen = [self._handles[key]] if key in self._handles else []
        else:
            chosen = [
                handle for handle in self._handles.values()
                if until == (0, 0) or (handle.goal_info.stamp.sec, handle.goal_info.stamp.nanosec) <= until
            ]  # fmt: skip
        canceling = [handle for handle in chosen if handle.is_active and self._cancel(handle) == CancelResponse.ACCEPT]
        for handle in canceling:
            self.set_status(handle, self.states.STATUS_CANCELING)
        response.goals_canceling = [handle.goal_info for handle in canceling]
        response.return_code = response.ERROR_NONE
        if not canceling:
            known = bool(chosen) or not any(key)
            ended = bool(chosen) and not any(handle.is_active for handle in chosen)
            response.return_code = response.ERROR_REJECTED if known else response.ERROR_UNKNOWN_GOAL_ID
            response.return_code = response.ERROR_GOAL_TERMINATED if ended else response.return_code
        return response

    async def _on_result(self, request: Any, response: Any) -> Any:
        handle = self._handles.get(bytes(request.goal_id.uuid))
        if handle is None:
            response.status = self.states.STATUS_UNKNOWN
            return response
        response.result = await handle.ended
        response.status = handle.status
        return response
