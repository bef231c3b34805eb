# SPDX-License-Identifier: Apache-2.0
"""The processes of a stack: start them together, watch them, and end them together."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

import yaml

from genima.errors import GenimaError
from genima_bringup.graph import NodeEntry, Stack

# what to send and how long to wait for it; a node needs well under a second for the first
FAREWELL = ((signal.SIGINT, 2.0), (signal.SIGINT, 2.0), (signal.SIGTERM, 2.0), (signal.SIGKILL, 5.0))
POLL_S = 0.05


class LaunchError(GenimaError):
    """A node of a stack could not start or ended by itself."""


def command(entry: NodeEntry, stack: Stack, overrides: Mapping[str, object]) -> list[str]:
    """Return the command line of a node."""
    arguments = [sys.executable, '-m', entry.module, '--ros-args', '--params-file', str(stack.parameter_file)]
    for name, value in {**entry.parameters, **overrides}.items():
        text = yaml.safe_dump(value, default_flow_style=True, width=10**6).removesuffix('\n').removesuffix('\n...')
        arguments += ['-p', f'{entry.name}:{name}:={text}']  # without the node, a parameter file would win
    for topic, other in entry.remappings.items():
        arguments += ['-r', f'{topic}:={other}']
    return arguments


class StackProcesses:
    """Runs each node of a stack as a process of its own. Use it as a context manager.

    Args:
        stack: what to run.
        overrides: parameters by node name; they win over everything else.
        environment: variables for all nodes, on top of this process's.
        write: called with the name of a node and a line of its output, from several threads.
    """

    def __init__(
        self,
        stack: Stack,
        overrides: Mapping[str, Mapping[str, object]] | None = None,
        environment: Mapping[str, str] | None = None,
        write: Callable[[str, str], None] | None = None,
    ) -> None:
        self.stack = stack
        self._overrides = overrides or {}
        self._environment = {**os.environ, **(environment or {}), 'PYTHONUNBUFFERED': '1'}
        self._write = write or (lambda name, line: None)
        self._processes: dict[str, subprocess.Popen[str]] = {}
        self._last_lines: dict[str, deque[str]] = {}
        self._readers: dict[str, threading.Thread] = {}
        names = [entry.name for entry in stack.nodes]
        for name in self._overrides:
            if name not in names:
                raise LaunchError(f'no node {name!r} in stack {stack.name!r}; it has {", ".join(names)}')

    def __enter__(self) -> 'StackProcesses':
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start all nodes."""
        for entry in self.stack.nodes:
            self._start(entry)

    def _start(self, entry: NodeEntry) -> None:
        process = subprocess.Popen(
            command(entry, self.stack, self._overrides.get(entry.name, {})),
            env={**self._environment, **entry.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors='replace',
            start_new_session=True,  # Ctrl-C at the terminal is ours to forward, once
        )
        self._processes[entry.name] = process
        self._last_lines[entry.name] = deque(maxlen=5)
        reader = threading.Thread(target=self._read, args=(entry.name, process), daemon=True)
        reader.start()
        self._readers[entry.name] = reader

    @property
    def done(self) -> bool:
        """Whether a node has ended that ends the stack when its work is done."""
        return any(entry.ends_stack and self._processes[entry.name].poll() == 0 for entry in self.stack.nodes)

    def check(self) -> None:
        """Raise LaunchError, with the node's last words, if a node has ended before all was done."""
        for name, process in self._processes.items():
            code = process.poll()
            if code is not None and not self.done:
                self._readers[name].join(timeout=1.0)
                words = '; '.join(line.strip() for line in self._last_lines[name]) or 'it said nothing'
                raise LaunchError(f'{name} ended with exit code {code}: {words}')

    def pids(self) -> dict[str, int]:
        """Return the process ids by node name."""
        return {name: process.pid for name, process in self._processes.items()}

    def send_signal(self, name: str, number: int) -> None:
        """Send a signal to one node."""
        self._signal(self._processes[name], signal.Signals(number))

    def restart(self, name: str) -> None:
        """Start a node again that was ended."""
        self._processes[name].wait(FAREWELL[-1][1])
        self._start(next(entry for entry in self.stack.nodes if entry.name == name))

    def stop(self) -> None:
        """End all nodes: politely, again, firmly, and at last by force."""
        for number, wait_s in FAREWELL:
            alive = self._alive()
            if not alive:
                break
            for name in alive:
                self._signal(self._processes[name], number)
            self._wait_all(wait_s)
        for reader in self._readers.values():
            reader.join(timeout=1.0)

    def _alive(self) -> list[str]:
        return [name for name, process in self._processes.items() if process.poll() is None]

    def _wait_all(self, wait_s: float) -> None:
        begin_s = time.monotonic()
        extra_s = {entry.name: entry.closing_s for entry in self.stack.nodes}
        while any(time.monotonic() < begin_s + wait_s + extra_s[name] for name in self._alive()):
            time.sleep(POLL_S)

    @staticmethod
    def _signal(process: 'subprocess.Popen[str]', number: signal.Signals) -> None:
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return  # it ended between the look and the signal

    def _read(self, name: str, process: 'subprocess.Popen[str]') -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._last_lines[name].append(line)
            self._write(name, line.rstrip('\n'))


def parse_overrides(overrides: Sequence[str]) -> dict[str, dict[str, object]]:
    """Turn `node.parameter=value` texts into parameters by node; values are YAML.

    Raises:
        GenimaError: if a text is not of that form.
    """
    parsed: dict[str, dict[str, object]] = {}
    for text in overrides:
        target, equals, value = text.partition('=')
        node, dot, parameter = target.partition('.')
        if not (equals and dot and node and parameter):
            raise GenimaError(f'parameter {text!r}: the form is node.name=value, for example act_node.threads=2')
        try:
            parsed.setdefault(node, {})[parameter] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise GenimaError(f'parameter {text!r}: the value is not YAML') from error
    return parsed
