# SPDX-License-Identifier: Apache-2.0
"""What can happen to a message on its way: each fault turns one message into those that arrive, and when."""

from array import array
from collections import deque
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
from genima_ros.conversions.messages import seconds, stamp

# (delay [s] of ROS time, message)
Arrivals = list[tuple[float, Any]]
StreamFault = Callable[[Any, np.random.Generator], Arrivals]
Change = Callable[[Any, np.random.Generator], None]

REPLAYED_S = 0.5


def dropped(share: float) -> StreamFault:
    """Lose this share of the messages."""
    return lambda message, rng: [] if rng.random() < share else [(0.0, message)]


def delayed(low_s: float, high_s: float) -> StreamFault:
    """Let each message wait; with a wide span they overtake each other."""
    return lambda message, rng: [(float(rng.uniform(low_s, high_s)), message)]


def repeated(times: int) -> StreamFault:
    """Deliver each message so many times."""
    return lambda message, rng: [(0.0, message)] * times


def replayed() -> StreamFault:
    """After each message, deliver one of half a second ago again."""
    old: deque[Any] = deque()

    def fault(message: Any, rng: np.random.Generator) -> Arrivals:
        old.append(message)
        while seconds(message.header.stamp) - seconds(old[0].header.stamp) > REPLAYED_S:
            old.popleft()
        return [(0.0, message), (0.01, old[0])]

    return fault


def changed(change: Change) -> StreamFault:
    """Change a copy of each message."""

    def fault(message: Any, rng: np.random.Generator) -> Arrivals:
        copy = deepcopy(message)
        change(copy, rng)
        return [(0.0, copy)]

    return fault


def stamped(low_s: float, high_s: float) -> StreamFault:
    """Move each stamp by something between these."""

    def change(message: Any, rng: np.random.Generator) -> None:
        message.header.stamp = stamp(max(0.0, seconds(message.header.stamp) + float(rng.uniform(low_s, high_s))))

    return changed(change)


def clock_set(by_s: float) -> StreamFault:
    """Run a clock ahead or behind."""

    def change(message: Any, rng: np.random.Generator) -> None:
        message.clock = stamp(max(0.0, seconds(message.clock) + by_s))

    return changed(change)


def clock_drifting(share: float) -> StreamFault:
    """Run a clock too fast by this share, too slow where it is negative."""
    began: list[float] = []

    def change(message: Any, rng: np.random.Generator) -> None:
        now_s = seconds(message.clock)
        began.append(now_s) if not began else None
        message.clock = stamp(now_s + share * (now_s - began[0]))

    return changed(change)


def clock_jittering(span_s: float) -> StreamFault:
    """Run a clock ahead by something between nothing and this, another at each message."""

    def change(message: Any, rng: np.random.Generator) -> None:
        message.clock = stamp(seconds(message.clock) + float(rng.uniform(0.0, span_s)))

    return changed(change)


def clock_stepping(by_s: float, every_s: float) -> StreamFault:
    """Set a clock to and fro."""

    def change(message: Any, rng: np.random.Generator) -> None:
        now_s = seconds(message.clock)
        message.clock = stamp(max(0.0, now_s + by_s * (int(now_s / every_s) % 2)))

    return changed(change)


def sometimes(fault: StreamFault, share: float = 0.5) -> StreamFault:
    """Put a fault into this share of the messages."""
    return lambda message, rng: fault(message, rng) if rng.random() < share else [(0.0, message)]


def beside(fault: StreamFault) -> StreamFault:
    """Deliver each message as it is, and after it what a fault makes of it, as from somebody else."""
    return lambda message, rng: [(0.0, message), *((0.003 + delay_s, other) for delay_s, other in fault(message, rng))]


def frozen() -> StreamFault:
    """Repeat the content of the first message, with new stamps."""
    first: list[Any] = []

    def fault(message: Any, rng: np.random.Generator) -> Arrivals:
        if not first:
            first.append(message)
        copy = deepcopy(first[0])
        copy.header.stamp = message.header.stamp
        return [(0.0, copy)]

    return fault


def joint_value(value: float | None, joint: int = 2, add: float = 0.0) -> StreamFault:
    """Put a value in the place of one joint's position, or add something to it."""

    def change(message: Any, rng: np.random.Generator) -> None:
        positions = list(message.position)
        positions[joint] = positions[joint] + add if value is None else value
        message.position = array('d', positions)

    return changed(change)


def without_joint(joint: int = 3) -> StreamFault:
    """Leave a joint out."""

    def change(message: Any, rng: np.random.Generator) -> None:
        keep = [i for i in range(len(message.name)) if i != joint]
        _reorder(message, keep)

    return changed(change)


def permuted() -> StreamFault:
    """Send the joints in another order each time, names and all."""
    return changed(lambda message, rng: _reorder(message, rng.permutation(len(message.name)).tolist()))


def _reorder(message: Any, order: list[int]) -> None:
    for name in ('name', 'position', 'velocity', 'effort'):
        values = getattr(message, name)
        if len(values):
            kept = [values[i] for i in order]
            setattr(message, name, kept if name == 'name' else array('d', kept))


def chunk_point(value: float | None, add: float = 0.0, point: int = 4, joint: int = 3) -> StreamFault:
    """Put a value into one point of a chunk, or add something to it."""

    def change(message: Any, rng: np.random.Generator) -> None:
        positions = list(message.points[point].positions)
        positions[joint] = positions[joint] + add if value is None else value
        message.points[point].positions = array('d', positions)

    return changed(change)


def chunk_noise(sigma_rad: float) -> StreamFault:
    """Add noise to every number of a chunk."""

    def change(message: Any, rng: np.random.Generator) -> None:
        for point in message.points:
            positions = np.asarray(point.positions)
            point.positions = array('d', (positions + rng.normal(0.0, sigma_rad, len(positions))).tolist())

    return changed(change)


def truncated_chunk(points: int = 2) -> StreamFault:
    """Keep only the first points."""

    def change(message: Any, rng: np.random.Generator) -> None:
        message.points = message.points[:points]

    return changed(change)


def other_joints() -> StreamFault:
    """Rename the joints, as of another robot."""

    def change(message: Any, rng: np.random.Generator) -> None:
        message.joint_names = [f'other_{name}' for name in message.joint_names]

    return changed(change)


def other_contract() -> StreamFault:
    """Claim that the message is of another policy."""

    def change(message: Any, rng: np.random.Generator) -> None:
        message.contract = '0123456789abcdef'

    return changed(change)


def image_noise(field: str | None = None) -> StreamFault:
    """Replace every pixel by noise; `field` holds the image, None: the message is one."""

    def change(message: Any, rng: np.random.Generator) -> None:
        image = getattr(message, field) if field else message
        image.data = array('B', rng.integers(0, 256, len(image.data), dtype=np.uint8).tobytes())

    return changed(change)


def black_image() -> StreamFault:
    """Put the lens cap on."""

    def change(message: Any, rng: np.random.Generator) -> None:
        message.data = array('B', bytes(len(message.data)))

    return changed(change)


def half_image(field: str | None = None) -> StreamFault:
    """Cut the pixels short; `field` holds the image, None: the message is one."""

    def change(message: Any, rng: np.random.Generator) -> None:
        image = getattr(message, field) if field else message
        image.data = array('B', bytes(image.data)[: len(image.data) // 2])

    return changed(change)
