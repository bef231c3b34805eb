# SPDX-License-Identifier: Apache-2.0
"""One life for every node: init, build, spin, and a quick clean end whatever happens."""

import contextlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import NoReturn

import rclpy
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node

from genima.errors import GenimaError
from genima_ros.core.diagnostics import report

POLL_S = 0.2
GRACE_S = 1.5
# below the 50 of ros2_control's controller manager
GUARD_PRIORITY, CONTROLLER_PRIORITY = 40, 30


def run(make_node: Callable[[], Node], priority: int = 0, closing_s: float = GRACE_S) -> NoReturn:
    """Run one node until it is told to end, and end the process.

    The exit code is 0 after SIGINT or SIGTERM, and 1 after an error that the user can mend (one line on stderr).
    A node may have `run()`, its own loop instead of `rclpy.spin`, and `close()`, called at the end whatever happened.

    Args:
        make_node: builds the node; slow imports belong in there, so that Ctrl-C works while they load.
        priority: of a node that does little and must not wait for those that do much: once it is built, it goes before
            them, where permitted. 0: like everything else.
        closing_s: how long it may take to end before it is ended by force [s].
    """
    code = _live(make_node, priority, closing_s)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # all is closed; torch would take a second more to tidy up its modules


def join_graph(arguments: list[str] | None = None) -> None:
    """Call `rclpy.init`.

    Args:
        arguments: of the command line; None: those of this process.

    Raises:
        GenimaError: if the middleware cannot start.
    """
    try:
        rclpy.init(args=arguments)
    except RuntimeError as error:  # RCLError, and rosless' error of Cyclone DDS
        raise GenimaError(
            f'this process cannot join the ROS 2 graph: {error}; check that a network interface is up (`ip link`; for this'
            ' computer alone `sudo ip link set lo up` and ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST), and CYCLONEDDS_URI and'
            ' ROS_DOMAIN_ID where they are set'
        ) from error


def _go_first(priority: int) -> None:
    """Ask for real-time priority for every thread there is, the middleware's, too; those that they start inherit it."""
    try:
        for thread in os.listdir('/proc/self/task'):
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.sched_setscheduler(int(thread), os.SCHED_FIFO, os.sched_param(priority))
    except OSError:
        print(f'no real-time priority: permit rtprio {priority} in /etc/security/limits.conf', flush=True)


def _live(make_node: Callable[[], Node], priority: int, closing_s: float) -> int:
    node: Node | None = None
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        join_graph()
        threading.Thread(target=_leave_by_force, args=[closing_s], daemon=True).start()
        node = make_node()
        report(node)
        if priority:
            _go_first(priority)
        spin = getattr(node, 'run', None)
        spin() if spin else rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        return 0
    except (GenimaError, ParameterException) as error:
        print(f'error: {error}', file=sys.stderr, flush=True)
        return 1
    except Exception:
        if _told_to_end():
            return 0  # Ctrl-C while rclpy was handing a message over comes out as whatever that code makes of it
        traceback.print_exc()
        return 1
    finally:
        _end(node)
    return 0


def _told_to_end() -> bool:
    """Return whether a signal has shut the context down; rclpy does that in a thread of its own, a moment later."""
    end_s = time.monotonic() + POLL_S
    while rclpy.ok() and time.monotonic() < end_s:
        time.sleep(POLL_S / 10)
    return not rclpy.ok()


def _leave_by_force(closing_s: float) -> None:
    """End a node that was told to end and hangs: in a renderer, in a network, in the middleware."""
    while rclpy.ok():
        time.sleep(POLL_S)
    time.sleep(closing_s)
    print(f'error: the node did not end within {closing_s:.1f} s of being told to; leaving by force', file=sys.stderr)
    sys.stderr.flush()
    os._exit(1)


def _end(node: Node | None) -> None:
    """Destroy the node and the context; a second Ctrl-C in here changes nothing."""
    try:
        if node is not None:
            close = getattr(node, 'close', None)
            if close:
                close()
            node.destroy_node()
        rclpy.try_shutdown()
    except KeyboardInterrupt:
        rclpy.try_shutdown()
