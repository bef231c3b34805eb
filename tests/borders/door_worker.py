# SPDX-License-Identifier: Apache-2.0
"""Runs commands of `genima` one after another, each in a fork with limits of its own; what they import is there already.

Reads one JSON line per command, {"argv", "out", "limit_s", "watch"}, and answers with one: exit code (None: it had to be
ended), wall time and largest memory of the command, and names of files under `watch` that anything opened meanwhile, by
whatever library: the kernel tells.
"""

import ctypes
import importlib
import json
import os
import resource
import signal
import struct
import sys
import time
from pathlib import Path

MEMORY_BYTES, FILE_BYTES = 12 * 2**30, 2**30
IN_OPEN, IN_NONBLOCK = 0x20, 0o4000


class Watch:
    """Files that are opened in a folder."""

    def __init__(self, folder: str) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._handle = self._libc.inotify_init1(IN_NONBLOCK)
        assert self._libc.inotify_add_watch(self._handle, folder.encode(), IN_OPEN) >= 0

    def opened(self) -> list[str]:
        """Return the names since the last call."""
        names, at = set(), 0
        try:
            data = os.read(self._handle, 2**16)
        except BlockingIOError:
            return []
        while at < len(data):
            length = struct.unpack_from('iIII', data, at)[3]
            names.add(data[at + 16 : at + 16 + length].rstrip(b'\0').decode())
            at += 16 + length
        return sorted(names)


def serve(modules: list[str]) -> None:
    for name in modules:
        importlib.import_module(name)
    watches: dict[str, Watch] = {}
    print('ready', flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        if order['watch'] not in watches:  # a user has few of them
            watches[order['watch']] = Watch(order['watch'])
        watch = watches[order['watch']]
        watch.opened()
        answer = _run(order)
        print(json.dumps({**answer, 'opened': watch.opened()}), flush=True)


def _run(order: dict) -> dict:
    begun = time.monotonic()
    child = os.fork()
    if not child:
        _command(order)
    until = begun + order['limit_s']
    while True:
        done, status, used = os.wait4(child, os.WNOHANG)
        if done or time.monotonic() > until:
            break
        time.sleep(0.01)
    code: int | None = os.waitstatus_to_exitcode(status) if done else None
    if not done:
        os.kill(child, signal.SIGKILL)
        used = os.wait4(child, 0)[2]
    cpu_s = used.ru_utime + used.ru_stime
    return {'code': code, 'wall_s': time.monotonic() - begun, 'cpu_s': cpu_s, 'mib': used.ru_maxrss / 1024}


def _command(order: dict) -> None:
    """Be a command, in a process that nobody else has; never returns."""
    code = 99
    try:
        out = os.open(order['out'], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (out, 1), (out, 2)):
            os.dup2(source, target)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.chdir(Path(order['out']).parent)
        sys.argv = ['genima', *order['argv']]
        from genima.cli.main import main

        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 98
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == '__main__':
    serve(sys.argv[1:])
