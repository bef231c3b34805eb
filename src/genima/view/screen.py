# SPDX-License-Identifier: Apache-2.0
"""Where a view goes: a file, or a viewer on this machine that listens to nobody else.

Source: https://ref.rerun.io/docs/python (0.41).
"""

import importlib.util
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

import numpy as np
import rerun as rr

from genima.align.grid import to_nanoseconds
from genima.errors import GenimaError
from genima.files import atomic_path

TIMELINE = 'ros_time'
LOOPBACK = '127.0.0.1'
MEMORY = '2GB'  # beyond it the viewer forgets what is oldest
START_S, FLUSH_S = 30.0, 30.0
LEAST_WALL_S = 1e9  # a clock that says less counts from the start of a simulation


class Screen:
    """A Rerun recording with one timeline, that of ROS.

    Args:
        stream: that carries it.
    """

    def __init__(self, stream: rr.RecordingStream) -> None:
        self._stream = stream
        self._wall: bool | None = None

    def at(self, time_s: float) -> None:
        """Give what is logged from now on this time [s, ROS time]; wall time shows as a date, simulated time as seconds."""
        if self._wall is None:
            self._wall = time_s >= LEAST_WALL_S
        nanoseconds = to_nanoseconds(time_s)
        if self._wall:
            self._stream.set_time(TIMELINE, timestamp=np.datetime64(nanoseconds, 'ns'))
        else:
            self._stream.set_time(TIMELINE, duration=np.timedelta64(nanoseconds, 'ns'))

    def log(self, entity: str, *what: Any, static: bool = False) -> None:
        """Log archetypes of rerun under a name; what is static holds at all times."""
        self._stream.log(entity, *what, static=static)

    def arrange(self, blueprint: Any) -> None:
        """Say how the viewer arranges what is logged."""
        self._stream.send_blueprint(blueprint)

    def flush(self) -> None:
        """Wait until everything is where it goes."""
        self._stream.flush(timeout_sec=FLUSH_S)


@contextmanager
def to_file(path: Path) -> Iterator[Screen]:
    """Yield a screen that becomes a file when the block ends; a block that fails leaves no file."""
    with atomic_path(path) as temporary:
        stream = _stream()
        stream.save(temporary)
        screen = Screen(stream)
        yield screen
        screen.flush()
        stream.disconnect()  # writes the footer, without which the file cannot be searched


@contextmanager
def to_viewer() -> Iterator[Screen]:
    """Start the viewer and yield a screen that it shows; the window stays open afterwards.

    Raises:
        GenimaError: if this machine has no display, or the viewer does not start.
    """
    if sys.platform == 'linux' and not (os.environ.get('DISPLAY') or os.environ.get('WAYLAND_DISPLAY')):
        raise GenimaError(
            'there is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set): write a file with --save FILE.rrd and'
            ' open it elsewhere with `genima view FILE.rrd`, or `rerun FILE.rrd`'
        )
    port = _free_port()
    _start_viewer(['--port', str(port), '--expect-data-soon'], port)
    stream = _stream()
    stream.connect_grpc(f'rerun+http://{LOOPBACK}:{port}/proxy')
    screen = Screen(stream)
    yield screen
    screen.flush()


def open_file(path: Path) -> None:
    """Start the viewer with a file that `to_file` has made."""
    port = _free_port()
    _start_viewer(['--port', str(port), str(path)], port)


def _stream() -> rr.RecordingStream:
    stream = rr.RecordingStream('genima', recording_id=uuid4())
    stream.set_log_time_enabled(False)
    stream.set_log_tick_enabled(False)
    return stream


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _start_viewer(arguments: list[str], port: int) -> 'subprocess.Popen[bytes]':
    """Start the viewer that belongs to this rerun; on its own it would listen on every network interface."""
    if importlib.util.find_spec('rerun_cli') is None:
        raise GenimaError('rerun is here without its viewer: pip install --force-reinstall "genima[view]"')
    command = [sys.executable, '-m', 'rerun_cli', '--bind', LOOPBACK, '--memory-limit', MEMORY, *arguments]
    with tempfile.TemporaryFile('w+') as words:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=words, stderr=words, start_new_session=True,
            env={**os.environ, 'RERUN_APP_ONLY': 'true'},
        )  # fmt: skip
        end_s = time.monotonic() + START_S
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > end_s:
                process.kill()
                raise GenimaError(f'the viewer of Rerun did not start: {_last_words(words)}; --save FILE.rrd needs none')
            time.sleep(0.1)
        return process


def _answers(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=1.0).close()
    except OSError:
        return False
    return True


def _last_words(words: IO[str]) -> str:
    words.seek(0)
    return '; '.join(line.strip() for line in words.readlines()[-4:]) or 'it said nothing'
