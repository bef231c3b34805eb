# SPDX-License-Identifier: Apache-2.0
"""The faults that the arm has to survive, as a table."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from signal import SIGKILL, SIGSTOP

from genima_bringup.faults import streams
from genima_bringup.faults.streams import StreamFault

# What the inputs may be before they count as lost, in the stack's own parameters and the policy's contract.
OLD_TARGET_S = 0.6  # a target is used until it is 0.5 s old, for the chunk of the next tick
FROZEN_S = 0.7  # a picture may repeat for 0.25 s while the arm moves 0.05 rad, and is painted up to 0.35 s later
CHECKED_S = 0.7  # three checks in a row hold the arm; a target is up to 0.35 s old when it is used
SILENT_S = 0.2  # an age of 0.1 s counts as lost, and is looked at every 0.02 s while the clock is slow
POLICY = ('diffusion_node', 'act_node')


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
        seconds: How long the fault lasts, in ROS time.
        stops: Whether the arm has to come to rest, and stay there until the fault ends.
        lost_after_s: When what motion needs counts as lost, after the fault begins.
    """

    name: str
    link: str = ''
    stream: Callable[[], StreamFault] | None = None
    processes: tuple[str, ...] = ()
    signal: int = 0
    service: str = ''
    seconds: float = 1.5
    stops: bool = False
    lost_after_s: float = 0.0


def _stream(
    link: str, what: str, stream: Callable[[], StreamFault], stops: bool = False, lost_after_s: float = 0.0
) -> FaultCase:
    return FaultCase(f'{link}: {what}', link, stream, stops=stops, lost_after_s=lost_after_s)


def _process(what: str, number: int, *nodes: str, lost_after_s: float = 0.0) -> FaultCase:
    seconds = 2.0
    return FaultCase(what, processes=nodes, signal=number, seconds=seconds, stops=True, lost_after_s=lost_after_s)


def fault_cases() -> tuple[FaultCase, ...]:
    """Return all cases."""
    s = streams
    joints, target, chunk, camera = 'joint_states', 'target_image', 'action_chunk', 'front camera'
    command, state, clock = 'joint_trajectory', 'controller_state', 'clock of the guard'
    old, frozen, silent, checked = OLD_TARGET_S, FROZEN_S, SILENT_S, CHECKED_S
    return (
        _stream(joints, 'all lost', lambda: s.dropped(1.0), True, silent),
        _stream(joints, 'a third lost', lambda: s.dropped(0.3)),
        _stream(joints, '50 ms late', lambda: s.delayed(0.05, 0.05)),
        _stream(joints, '300 ms late', lambda: s.delayed(0.3, 0.3), True, silent),
        _stream(joints, 'out of order', lambda: s.delayed(0.0, 0.06)),
        _stream(joints, 'twice', lambda: s.repeated(2)),
        _stream(joints, 'old ones again', s.replayed),
        _stream(joints, 'flood', lambda: s.repeated(20)),
        _stream(joints, 'a joint missing', s.without_joint, True, silent),
        _stream(joints, 'in changing order', s.permuted),
        _stream(joints, 'a step of 0.5 rad', lambda: s.joint_value(None, add=0.5), True, silent),
        _stream(joints, 'NaN', lambda: s.joint_value(math.nan), True, silent),
        _stream(joints, 'infinite', lambda: s.joint_value(math.inf), True, silent),
        _stream(joints, 'frozen', s.frozen),
        _stream(joints, 'stamps 0.5 s old', lambda: s.stamped(-0.5, -0.5), True, silent),
        _stream(joints, 'stamps 0.5 s ahead', lambda: s.stamped(0.5, 0.5), True, silent),
        _stream(joints, 'stamps 10 s ahead', lambda: s.stamped(10.0, 10.0), True, silent),
        _stream(joints, 'stamps jump', lambda: s.stamped(-0.2, 0.2)),
        _stream(target, 'all lost', lambda: s.dropped(1.0), True, old),
        _stream(target, 'half lost', lambda: s.dropped(0.5)),
        _stream(target, '200 ms late', lambda: s.delayed(0.2, 0.2)),
        _stream(target, 'out of order', lambda: s.delayed(0.0, 0.3)),
        _stream(target, 'twice', lambda: s.repeated(2)),
        _stream(target, 'old ones again', s.replayed),
        _stream(target, 'flood', lambda: s.repeated(20)),
        _stream(target, 'noise for pixels', lambda: s.image_noise('image'), True, checked),
        _stream(target, 'cut short', lambda: s.half_image('image'), True, old),
        _stream(target, 'of another policy', lambda: s.other_contract('contract'), True, silent),
        _stream(target, 'stamps 1 s old', lambda: s.stamped(-1.0, -1.0), True, silent),
        _stream(target, 'stamps 0.5 s ahead', lambda: s.stamped(0.5, 0.5)),
        _stream(target, 'stamps jump', lambda: s.stamped(-0.3, 0.3)),
        _stream(chunk, 'all lost', lambda: s.dropped(1.0), True),
        _stream(chunk, 'a third lost', lambda: s.dropped(0.3)),
        _stream(chunk, '50 ms late', lambda: s.delayed(0.05, 0.05)),
        _stream(chunk, '600 ms late', lambda: s.delayed(0.6, 0.6), True),
        _stream(chunk, 'out of order', lambda: s.delayed(0.0, 0.3)),
        _stream(chunk, 'twice', lambda: s.repeated(2)),
        _stream(chunk, 'old ones again', s.replayed),
        _stream(chunk, 'flood', lambda: s.repeated(50)),
        _stream(chunk, 'NaN', lambda: s.chunk_point(math.nan), True),
        _stream(chunk, 'infinite', lambda: s.chunk_point(math.inf), True),
        _stream(chunk, 'a spike of 0.5 rad', lambda: s.chunk_point(None, add=0.5)),
        _stream(chunk, 'noise of 50 mrad', lambda: s.chunk_noise(0.05)),
        _stream(chunk, 'of another policy', lambda: s.other_contract('frame_id'), True),
        _stream(chunk, 'of another robot', s.other_joints, True),
        _stream(chunk, 'cut short', s.truncated_chunk, True),
        _stream(chunk, 'stamps 1 s old', lambda: s.stamped(-1.0, -1.0), True),
        _stream(chunk, 'stamps 0.5 s ahead', lambda: s.stamped(0.5, 0.5), True),
        _stream(chunk, 'stamps jump', lambda: s.stamped(-0.3, 0.3)),
        _stream(camera, 'all lost', lambda: s.dropped(1.0), True, old),
        _stream(camera, 'frozen', s.frozen, True, frozen),
        _stream(camera, '40 ms late', lambda: s.delayed(0.04, 0.04)),
        _stream(camera, 'black', s.black_image),
        _stream(camera, 'cut short', s.half_image, True, old),
        _stream(camera, 'stamps 1 s old', lambda: s.stamped(-1.0, -1.0), True, old),
        _stream(camera, 'stamps 10 s ahead', lambda: s.stamped(10.0, 10.0), True, old),
        _stream(command, 'all lost', lambda: s.dropped(1.0), True),
        _stream(command, 'a fifth lost', lambda: s.dropped(0.2)),
        _stream(command, '40 ms late', lambda: s.delayed(0.04, 0.04)),
        _stream(command, 'twice', lambda: s.repeated(2)),
        _stream(state, 'all lost', lambda: s.dropped(1.0), True, silent),
        _stream(clock, '1 s ahead', lambda: s.clock_set(1.0), True),
        _stream(clock, '1 s behind', lambda: s.clock_set(-1.0), True),
        FaultCase('robot controller: restarted', service='restart_controller', seconds=0.3),
        FaultCase('emergency stop: pressed', service='e_stop', stops=True),
        _process('painter: killed', SIGKILL, 'diffusion_node', lost_after_s=old),
        _process('controller: killed', SIGKILL, 'act_node'),
        _process('guard: killed', SIGKILL, 'guard_node'),
        _process('painter: stopped for 2 s', SIGSTOP, 'diffusion_node', lost_after_s=old),
        _process('controller: stopped for 2 s', SIGSTOP, 'act_node'),
        _process('guard: stopped for 2 s', SIGSTOP, 'guard_node'),
        _process('painter and controller: a stall of 2 s', SIGSTOP, *POLICY),
    )
