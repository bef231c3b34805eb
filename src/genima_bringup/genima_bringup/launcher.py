# SPDX-License-Identifier: Apache-2.0
"""`ros2 launch` for a machine without ROS 2: start a stack, show what its nodes say, end it on Ctrl-C."""

import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from genima.errors import GenimaError
from genima_bringup.graph import stack
from genima_bringup.processes import LaunchError, StackProcesses, parse_overrides

COLORS = (36, 33, 35, 32, 34, 31)  # ANSI: cyan, yellow, magenta, green, blue, red
CHECK_PERIOD_S = 0.2


class Console:
    """Prints lines of several nodes with their names in front, in colour on a terminal."""

    def __init__(self, names: Sequence[str]) -> None:
        self._width = max(len(name) for name in names)
        self._color = {name: COLORS[i % len(COLORS)] for i, name in enumerate(names)}
        self._lock = threading.Lock()
        self._colored = sys.stdout.isatty()

    def write(self, name: str, line: str) -> None:
        """Print one line."""
        label = f'{name:<{self._width}} |'
        if self._colored:
            label = f'\033[{self._color[name]}m{label}\033[0m'
        with self._lock:
            print(label, line, flush=True)


def launch(
    name: str,
    policy: Path | str | None = None,
    overrides: Sequence[str] = (),
    arguments: Mapping[str, str] | None = None,
) -> int:
    """Run a stack until Ctrl-C, SIGTERM or the end of one of its nodes.

    Args:
        name: of the stack, one of `genima_bringup.arguments.STACKS`.
        policy: policy directory; `None` takes the stack's.
        overrides: node parameters, `node.name=value`.
        arguments: launch arguments by name, see `genima_bringup.arguments.ARGUMENTS`.

    Returns:
        Exit code: 0 after Ctrl-C or when all was done, 1 if a node ended by itself.

    Raises:
        GenimaError: if the stack cannot be started as asked for.
    """
    values = dict(arguments or {})
    if policy is not None:
        values['policy'] = str(policy)
    table = stack(name, values)
    if table.driver is not None:
        raise GenimaError('the driver of a real arm needs ROS 2: start it there, and these nodes with launch_driver:=false')
    if table.mock is not None:
        raise GenimaError('mock hardware needs ros2_control, and that ROS 2; leave mock away to simulate an arm')
    if table.rviz is not None:
        raise GenimaError(
            'RViz needs ROS 2, and this Python has none: leave rviz away, and run `genima view` in another shell,'
            ' or rviz2 -d config/rviz/genima.rviz on a machine with ROS 2 in the same network'
        )
    console = Console([entry.name for entry in table.nodes])
    for note in table.notes:
        print(f'warning: {note}', file=sys.stderr, flush=True)
    processes = StackProcesses(table, parse_overrides(overrides), write=console.write)
    asked_to_end = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        asked_to_end.set()

    previous = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        with processes:
            while not asked_to_end.wait(CHECK_PERIOD_S) and not processes.done:
                processes.check()
            print(f'ending stack {name!r}', flush=True)
    except LaunchError as error:
        if error.code == 0:  # somebody ended it, and that is no failure
            print(f'{error}; the other nodes were ended', flush=True)
            return 0
        print(f'error: {error}; the other nodes were ended', file=sys.stderr, flush=True)
        return 1
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return 0
