# SPDX-License-Identifier: Apache-2.0
"""The processes of a stack: start them together, watch them, and end them together."""

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import yaml

from genima.errors import GenimaError
from genima_bringup.table import RESPAWN_S, RESPAWNS, NodeEntry, Stack

# what to send and how long to wait for it; a node needs well under a second for the first
FAREWELL = ((signal.SIGINT, 2.0), (signal.SIGINT, 2.0), (signal.SIGTERM, 2.0), (signal.SIGKILL, 5.0))
POLL_S = 0.05


class LaunchError(GenimaError):
    """A node of a stack could not start or ended by itself, with this exit code."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def command(entry: NodeEntry, stack: Stack, own_parameters: Path) -> list[str]:
    """Return the command line of a node; `own_parameters` is a file that `write_parameters` wrote."""
    arguments = [sys.executable, '-m', entry.module, '--ros-args']
    for file in (*stack.parameter_files, str(own_parameters)):
        arguments += ['--params-file', file]
    for topic, other in [*entry.remappings.items(), *stack.remappings.items()]:
        arguments += ['-r', f'{topic}:={other}']
    if stack.namespace:
        arguments += ['-r', f'__ns:=/{stack.namespace.strip("/")}']
    return arguments + stack.ros_arguments(entry)


def write_parameters(path: Path, stack: Stack, overrides: Mapping[str, Mapping[str, object]]) -> None:
    """Write the nodes' own parameters as a parameter file.

    Its patterns are those of config/stacks: of two files with the same pattern, the later one wins.
    It is JSON, which is YAML too, and says of every text that it is one.
    """
    given = {entry.name: {**entry.parameters, **overrides.get(entry.name, {})} for entry in stack.nodes}
    path.write_text(json.dumps({f'/**/{name}': {'ros__parameters': values} for name, values in given.items() if values}))


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
        self._helpers = {entry.name for entry in stack.nodes if not entry.essential}
        self._folder = tempfile.TemporaryDirectory(prefix='genima-stack-')
        self._respawns = dict.fromkeys(self._helpers, RESPAWNS)
        self._respawn_at_s: dict[str, float] = {}
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
        write_parameters(self._own_parameters, self.stack, self._overrides)
        for entry in self.stack.nodes:
            self._start(entry)

    @property
    def _own_parameters(self) -> Path:
        return Path(self._folder.name) / 'parameters.yaml'

    def _start(self, entry: NodeEntry) -> None:
        process = subprocess.Popen(
            command(entry, self.stack, self._own_parameters),
            env={**self._environment, **self.stack.environment, **entry.environment},
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
        """Start helpers again that have failed; raise LaunchError if another node has ended before all was done."""
        for name, process in list(self._processes.items()):
            code = process.poll()
            if code is None or self.done:
                continue
            if name in self._helpers:
                self._look_after(name, code)
            else:
                raise LaunchError(f'{name} ended with exit code {code}: {self._last_words(name)}', code)

    def _look_after(self, name: str, code: int) -> None:
        """Say once that a helper has ended, and start it again if it failed; after a few times the others go on alone."""
        if name in self._respawn_at_s:
            if time.monotonic() >= self._respawn_at_s[name]:
                del self._respawn_at_s[name]
                self.restart(name)
            return
        left = self._respawns[name] if code else 0
        what = 'it is started again' if left else 'the others go on without it'
        self._write(name, f'{name} ended with exit code {code}: {self._last_words(name)}; {what}')
        self._respawns[name] = left - 1
        self._respawn_at_s[name] = time.monotonic() + RESPAWN_S if left else math.inf

    def _last_words(self, name: str) -> str:
        self._readers[name].join(timeout=1.0)
        return '; '.join(line.strip() for line in self._last_lines[name]) or 'it said nothing'

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
        self._folder.cleanup()

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
