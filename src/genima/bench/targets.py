# SPDX-License-Identifier: Apache-2.0
"""By how much do painted target and chunk differ when all is well, and when something is wrong?

The limit of the guard's target check has to lie between the two. Held-out views are painted and acted on; then the chunk
is compared with the target that it came from, and with each kind of mistake that the check is there to catch.
"""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from genima.cameras.model import MountedCamera
from genima.chunks.plan import Chunk
from genima.guard.target_check import TargetCheck, check_target
from genima.policy.local import LocalPolicy
from genima.robots.transforms import axis_generators, rotation_about
from genima.train.samples import Samples, load_samples

WRONG_TURN_RAD = 0.1
WRONG_CAMERA_RAD = 0.1
AGREES = 'all is well'


def measure_targets(policy: LocalPolicy, data: Path | str, moments: int = 150, seed: int = 0) -> dict[str, list[float]]:
    """Return the distances [m] between target and chunk by kind of situation; infinite where no sphere was located.

    Args:
        policy: Painter and controller.
        data: Episodes that they have not seen.
        moments: How many, spread over all episodes.
        seed: Of what is mixed up with what.
    """
    samples = load_samples(data, policy.spec, policy.profile)
    rng = np.random.default_rng(seed)
    chosen = np.unique(np.linspace(0, len(samples) - 1, moments).astype(int))
    targets = {
        index: policy.painter.paint(samples.views[index], samples.instruction_of(index)) for index in map(int, chosen)
    }
    distances: dict[str, list[float]] = defaultdict(list)
    for index, target in targets.items():
        chunk = _act(policy, samples, index, target)
        other = int(rng.choice([each for each in targets if each != index]))
        turned = replace(chunk, q_rad=chunk.q_rad + np.eye(policy.profile.n_joints)[0] * WRONG_TURN_RAD)
        cameras = samples.cameras_of(index)
        wrong = _act(policy, samples, other, targets[other])
        for name, check in {
            AGREES: _check(policy, samples, index, target, chunk, cameras),
            'chunk of another scene': _check(policy, samples, index, target, wrong, cameras),
            f'chunk turned by {WRONG_TURN_RAD} rad': _check(policy, samples, index, target, turned, cameras),
            f'cameras turned by {WRONG_CAMERA_RAD} rad': _check(
                policy, samples, index, target, chunk, _turned(cameras)
            ),
            'views mixed up': _check(policy, samples, index, np.roll(target, 1, axis=0), chunk, cameras),
        }.items():
            distances[name].append(float('inf') if check.distance_m is None else check.distance_m)
    return dict(distances)


def summary(distances: dict[str, list[float]], limit_m: float) -> list[dict[str, Any]]:
    """Return one row per situation: percentiles in millimetres (None where no sphere was located), share above the limit."""
    rows = []
    for name, values in distances.items():
        at = (1e3 * float(np.percentile(values, p, method='nearest')) for p in (50, 95, 99))
        p50, p95, p99 = (value if np.isfinite(value) else None for value in at)  # JSON knows no infinity
        held = float(np.mean(np.array(values) > limit_m))
        rows.append({'situation': name, 'p50 mm': p50, 'p95 mm': p95, 'p99 mm': p99, 'share above the limit': held})
    return rows


def _act(policy: LocalPolicy, samples: Samples, index: int, target: np.ndarray) -> Chunk:
    return policy.controller.act(target, samples.q_rad[index], float(samples.gripper_open[index]), 0.0, stamp_s=0.0)


def _check(
    policy: LocalPolicy,
    samples: Samples,
    index: int,
    target: np.ndarray,
    chunk: Chunk,
    cameras: dict[str, MountedCamera],
) -> TargetCheck:
    return check_target(policy.spec, policy.profile, cameras, target, 0.0, samples.q_rad[index], chunk)


def _turned(cameras: dict[str, MountedCamera]) -> dict[str, MountedCamera]:
    turn = np.eye(4)
    turn[:3, :3] = rotation_about(axis_generators(np.array([0.0, 1.0, 0.0])), WRONG_CAMERA_RAD)
    return {name: replace(camera, T_parent_camera=camera.T_parent_camera @ turn) for name, camera in cameras.items()}
