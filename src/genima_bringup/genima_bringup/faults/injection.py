# SPDX-License-Identifier: Apache-2.0
"""Puts a fault into a bench, and takes it out again."""

from collections.abc import Callable
from typing import Any

import numpy as np
from rclpy.node import Node
from std_msgs.msg import Bool

from genima_bringup.faults.bench import Bench, SimulatedRobot
from genima_bringup.faults.case import IN_PROCESS, FaultCase
from genima_bringup.faults.detour import links

HELD_UP_EVERY_S = 0.7
CALL_TICKS = 2
OTHER_SEED = 4711
BEHIND_S = 0.7  # the second simulator began later
PAUSE_S, DRAWN_S = (0.05, 1.5), (0.1, 1.5)


class Injection:
    """One fault in a bench.

    Args:
        bench: that runs.
        case: what goes wrong.
        rng: decides about everything.
        pool: What random faults are drawn from.
    """

    def __init__(self, bench: Bench, case: FaultCase, rng: np.random.Generator, pool: tuple[FaultCase, ...] = ()) -> None:
        self._bench, self._case, self._rng = bench, case, rng
        self._pool = [each for each in pool if IN_PROCESS in each.transports and not (each.random or each.twin)]
        self._undo: list[Callable[[], None]] = []
        self._drawn: Injection | None = None
        self._change_s = 0.0

    def begin(self) -> None:
        """Put it in."""
        bench, case = self._bench, self._case
        if case.stream is not None:
            topic = _topic(case.link, bench.controller)
            bench.wires.faults[topic] = case.stream(), self._rng
            self._undo.append(lambda: bench.wires.faults.pop(topic, None) and None)
        if case.rival:
            self._undo.append(_second_publisher(case.rival, bench.controller))
        if case.service == 'e_stop':
            self._press(True)
            self._undo.append(lambda: self._press(False))
        elif case.service:
            bench.robot.restart_controller(bench.now_s)
        if case.late is not None:
            self._hold_up(*case.late)
        if case.calls:
            bench.beside(self._call)
        if case.twin:
            self._start_twin()
        if case.random:
            bench.beside(self._draw)
            self._undo.append(lambda: self._drawn.end() if self._drawn else None)

    def end(self) -> None:
        """Take it out."""
        if not (self._case.late or self._case.stream or self._case.rival or self._case.service):
            self._bench.alone()
        for undo in reversed(self._undo):
            undo()
        self._undo.clear()

    def _press(self, pressed: bool) -> None:
        self._bench.wires.send('/e_stop', Bool(data=pressed))

    def _call(self, now_s: float, tick: int) -> None:
        if tick % CALL_TICKS == 0:
            self._bench.guard.call(str(self._rng.choice(self._case.calls)))

    def _start_twin(self) -> None:
        """Let a second simulator of the same robot say what it thinks, to everybody."""
        bench = self._bench
        twin = SimulatedRobot(bench.robot.simulation.profile, bench.controller, 'another_sim_node')
        twin.join(bench.wires, OTHER_SEED, BEHIND_S)
        bench.beside(lambda now_s, tick: twin.step(now_s, tick, BEHIND_S))
        self._undo.append(twin.node.destroy_node)

    def _draw(self, now_s: float, tick: int) -> None:
        """End one random fault and begin another, with a pause in between now and then."""
        if now_s < self._change_s:
            return
        if self._drawn is not None:
            self._drawn.end()
            self._drawn = None
            self._change_s = now_s + float(self._rng.uniform(*PAUSE_S))
            return
        self._bench.rearm()
        case = self._pool[int(self._rng.integers(len(self._pool)))]
        self._drawn = Injection(self._bench, case, self._rng)
        self._drawn.begin()
        self._change_s = now_s + float(self._rng.uniform(*DRAWN_S))

    def _hold_up(self, point: str, late_s: float) -> None:
        """Have the guard wait somewhere in its work while the robot goes on."""
        node = self._bench.guard.node
        owner, name, before = _points(node)[point]
        work = getattr(owner, name)
        next_s = self._bench.now_s

        def held_up(*args: Any, **kwargs: Any) -> Any:
            nonlocal next_s
            wait = self._bench.now_s >= next_s
            if wait:
                next_s = self._bench.now_s + late_s + HELD_UP_EVERY_S
            if wait and before:
                self._bench.run(late_s)
            result = work(*args, **kwargs)
            if wait and not before:
                self._bench.run(late_s)
            return result

        setattr(owner, name, held_up)
        self._undo.append(lambda: delattr(owner, name))


def _points(node: Any) -> dict[str, tuple[Any, str, bool]]:
    """Return where a guard can be held up: object, method, and whether before its work or after."""
    guard, reports = node._guard, node._reports
    return {
        'reading joints': (guard, 'observe_joints', True),
        'reading the controller': (guard, 'observe_controller', True),
        'before judging': (guard, 'accept_chunk', True),
        'after judging': (guard, 'accept_chunk', False),
        'before watching': (guard, 'tick', True),
        'after watching': (guard, 'tick', False),
        'telling': (reports, 'tick', True),
    }


def _topic(link: str, controller: str) -> str:
    return f'/{links(controller)[link].source.lstrip("/")}'


def _second_publisher(link: str, controller: str) -> Callable[[], None]:
    """Let another node publish on the topic of a link; return what ends that."""
    stream = links(controller)[link]
    intruder = Node('intruder')
    intruder.create_publisher(stream.kind, stream.source, stream.qos)
    return intruder.destroy_node
