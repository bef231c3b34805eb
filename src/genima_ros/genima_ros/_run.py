# SPDX-License-Identifier: Apache-2.0
"""One life for every node: init, build, spin, and a quick clean end whatever happens."""

import sys
from collections.abc import Callable, Sequence
from typing import Protocol

import rclpy
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node

from genima.errors import GenimaError


class Closable(Protocol):
    """A node that holds more than ROS entities: threads, a renderer."""

    def close(self) -> None:
        """Let go of everything; called once, also after an error."""


def run(make_node: Callable[[], Node], args: Sequence[str] | None = None) -> int:
    """Run one node until it is told to end.

    Args:
        make_node: builds the node; heavy imports belong in there, so that Ctrl-C works while they load.
        args: command line without the program name; `None` takes `sys.argv`.

    Returns:
        The exit code: 0 after SIGINT or SIGTERM, 1 after an error that the user can mend (one line on stderr).
    """
    node: Node | None = None
    try:
        rclpy.init(args=args)
        node = make_node()
        spin = getattr(node, 'run', None)
        spin() if spin else rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        return 0
    except (GenimaError, ParameterException) as error:
        print(f'error: {error}', file=sys.stderr, flush=True)
        return 1
    finally:
        _end(node)
    return 0


def _end(node: Node | None) -> None:
    """Destroy the node and the context; a second Ctrl-C in here changes nothing."""
    try:
        if isinstance(node, Node):
            close = getattr(node, 'close', None)
            if close:
                close()
            node.destroy_node()
        rclpy.try_shutdown()
    except KeyboardInterrupt:
        rclpy.try_shutdown()
