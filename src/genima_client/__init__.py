# SPDX-License-Identifier: Apache-2.0
"""A client of `genima serve`: a policy on another computer. It needs numpy, msgpack and websockets, and Python 3.8."""

from genima_client.client import Answer, PolicyClient
from genima_client.connection import ServerError
from genima_client.wire import WireError

__all__ = ['Answer', 'PolicyClient', 'ServerError', 'WireError']
