# SPDX-License-Identifier: Apache-2.0
"""A node that no message, request or parameter can end: what cannot be used is refused and counted, and it goes on."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import rclpy
from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node

from genima_ros.core.caps import MOST_TEXT, oversized
from genima_ros.core.diagnostics import refuse

CLOCK = 'use_sim_time'


class SturdyNode(Node):
    """The base of every node here. Its parts subscribe through it as well, so there is one wrapper for all callbacks."""

    _running = False

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, **options)
        self._running = True
        self.add_on_set_parameters_callback(self._check_parameters)

    def create_subscription(self, msg_type: Any, topic: str, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Subscribe; a message that is too large, or that the callback cannot take, is refused and counted."""

        @wraps(callback)
        def take(message: Any, *info: Any) -> None:
            try:
                trouble = None if isinstance(message, bytes) else oversized(message)
                if trouble is None:
                    callback(message, *info)
            except Exception as error:
                trouble = _in_words(error)
            if trouble is not None:
                refuse(self, topic, f'{topic}: a message is refused: {trouble}', severe=True)

        return super().create_subscription(msg_type, topic, take, *args, **kwargs)

    def create_service(self, srv_type: Any, srv_name: str, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Offer a service; a request that is too large, or that the callback cannot take, is refused and counted."""
        if not self._running:  # those of the parameters
            return super().create_service(srv_type, srv_name, callback, *args, **kwargs)

        @wraps(callback)
        def answer(request: Any, response: Any) -> Any:
            try:
                trouble = oversized(request)
                if trouble is None:
                    return callback(request, response)
            except Exception as error:
                trouble = _in_words(error)
            refuse(self, srv_name, f'{srv_name}: a request is refused: {trouble}', severe=True)
            if hasattr(response, 'success'):
                response.success, response.message = False, f'refused: {trouble}'
            return response

        return super().create_service(srv_type, srv_name, answer, *args, **kwargs)

    def _check_parameters(self, parameters: list[Any]) -> Any:
        """Refuse another source of time, and texts that are too long."""
        for parameter in parameters:
            if parameter.name == CLOCK:
                reason = 'the source of time of a running node stays what it is; start the node anew'
                return SetParametersResult(successful=False, reason=reason)
            changed = self.has_parameter(parameter.name)  # else it is being declared
            if changed and isinstance(parameter.value, str) and len(parameter.value) > MOST_TEXT:
                reason = f'{parameter.name} has {len(parameter.value)} characters, allowed are {MOST_TEXT}'
                return SetParametersResult(successful=False, reason=reason)
        return SetParametersResult(successful=True)


def _in_words(error: Exception) -> str:
    """Return what went wrong in one line; raise it again where the graph is going down, which is no message's fault."""
    if not rclpy.ok():
        raise error
    return f'{type(error).__name__}: {error}'
