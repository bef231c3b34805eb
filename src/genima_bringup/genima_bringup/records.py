# SPDX-License-Identifier: Apache-2.0
"""What was seen of a running graph, as plain data."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Views = NDArray[np.uint8]


@dataclass(frozen=True)
class Frame:
    """The cameras and the newest target image at one moment.

    Attributes:
        time_s: capture time since the start of the episode [s].
        views: camera views in the order of the contract, shape (V, H, W, 3).
        target: target views that the policy acted on then, shape (V, S, S, 3); `None` before the first.
    """

    time_s: float
    views: Views
    target: Views | None


@dataclass(frozen=True)
class ChunkRecord:
    """One chunk: times of its points in the episode (T,) [s], joints (T, n) [rad], gripper (T,) [0..1]."""

    time_s: Floats
    q_rad: Floats
    gripper_open: Floats


@dataclass
class EpisodeRecord:
    """One episode.

    Attributes:
        seed: of the scene.
        success: the task was done in time.
        timed_out: the wall-clock limit ended it, not the simulation.
        elapsed_s: simulated time it took [s].
        wall_s: wall time it took [s].
        measures: what the task measured at the end, by name.
        limits: worst share of each limit (position, velocity, acceleration, jerk) inside the robot's controller.
        joint_time_s: times of the joint states since the start, (T,) [s].
        q_rad: measured arm joints, (T, n) [rad].
        gripper_open: measured opening, (T,).
        objects: names of the task's objects.
        object_time_s: times of their poses, (M,) [s].
        object_pose: their poses in the robot base, (M, objects, 7): x y z [m], quaternion x y z w.
        chunks: all chunks of the episode.
        guard: reasons that the guard gave for not moving, with counts.
        frames: pictures, where they were asked for.
    """

    seed: int
    success: bool = False
    timed_out: bool = False
    elapsed_s: float = 0.0
    wall_s: float = 0.0
    measures: dict[str, float] = field(default_factory=dict)
    limits: dict[str, float] = field(default_factory=dict)
    joint_time_s: Floats = field(default_factory=lambda: np.zeros(0))
    q_rad: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    gripper_open: Floats = field(default_factory=lambda: np.zeros(0))
    objects: tuple[str, ...] = ()
    object_time_s: Floats = field(default_factory=lambda: np.zeros(0))
    object_pose: Floats = field(default_factory=lambda: np.zeros((0, 0, 7)))
    chunks: list[ChunkRecord] = field(default_factory=list)
    guard: dict[str, int] = field(default_factory=dict)
    frames: list[Frame] = field(default_factory=list)


@dataclass
class GraphRecord:
    """Everything since the monitor was made.

    Attributes:
        episodes: in the order in which they ran.
        chunk_arrivals_s: ROS time at which each chunk arrived here [s].
        chunk_published_s: ROS time at which act_node published it, by its own clock [s].
        timing_ms: `node.stage` -> milliseconds of every cycle.
        ticks: cycles of act_node since the first valid target image.
        ticks_without_input: of these, those without valid input.
        holds: times that simulated time waited for the policy.
        holds_given_up: of these, those that ended without an answer.
        target_distances_m: of each target check, between painted spheres and those of the chunk [m].
        targets_held: of these, those that held the arm.
    """

    episodes: list[EpisodeRecord] = field(default_factory=list)
    chunk_arrivals_s: list[float] = field(default_factory=list)
    chunk_published_s: list[float] = field(default_factory=list)
    timing_ms: dict[str, list[float]] = field(default_factory=dict)
    ticks: int = 0
    ticks_without_input: int = 0
    holds: int = 0
    holds_given_up: int = 0
    target_distances_m: list[float] = field(default_factory=list)
    targets_held: int = 0

    def period_errors_s(self, rate_hz: float) -> Floats:
        """Return how far each period between two chunks was from 1 / rate, as act_node's clock saw it [s]."""
        return np.diff(np.array(self.chunk_published_s)) - 1.0 / rate_hz
