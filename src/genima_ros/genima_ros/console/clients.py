# SPDX-License-Identifier: Apache-2.0
"""What the page asks for, as calls of the services of the graph; every answer goes back to the page and into the log."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.msg import ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.client import Client
from rclpy.node import Node
from std_srvs.srv import Trigger

from genima.errors import GenimaError
from genima.failures.causes import check_cause
from genima_msgs.srv import EndEpisode, FlagFailure, ResetEpisode, StartEpisode
from genima_ros.console.log import ConsoleLog

ANSWER_S = 2.0
SLOW_ANSWER_S = 10.0  # a scene is set, an episode is brought to the disk
GUARD = ('stop', 'arm', 'disarm', 'reset')
Values = Mapping[str, Any]


class ConsoleClients:
    """Calls services from the web server's event loop while another thread spins the node.

    Args:
        node: that calls.
        log: is told what was asked for and answered.
        armed: whether the guard lets the arm move.
        has_policy: whether a policy can be told an instruction.
    """

    def __init__(self, node: Node, log: ConsoleLog, armed: Callable[[], bool], has_policy: bool) -> None:
        self._log, self._armed = log, armed
        create = node.create_client
        self._guard = {name: create(Trigger, f'guard_node/{name}') for name in GUARD}
        self._scene = create(ResetEpisode, 'sim_node/reset')
        self._start = create(StartEpisode, 'recorder_node/start_episode')
        self._end = create(EndEpisode, 'recorder_node/end_episode')
        nodes = ('diffusion_node', 'policy_node') if has_policy else ()  # one of them is there
        self._parameters = {name: create(SetParameters, f'{name}/set_parameters') for name in nodes}
        self._flag = create(FlagFailure, 'failure_node/flag')
        self._commands: dict[str, Callable[[Values], Awaitable[str]]] = {
            'instruction': self._set_instruction,
            'scene': self._set_scene,
            'start': self._start_episode,
            'end': self._end_episode,
            'flag': self._flag_failure,
        }

    def available(self) -> dict[str, bool]:
        """Return which parts of the graph can be asked for something."""
        return {
            'guard': self._guard['stop'].service_is_ready(),
            'simulation': self._scene.service_is_ready(),
            'recorder': self._start.service_is_ready(),
            'instruction': any(each.service_is_ready() for each in self._parameters.values()),
            'failures': self._flag.service_is_ready(),
        }

    async def command(self, name: str, values: Values) -> dict[str, Any]:
        """Do what the page asks for, one of `COMMANDS` with all its fields; return `ok` and `text`, the answer in words."""
        try:
            text = await (self._ask_guard(name) if name in GUARD else self._commands[name](values))
        except GenimaError as error:
            self._log.add('failure' if name == 'flag' else 'command', f'{name} refused: {error}', ok=False)
            return {'ok': False, 'text': str(error)}
        self._log.add('failure' if name == 'flag' else 'command', f'{name}: {text}')
        return {'ok': True, 'text': text}

    async def _ask_guard(self, name: str) -> str:
        client = self._guard[name]
        try:
            # a stop is sent even to a guard that seems to be away
            response = await _call(client, Trigger.Request(), ANSWER_S, insist=name == 'stop')
        except GenimaError as error:
            if name == 'stop':
                raise GenimaError(f'PRESS THE EMERGENCY STOP: {error}') from error
            raise
        return _success(response)

    async def _set_instruction(self, values: Values) -> str:
        text = values['text']
        if not text:
            raise GenimaError('the instruction is empty')
        running = {name: client for name, client in self._parameters.items() if client.service_is_ready()}
        if not running:
            raise GenimaError('no policy is running that could be told an instruction')
        value = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=text)
        request = SetParameters.Request(parameters=[ParameterMessage(name='instruction', value=value)])
        for name, client in running.items():
            response = await _call(client, request, ANSWER_S)
            if not response.results[0].successful:
                raise GenimaError(f'{name}: {response.results[0].reason}')
        return f'the instruction is {text!r}'

    async def _set_scene(self, values: Values) -> str:
        if self._armed():
            raise GenimaError('disarm first: a moving arm must not meet a new scene (the guard is armed, or silent)')
        request = ResetEpisode.Request(seed=values['seed'])
        return _success(await _call(self._scene, request, SLOW_ANSWER_S))

    async def _start_episode(self, values: Values) -> str:
        request = StartEpisode.Request(instruction=values['instruction'], seed=values['seed'])
        return _success(await _call(self._start, request, SLOW_ANSWER_S))

    async def _end_episode(self, values: Values) -> str:
        request = EndEpisode.Request(outcome=values['outcome'], cause=values['cause'], note=values['note'])
        return _success(await _call(self._end, request, SLOW_ANSWER_S))

    async def _flag_failure(self, values: Values) -> str:
        cause = values['cause']
        check_cause(cause)
        request = FlagFailure.Request(cause=cause, note=values['note'], seconds_ago=values['seconds_ago'])
        response = await _call(self._flag, request, SLOW_ANSWER_S)
        return f'{cause}: {_success(response)}'


async def _call(client: Client, request: Any, timeout_s: float, insist: bool = False) -> Any:
    """Return the answer of a service.

    Raises:
        GenimaError: if nobody offers it, or the answer does not come in time.
    """
    if not insist and not client.service_is_ready():
        raise GenimaError(f'nobody offers {client.srv_name}: is the node running?')
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Any] = loop.create_future()

    def settle(response: Any) -> None:
        if not answer.done():
            answer.set_result(response)

    pending = client.call_async(request)
    pending.add_done_callback(lambda done: loop.call_soon_threadsafe(settle, done.result()))
    try:
        return await asyncio.wait_for(answer, timeout_s)
    except asyncio.TimeoutError as error:
        client.remove_pending_request(pending)
        raise GenimaError(f'{client.srv_name} did not answer within {timeout_s:.0f} s') from error


def _success(response: Any) -> str:
    if not response.success:
        raise GenimaError(response.message or 'refused without a reason')
    return str(response.message) or 'done'
