# SPDX-License-Identifier: Apache-2.0
"""One fault, and what has to happen."""

from collections.abc import Callable
from dataclasses import dataclass

from genima_bringup.faults.streams import StreamFault

GRAPH, IN_PROCESS = 'graph', 'in-process'


@dataclass(frozen=True)
class FaultCase:
    """One fault and what has to happen.

    Attributes:
        name: Where, and what.
        link: The stream that it is put into.
        stream: Makes the fault of that stream.
        processes: Nodes that get `signal`.
        signal: SIGKILL (they are started again afterwards) or SIGSTOP (they go on).
        service: Something else that the graph is told: 'restart_controller' or 'e_stop'.
        calls: Services of the guard that an operator calls in random order, a hundred times a second.
        rival: Link whose topic gets a second publisher; `stream` says what the first one's messages become.
        twin: A second simulator says what it thinks.
        late: Where in its work the guard is held up, and for how long [s].
        random: Faults are drawn from all others, one after another.
        seconds: How long the fault lasts, in ROS time.
        stops: Whether the arm has to come to rest, and stay there until the fault ends.
        lost_after_s: When what motion needs counts as lost, after the fault begins.
        latches: Whether somebody has to reset and arm the guard afterwards.
        transports: Where it is tried: on a whole graph over DDS, or on the guard's node in one process without DDS.
    """

    name: str
    link: str = ''
    stream: Callable[[], StreamFault] | None = None
    processes: tuple[str, ...] = ()
    signal: int = 0
    service: str = ''
    calls: tuple[str, ...] = ()
    rival: str = ''
    twin: bool = False
    late: tuple[str, float] | None = None
    random: bool = False
    seconds: float = 1.5
    stops: bool = False
    lost_after_s: float = 0.0
    latches: bool = False
    transports: tuple[str, ...] = (IN_PROCESS,)
