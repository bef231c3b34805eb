# SPDX-License-Identifier: Apache-2.0
"""Services and clients."""

import threading
from typing import Any

import pytest
import rclpy
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.executors import MultiThreadedExecutor
from std_srvs.srv import SetBool, Trigger


def answer(request: Any, response: Any) -> Any:
    response.success, response.message = request.data, 'yes' if request.data else 'no'
    return response


def test_request_and_reply(ros: Any) -> None:
    node = ros.node()
    service = node.create_service(SetBool, '~/switch', answer)
    client = node.create_client(SetBool, '/node/switch')
    assert service.service_name == client.service_name == '/node/switch' and service.srv_name == '~/switch'
    assert ros.until(client.service_is_ready)
    futures = [client.call_async(SetBool.Request(data=value)) for value in (True, False, True)]
    assert ros.until(lambda: all(future.done() for future in futures))
    assert [future.result().message for future in futures] == ['yes', 'no', 'yes']


def test_every_client_gets_its_own_replies(ros: Any) -> None:
    node = ros.node()
    node.create_service(SetBool, 'switch', answer)
    clients = [node.create_client(SetBool, 'switch') for _ in range(3)]
    assert ros.until(lambda: all(client.service_is_ready() for client in clients))
    futures = [client.call_async(SetBool.Request(data=number == 1)) for number, client in enumerate(clients)]
    assert ros.until(lambda: all(future.done() for future in futures))
    assert [future.result().success for future in futures] == [False, True, False]


def test_a_service_that_is_not_there(ros: Any) -> None:
    client = ros.node().create_client(Trigger, 'nowhere')
    assert not client.service_is_ready() and client.wait_for_service(timeout_sec=0.1) is False
    future = client.call_async(Trigger.Request())
    rclpy.spin_until_future_complete(ros.nodes[0], future, executor=ros.executor, timeout_sec=0.1)
    assert not future.done()
    with pytest.raises(TypeError):
        client.call_async(SetBool.Request())


def test_a_server_comes_and_goes(ros: Any) -> None:
    node = ros.node()
    client = node.create_client(Trigger, 'reset')
    service = node.create_service(Trigger, 'reset', lambda request, response: response)
    assert client.wait_for_service(timeout_sec=5.0)
    node.destroy_service(service)
    assert ros.until(lambda: not client.service_is_ready())


def test_async_callbacks_await_other_services(ros: Any) -> None:
    node = ros.node()
    group = ReentrantCallbackGroup()
    client = node.create_client(SetBool, 'inner', callback_group=group)

    async def outer(request: Any, response: Any) -> Any:
        inner = await client.call_async(SetBool.Request(data=True))
        response.success, response.message = inner.success, f'inner said {inner.message}'
        return response

    node.create_service(SetBool, 'inner', answer, callback_group=group)
    node.create_service(Trigger, 'outer', outer, callback_group=group)
    asking = node.create_client(Trigger, 'outer')
    assert ros.until(lambda: asking.service_is_ready() and client.service_is_ready())
    future = asking.call_async(Trigger.Request())
    assert ros.until(future.done) and future.result().message == 'inner said yes'


def test_a_blocking_call_from_a_callback_with_threads(ros: Any) -> None:
    node = ros.node()
    group = ReentrantCallbackGroup()
    results: list[Any] = []
    node.create_service(SetBool, 'switch', answer, callback_group=group)
    client = node.create_client(SetBool, 'switch', callback_group=group)
    executor = MultiThreadedExecutor(3)
    ros.executor.remove_node(node)
    executor.add_node(node)

    def ask() -> None:
        timer.cancel()
        results.append(client.call(SetBool.Request(data=True)))

    timer = node.create_timer(0.01, ask)
    thread = threading.Thread(target=executor.spin)
    thread.start()
    thread.join(0.2)
    for _ in range(100):
        if results:
            break
        thread.join(0.05)
    executor.shutdown()
    thread.join(5.0)
    assert not thread.is_alive() and results[0].message == 'yes'


SERVER = """\
import rclpy
from rclpy.node import Node
from std_srvs.srv import Trigger
rclpy.init()
node = Node('server')
def answer(request, response):
    response.success, response.message = True, 'from another process'
    return response
node.create_service(Trigger, 'ask', answer)
print('ready', flush=True)
rclpy.spin(node)
"""


def test_between_processes(ros: Any, child: Any) -> None:
    assert child(SERVER).line() == 'ready'
    node = ros.node()
    client = node.create_client(Trigger, 'ask')
    assert client.wait_for_service(timeout_sec=10.0)
    future = client.call_async(Trigger.Request())
    assert ros.until(future.done) and future.result().message == 'from another process'
