# SPDX-License-Identifier: Apache-2.0
"""The faults that the arm has to survive, as a table."""

import math
from collections.abc import Callable
from signal import SIGKILL, SIGSTOP

from genima_bringup.faults import streams
from genima_bringup.faults.case import GRAPH, IN_PROCESS, FaultCase
from genima_bringup.faults.guard_cases import guard_cases
from genima_bringup.faults.streams import StreamFault

# What the inputs may be before they count as lost, in the stack's own parameters and the policy's contract.
OLD_TARGET_S = 0.6  # a target is used until it is 0.5 s old, for the chunk of the next tick
FROZEN_S = 0.7  # a picture may repeat for 0.25 s while the arm moves 0.05 rad, and is painted up to 0.35 s later
# a target comes up to 0.35 s after the last one and is used at the next tick; three checks, 0.1 s apart, hold the arm
CHECKED_S = 0.75
SILENT_S = 0.2  # an age of 0.1 s counts as lost, and is looked at every 0.02 s while the clock is slow
POLICY = ('diffusion_node', 'act_node')
ON_BOTH = (  # one of each kind of what the guard reads and writes
    'joint_states: all lost', 'joint_states: a step of 0.5 rad', 'action_chunk: NaN', 'action_chunk: old ones again',
    'joint_trajectory: a fifth lost', 'controller_state: all lost',
)  # fmt: skip


def _stream(
    link: str, what: str, stream: Callable[[], StreamFault], stops: bool = False, lost_after_s: float = 0.0
) -> FaultCase:
    name = f'{link}: {what}'
    where: tuple[str, ...] = (GRAPH,) if link in ('target_image', 'front camera') else (IN_PROCESS,)
    where = (GRAPH, IN_PROCESS) if name in ON_BOTH else where
    return FaultCase(name, link, stream, stops=stops, lost_after_s=lost_after_s, transports=where)


def _process(what: str, number: int, *nodes: str, lost_after_s: float = 0.0) -> FaultCase:
    seconds = 2.0
    return FaultCase(
        what, processes=nodes, signal=number, seconds=seconds, stops=True, lost_after_s=lost_after_s, transports=(GRAPH,)
    )


JOINT_STATES = (
    _stream('joint_states', 'all lost', lambda: streams.dropped(1.0), True, SILENT_S),
    _stream('joint_states', 'a third lost', lambda: streams.dropped(0.3)),
    _stream('joint_states', '50 ms late', lambda: streams.delayed(0.05, 0.05)),
    _stream('joint_states', '300 ms late', lambda: streams.delayed(0.3, 0.3), True, SILENT_S),
    _stream('joint_states', 'out of order', lambda: streams.delayed(0.0, 0.06)),
    _stream('joint_states', 'twice', lambda: streams.repeated(2)),
    _stream('joint_states', 'old ones again', streams.replayed),
    _stream('joint_states', 'flood', lambda: streams.repeated(20)),
    _stream('joint_states', 'a joint missing', streams.without_joint, True, SILENT_S),
    _stream('joint_states', 'in changing order', streams.permuted),
    _stream('joint_states', 'a step of 0.5 rad', lambda: streams.joint_value(None, add=0.5), True, SILENT_S),
    _stream('joint_states', 'NaN', lambda: streams.joint_value(math.nan), True, SILENT_S),
    _stream('joint_states', 'infinite', lambda: streams.joint_value(math.inf), True, SILENT_S),
    _stream('joint_states', 'frozen', streams.frozen),
    _stream('joint_states', 'stamps 0.5 s old', lambda: streams.stamped(-0.5, -0.5), True, SILENT_S),
    _stream('joint_states', 'stamps 0.5 s ahead', lambda: streams.stamped(0.5, 0.5), True, SILENT_S),
    _stream('joint_states', 'stamps 10 s ahead', lambda: streams.stamped(10.0, 10.0), True, SILENT_S),
    _stream('joint_states', 'stamps jump', lambda: streams.stamped(-0.2, 0.2)),
)
TARGET_IMAGE = (
    _stream('target_image', 'all lost', lambda: streams.dropped(1.0), True, OLD_TARGET_S),
    _stream('target_image', 'half lost', lambda: streams.dropped(0.5)),
    _stream('target_image', '200 ms late', lambda: streams.delayed(0.2, 0.2)),
    _stream('target_image', 'out of order', lambda: streams.delayed(0.0, 0.3)),
    _stream('target_image', 'twice', lambda: streams.repeated(2)),
    _stream('target_image', 'old ones again', streams.replayed),
    _stream('target_image', 'flood', lambda: streams.repeated(20)),
    _stream('target_image', 'noise for pixels', lambda: streams.image_noise('image'), True, CHECKED_S),
    _stream('target_image', 'cut short', lambda: streams.half_image('image'), True, OLD_TARGET_S),
    _stream('target_image', 'of another policy', streams.other_contract, True, SILENT_S),
    _stream('target_image', 'stamps 1 s old', lambda: streams.stamped(-1.0, -1.0), True, SILENT_S),
    _stream('target_image', 'stamps 0.5 s ahead', lambda: streams.stamped(0.5, 0.5)),
    _stream('target_image', 'stamps jump', lambda: streams.stamped(-0.3, 0.3)),
)
ACTION_CHUNK = (
    _stream('action_chunk', 'all lost', lambda: streams.dropped(1.0), True),
    _stream('action_chunk', 'a third lost', lambda: streams.dropped(0.3)),
    _stream('action_chunk', '50 ms late', lambda: streams.delayed(0.05, 0.05)),
    _stream('action_chunk', '600 ms late', lambda: streams.delayed(0.6, 0.6), True),
    _stream('action_chunk', 'out of order', lambda: streams.delayed(0.0, 0.3)),
    _stream('action_chunk', 'twice', lambda: streams.repeated(2)),
    _stream('action_chunk', 'old ones again', streams.replayed),
    _stream('action_chunk', 'flood', lambda: streams.repeated(50)),
    _stream('action_chunk', 'NaN', lambda: streams.chunk_point(math.nan), True),
    _stream('action_chunk', 'infinite', lambda: streams.chunk_point(math.inf), True),
    _stream('action_chunk', 'a spike of 0.5 rad', lambda: streams.chunk_point(None, add=0.5)),
    _stream('action_chunk', 'noise of 50 mrad', lambda: streams.chunk_noise(0.05)),
    _stream('action_chunk', 'of another policy', streams.other_contract, True),
    _stream('action_chunk', 'of another robot', streams.other_joints, True),
    _stream('action_chunk', 'cut short', streams.truncated_chunk, True),
    _stream('action_chunk', 'stamps 1 s old', lambda: streams.stamped(-1.0, -1.0), True),
    _stream('action_chunk', 'stamps 0.5 s ahead', lambda: streams.stamped(0.5, 0.5), True),
    _stream('action_chunk', 'stamps jump', lambda: streams.stamped(-0.3, 0.3)),
)
CAMERA = (
    _stream('front camera', 'all lost', lambda: streams.dropped(1.0), True, OLD_TARGET_S),
    _stream('front camera', 'frozen', streams.frozen, True, FROZEN_S),
    _stream('front camera', '40 ms late', lambda: streams.delayed(0.04, 0.04)),
    _stream('front camera', 'black', streams.black_image),
    _stream('front camera', 'cut short', streams.half_image, True, OLD_TARGET_S),
    _stream('front camera', 'stamps 1 s old', lambda: streams.stamped(-1.0, -1.0), True, OLD_TARGET_S),
    _stream('front camera', 'stamps 10 s ahead', lambda: streams.stamped(10.0, 10.0), True, OLD_TARGET_S),
)
ROBOT_CONTROLLER = (
    _stream('joint_trajectory', 'all lost', lambda: streams.dropped(1.0), True),
    _stream('joint_trajectory', 'a fifth lost', lambda: streams.dropped(0.2)),
    _stream('joint_trajectory', '40 ms late', lambda: streams.delayed(0.04, 0.04)),
    _stream('joint_trajectory', 'twice', lambda: streams.repeated(2)),
    _stream('controller_state', 'all lost', lambda: streams.dropped(1.0), True, SILENT_S),
)
OPERATOR_AND_PROCESSES = (
    FaultCase('robot controller: restarted', service='restart_controller', seconds=0.3, transports=(GRAPH, IN_PROCESS)),
    FaultCase('emergency stop: pressed', service='e_stop', stops=True, latches=True, transports=(GRAPH, IN_PROCESS)),
    _process('painter: killed', SIGKILL, 'diffusion_node', lost_after_s=OLD_TARGET_S),
    _process('controller: killed', SIGKILL, 'act_node'),
    _process('guard: killed', SIGKILL, 'guard_node'),
    _process('painter: stopped for 2 s', SIGSTOP, 'diffusion_node', lost_after_s=OLD_TARGET_S),
    _process('controller: stopped for 2 s', SIGSTOP, 'act_node'),
    _process('guard: stopped for 2 s', SIGSTOP, 'guard_node'),
    _process('painter and controller: a stall of 2 s', SIGSTOP, *POLICY),
)


def fault_cases() -> tuple[FaultCase, ...]:
    """Return all cases."""
    streams_of_messages = JOINT_STATES + TARGET_IMAGE + ACTION_CHUNK + CAMERA + ROBOT_CONTROLLER
    return streams_of_messages + OPERATOR_AND_PROCESSES + guard_cases()
