# SPDX-License-Identifier: Apache-2.0
"""Actions: goals, feedback, results, cancellation."""

from typing import Any

import pytest
from rclpy.action import ActionClient, ActionServer, CancelResponse, GoalResponse
from rclpy.task import Future

control = pytest.importorskip('control_msgs.action')
from action_msgs.msg import GoalStatus  # noqa: E402

GripperCommand = control.GripperCommand


def goal(position: float) -> Any:
    message = GripperCommand.Goal()
    message.command.position = position
    return message


def done(ros: Any, future: Any) -> Any:
    assert ros.until(future.done)
    return future.result()


def close(handle: Any) -> Any:
    handle.publish_feedback(GripperCommand.Feedback(position=0.5 * handle.request.command.position))
    handle.succeed()
    return GripperCommand.Result(position=handle.request.command.position, reached_goal=True)


def client_of(ros: Any, name: str = 'gripper') -> Any:
    client = ActionClient(ros.nodes[0], GripperCommand, name)
    assert ros.until(client.server_is_ready)
    return client


def test_a_goal_gives_feedback_and_a_result(ros: Any) -> None:
    ActionServer(ros.node(), GripperCommand, 'gripper', close)
    client, heard = client_of(ros), []
    handle = done(ros, client.send_goal_async(goal(0.04), feedback_callback=heard.append))
    assert handle.accepted and handle.stamp.sec > 0
    response = done(ros, handle.get_result_async())
    assert response.status == GoalStatus.STATUS_SUCCEEDED
    assert response.result.reached_goal and response.result.position == 0.04
    assert ros.until(lambda: heard)
    assert heard[0].feedback.position == 0.02 and bytes(heard[0].goal_id.uuid) == bytes(handle.goal_id.uuid)


def test_a_goal_can_be_refused(ros: Any) -> None:
    def judge(request: Any) -> GoalResponse:
        return GoalResponse.ACCEPT if request.command.position >= 0 else GoalResponse.REJECT

    ActionServer(ros.node(), GripperCommand, 'gripper', close, goal_callback=judge)
    client = client_of(ros)
    assert not done(ros, client.send_goal_async(goal(-1.0))).accepted
    assert done(ros, client.send_goal_async(goal(1.0))).accepted


def test_a_long_goal_can_be_given_up(ros: Any) -> None:
    node, released = ros.node(), Future()

    async def work(handle: Any) -> Any:
        await released
        (handle.canceled if handle.is_cancel_requested else handle.succeed)()
        return GripperCommand.Result(stalled=True)

    ActionServer(node, GripperCommand, 'gripper', work, cancel_callback=lambda handle: CancelResponse.ACCEPT)
    client = client_of(ros)
    handle = done(ros, client.send_goal_async(goal(0.0)))
    result = handle.get_result_async()
    answer = done(ros, handle.cancel_goal_async())
    assert len(answer.goals_canceling) == 1 and not result.done()
    assert ros.until(lambda: handle.status == GoalStatus.STATUS_CANCELING)
    released.set_result(None)
    response = done(ros, result)
    assert response.status == GoalStatus.STATUS_CANCELED and response.result.stalled


def test_a_goal_that_fails_is_aborted(ros: Any) -> None:
    def fail(handle: Any) -> Any:
        raise RuntimeError('the fingers are stuck')

    ActionServer(ros.node(), GripperCommand, 'gripper', fail)
    handle = done(ros, client_of(ros).send_goal_async(goal(0.0)))
    assert done(ros, handle.get_result_async()).status == GoalStatus.STATUS_ABORTED


def test_no_server_and_wrong_goals(ros: Any) -> None:
    client = ActionClient(ros.node(), GripperCommand, 'nowhere')
    assert not client.server_is_ready() and client.wait_for_server(timeout_sec=0.1) is False
    with pytest.raises(TypeError):
        client.send_goal_async(control.ParallelGripperCommand.Goal())
    client.destroy()
