# SPDX-License-Identifier: Apache-2.0
"""Faults of what the guard itself trusts: its clock, each joint, who else is there, its own computer, and the operator."""

from collections.abc import Callable
from functools import partial

from genima_bringup.faults import streams
from genima_bringup.faults.case import GRAPH, IN_PROCESS, FaultCase
from genima_bringup.faults.garbage import between, spoiled
from genima_bringup.faults.streams import StreamFault, joint_value, sometimes

TOLD_S = 0.03  # the clock tells every 0.005 s, and the guard looks at it every 0.02 s
SEEN_S = 0.05  # a joint state comes every 0.01 s, and the guard looks every 0.02 s
LOOKED_S = 0.55  # who publishes is looked at every half second
ARM_JOINTS = 6  # those of the smallest arm
CLOCK, BOTH = 'clock of the guard', (GRAPH, IN_PROCESS)
OFFSETS_S = (0.02, 0.04, 0.06, 0.08, 0.1, 0.15)
OFF_RAD = (0.05, 0.1, 0.2, 0.4)
LATE_S = (0.1, 0.25, 0.5, 1.0)
POINTS = (
    'reading joints', 'reading the controller', 'before judging', 'after judging', 'before watching', 'after watching',
    'telling',
)  # fmt: skip
RIVALS = {
    'joint_states': partial(joint_value, None, add=0.1), 'controller_state': streams.frozen,
    'action_chunk': partial(streams.chunk_noise, 0.05), 'target_image': partial(streams.stamped, -0.1, -0.1),
    'clock of the guard': partial(streams.clock_set, 0.3), 'joint_trajectory': None, 'gripper/command': None,
}  # fmt: skip
"""What the second publisher of each stream says; None: nothing, it is only there."""
CALLS = ('arm', 'disarm', 'stop', 'reset')


def _clocks() -> list[FaultCase]:
    found = [
        FaultCase(f'{CLOCK}: {1e3 * offset_s:+.0f} ms', CLOCK, partial(streams.clock_set, offset_s), seconds=2.5)
        for offset_s in (sign * size for size in OFFSETS_S for sign in (-1, 1))
    ]
    found += [
        FaultCase(f'{CLOCK}: {1e2 * share:+.1f} %', CLOCK, partial(streams.clock_drifting, share), seconds=6.0)
        for share in (-0.01, -0.003, 0.003, 0.01)
    ]
    found += [
        FaultCase(f'{CLOCK}: steps of {1e3 * by_s:+.0f} ms', CLOCK, partial(streams.clock_stepping, by_s, 0.6), seconds=3.0)
        for by_s in (-0.3, -0.06, 0.06, 0.3)
    ]
    found.append(FaultCase(f'{CLOCK}: jitter of 80 ms', CLOCK, partial(streams.clock_jittering, 0.08), seconds=2.5))
    for by_s, what in ((1.0, '1 s ahead'), (-1.0, '1 s behind')):
        stream = partial(streams.clock_set, by_s)
        found.append(FaultCase(f'{CLOCK}: {what}', CLOCK, stream, stops=True, lost_after_s=TOLD_S))
    return found


def _joints() -> list[FaultCase]:
    found = []
    for joint in range(ARM_JOINTS):
        for add in (OFF_RAD[joint % 4], -OFF_RAD[(joint + 2) % 4]):
            found.append(_joint_case(f'joint {joint + 1} {add:+.2f} rad', partial(joint_value, None, joint, add)))
        add = OFF_RAD[(joint + 1) % 4]

        def now_and_then(joint: int = joint, add: float = add) -> StreamFault:
            return sometimes(joint_value(None, joint, add))

        found.append(_joint_case(f'joint {joint + 1} {add:+.2f} rad, half of the time', now_and_then))
    for one, other, add in ((0, 3, 0.1), (1, 2, -0.2), (3, 5, 0.4)):

        def two(one: int = one, other: int = other, add: float = add) -> StreamFault:
            first, second = joint_value(None, one, add), joint_value(None, other, -add)
            return lambda message, rng: second(first(message, rng)[0][1], rng)

        found.append(_joint_case(f'joints {one + 1} and {other + 1} by {add:.1f} rad', two))
    return found


def _joint_case(what: str, stream: Callable[[], StreamFault]) -> FaultCase:
    return FaultCase(f'joint_states: {what}', 'joint_states', stream, stops=True, lost_after_s=SEEN_S)


def _rivals() -> list[FaultCase]:
    found = []
    for link, said in RIVALS.items():
        stream = None if said is None else lambda said=said: streams.beside(said())  # type: ignore[misc]
        name = f'second publisher: {"/clock" if link == CLOCK else link}'
        where = BOTH if link in ('joint_states', 'action_chunk', CLOCK) else (IN_PROCESS,)
        source = link if stream else ''
        found.append(
            FaultCase(
                name, source, stream, rival=link, stops=True, lost_after_s=LOOKED_S, latches=True, transports=where
            )
        )
    twin = FaultCase('two simulators', twin=True, seconds=2.0, stops=True, lost_after_s=LOOKED_S, latches=True)
    return [*found, twin]


def guard_cases() -> tuple[FaultCase, ...]:
    """Return all of them."""
    late = [FaultCase(f'guard late by {s:g} s: {at}', late=(at, s), seconds=3.0) for at in POINTS for s in LATE_S]
    malformed = []
    # what is changed between the guard and the robot's controller is the business of limits there
    for link in ('joint_states', 'controller_state', 'action_chunk', 'target_image', 'front camera', CLOCK):
        where = (GRAPH,) if link in ('target_image', 'front camera') else (IN_PROCESS,)
        malformed.append(FaultCase(f'malformed: {link}, between good ones', link, between, transports=where))
        malformed.append(FaultCase(f'malformed: every {link}', link, spoiled, transports=where))
    operator = [
        FaultCase(f'operator: {what} at 100 Hz', calls=calls, seconds=1.0, latches=True, transports=where)
        for what, calls, where in (
            *((call, (call,), (IN_PROCESS,)) for call in CALLS),
            ('disarm and arm', ('disarm', 'arm'), (IN_PROCESS,)),
            ('stop, reset and arm', ('stop', 'reset', 'arm'), (IN_PROCESS,)),
            ('arm, disarm, stop and reset', CALLS, BOTH),
        )
    ]
    drawn = [
        FaultCase(f'random faults for {seconds:.0f} s', random=True, seconds=seconds, latches=True)
        for seconds in (30.0, 600.0)
    ]
    nothing = FaultCase('no fault')
    return (*_clocks(), *_joints(), *_rivals(), *late, *malformed, *operator, *drawn, nothing)
