# SPDX-License-Identifier: Apache-2.0
"""Actions: goals that take a while, with feedback and a result."""

from .client import ActionClient
from .server import ActionServer, CancelResponse, GoalResponse

__all__ = ['ActionClient', 'ActionServer', 'CancelResponse', 'GoalResponse']
