# SPDX-License-Identifier: Apache-2.0
"""A simulated FR3 that speaks the FCI: the server of franka-sim, in a Python of its own.

franka-sim wants NumPy 1.26.4 and MuJoCo below 3.3; `GENIMA_FRANKA_SIM_PYTHON` names the Python that has it.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from genima.errors import GenimaError

PYTHON = 'GENIMA_FRANKA_SIM_PYTHON'
HOST, PORT, HAND_PORT = '127.0.0.1', 1337, 1338  # the protocol's own; libfranka knows no others
LIMITS = ('--enforce-motion-limits', '--enforce-comm-constraints')
READY_S, END_S = 60.0, 5.0
PRIORITY = 70  # below the control loop's
MISSING = (
    f'no franka-sim: python -m venv FOLDER && FOLDER/bin/pip install franka-sim==1.1.7, and {PYTHON}=FOLDER/bin/python'
    ' (it wants NumPy 1.26.4 and MuJoCo < 3.3, so it needs an environment of its own)'
)


def server_python() -> str | None:
    """Return the Python that has franka-sim; None: there is none."""
    python = os.environ.get(PYTHON, sys.executable)
    found = subprocess.run([python, '-c', 'import franka_sim.run_server'], capture_output=True, check=False)
    return python if found.returncode == 0 else None


class SimulatedFci:
    """Serves one arm and one hand on this computer, while it is used as a context manager.

    Args:
        options: of the server; by default limits of motion and of communication end a motion, as on the robot.
        object_width_m: of something between the fingers, so that a grasp holds it.
    """

    def __init__(self, options: Sequence[str] = LIMITS, object_width_m: float = 0.04) -> None:
        python = server_python()
        if python is None:
            raise GenimaError(MISSING)
        script = Path(__file__).with_name('sim_server.py')
        self._command = [python, str(script), '--gripper-object-width', str(object_width_m), *options]
        self._log = tempfile.NamedTemporaryFile('w+', prefix='franka-sim-', suffix='.log')  # noqa: SIM115 as long as this

    @property
    def log(self) -> str:
        """What the server said."""
        return Path(self._log.name).read_text(encoding='utf-8', errors='replace')

    def __enter__(self) -> 'SimulatedFci':
        """Start it, and wait until it listens.

        Raises:
            GenimaError: if it does not.
        """
        self._process = subprocess.Popen(self._command, stdout=self._log, stderr=self._log, start_new_session=True)
        with contextlib.suppress(OSError):  # a robot has a computer of its own; here others are busy, too
            os.sched_setscheduler(self._process.pid, os.SCHED_FIFO, os.sched_param(PRIORITY))
        end_s = time.monotonic() + READY_S
        while not all(_listens(port) for port in (PORT, HAND_PORT)):
            if self._process.poll() is not None or time.monotonic() > end_s:
                self._end()
                raise GenimaError(f'the simulated FCI does not start: {self.log[-2000:]}')
            time.sleep(0.1)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()

    def _end(self) -> None:
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _listens(port: int) -> bool:
    """Return whether a port is taken, without knocking at it: the server would take that for a client."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what an earlier server left behind does not count
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False
