# SPDX-License-Identifier: Apache-2.0
"""What the controller is trained on: recorded and imagined motions, and moments drawn from them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from genima.cameras.model import MountedCamera
from genima.contract.spec import PolicySpec
from genima.episodes.index import list_demonstrations
from genima.episodes.store import read_episode
from genima.sim.imagine import imagine
from genima.train.fitting import check_fits, instruction_of
from genima.train.stored_views import rectified
from genima.train.workshop import OnProgress

FOLLOWED_RAD = 0.03
SHIFT_RAD = 0.03
AWAY_RAD = 0.015
"""How far off its plan the arm may be: the spheres say where to go, not where the arm happens to be."""
RECOVERY_STEPS = 3
STATE_NOISE_RAD = 0.002


@dataclass(frozen=True)
class ControllerData:
    """All steps of a dataset in arrays of N rows.

    Attributes:
        q_rad: (N, n) observed joints.
        gripper_open: (N,) observed opening.
        plan_q_rad: (N, C, n) intended joints of the next C steps.
        plan_gripper: (N, C) intended opening.
        oldest_age: (N,) how many steps after this one the recording still followed its plan; so old may the target be.
        usable: (M,) rows to learn from; the others are there because earlier ones lead to them.
        cameras: Cameras of the dataset, as the views have them: without lens distortion.
        instruction: (N,) what a row shows, as a place in `spec.instructions`.
    """

    q_rad: np.ndarray
    gripper_open: np.ndarray
    plan_q_rad: np.ndarray
    plan_gripper: np.ndarray
    oldest_age: np.ndarray
    usable: np.ndarray
    cameras: Mapping[str, MountedCamera]
    instruction: np.ndarray

    @classmethod
    def load(cls, dataset: Path | str, spec: PolicySpec) -> 'ControllerData':
        """Read the joints of every demonstration in a folder.

        Raises:
            DatasetError: if there is none, they do not fit, or their plans are too short for the contract.
        """
        episodes = [read_episode(path, images=False) for path in list_demonstrations(dataset)]
        needed = max(spec.horizon_steps, spec.chunk_steps + spec.max_target_age_steps)
        for path, episode in zip(list_demonstrations(dataset), episodes, strict=True):
            check_fits(episode, spec, path)
        plans = [episode.intended(needed) for episode in episodes]
        ages = [
            _oldest_age(episode.q_rad, q_rad, spec.max_target_age_steps)
            for episode, (q_rad, _) in zip(episodes, plans, strict=True)
        ]
        return cls(
            np.concatenate([episode.q_rad for episode in episodes]),
            np.concatenate([episode.gripper_open for episode in episodes]),
            np.concatenate([q_rad for q_rad, _ in plans]),
            np.concatenate([opening for _, opening in plans]),
            np.concatenate(ages),
            np.flatnonzero(~np.concatenate([episode.ignore for episode in episodes])),
            rectified(episodes[0].cameras),
            np.repeat([instruction_of(each.metadata, spec) for each in episodes], [len(each) for each in episodes]),
        )

    def with_imagined(self, robot: str, seeds: range, spec: PolicySpec, on_progress: OnProgress) -> 'ControllerData':
        """Return these data and one motion per seed of the expert from anywhere, see `genima.sim.imagine`.

        They are of the contract's own task and instruction.
        """
        motions = []
        for motion in imagine(robot, spec.task, seeds):
            motions.append(motion)
            on_progress('imagined motions', len(motions) / len(seeds), {})
        on_progress('imagined motions', 1.0, {})
        usable = np.arange(len(self.q_rad), len(self.q_rad) + sum(len(each.q_rad) for each in motions))
        rows = [np.minimum(np.arange(len(each.q_rad))[::-1], spec.max_target_age_steps) for each in motions]
        steps = self.plan_q_rad.shape[1]
        return replace(
            self,
            q_rad=np.concatenate([self.q_rad, *(each.q_rad for each in motions)]),
            gripper_open=np.concatenate([self.gripper_open, *(each.gripper_open for each in motions)]),
            plan_q_rad=np.concatenate([self.plan_q_rad, *(each.plan_q_rad[:, :steps] for each in motions)]),
            plan_gripper=np.concatenate([self.plan_gripper, *(each.plan_gripper[:, :steps] for each in motions)]),
            oldest_age=np.concatenate([self.oldest_age, *rows]),
            usable=np.concatenate([self.usable, usable]),
            instruction=np.concatenate([self.instruction, np.zeros(len(usable), dtype=self.instruction.dtype)]),
        )


@dataclass(frozen=True)
class Moments:
    """B moments: what the painter saw, what it meant, and what to do now.

    Attributes:
        seen_q_rad: (B, n) joints when the views were captured.
        target_q_rad: (B, n) where the spheres are, and target_gripper (B,) likewise.
        age_share: (B,) age of the target as a share of the oldest allowed.
        q_rad: (B, n) joints now; gripper_open (B,) likewise.
        chunk_q_rad: (B, T, n) and chunk_gripper (B, T): what to do from now on.
        instruction: (B,) in which words, as a place in `spec.instructions`.
    """

    seen_q_rad: np.ndarray
    target_q_rad: np.ndarray
    target_gripper: np.ndarray
    age_share: np.ndarray
    q_rad: np.ndarray
    gripper_open: np.ndarray
    chunk_q_rad: np.ndarray
    chunk_gripper: np.ndarray
    instruction: np.ndarray


def draw_moments(
    data: ControllerData, spec: PolicySpec, rng: np.random.Generator, size: int, clean: bool = False
) -> Moments:
    """Draw `size` moments; with `clean` as they were recorded.

    Otherwise half of the motions are shifted as a whole, spheres and chunk alike, and the arm is away from where the
    plan has it: the target stays, and the chunk leads back to the plan within RECOVERY_STEPS.
    """
    index = data.usable[rng.integers(0, len(data.usable), size)]
    age = rng.integers(0, data.oldest_age[index] + 1)
    scale, shape = (0.0 if clean else 1.0), (size, data.q_rad.shape[1])
    shift = scale * rng.normal(0.0, SHIFT_RAD, shape) * (rng.random((size, 1)) < 0.5)
    away = scale * rng.normal(0.0, AWAY_RAD, shape) * rng.exponential(1.0, (size, 1))
    left = np.maximum(0.0, 1.0 - np.arange(1, spec.chunk_steps + 1) / RECOVERY_STEPS)[:, None]
    steps = age[:, None] + np.arange(spec.chunk_steps)
    return Moments(
        data.q_rad[index] + shift + away,
        data.plan_q_rad[index, spec.horizon_steps - 1] + shift,
        data.plan_gripper[index, spec.horizon_steps - 1],
        age / max(spec.max_target_age_steps, 1),
        data.q_rad[index + age] + shift + away + scale * rng.normal(0.0, STATE_NOISE_RAD, shape),
        np.clip(data.gripper_open[index + age] + scale * rng.normal(0, 0.02, size), 0, 1),
        data.plan_q_rad[index[:, None], steps] + shift[:, None] + left * away[:, None],
        data.plan_gripper[index[:, None], steps],
        data.instruction[index],
    )


def _oldest_age(q_rad: np.ndarray, plan_q_rad: np.ndarray, most: int) -> np.ndarray:
    """Return for each step of one episode how many steps it went on as planned, at most `most`."""
    oldest = np.zeros(len(q_rad), dtype=int)
    for start in range(len(q_rad)):
        for age in range(1, min(most, len(q_rad) - 1 - start) + 1):
            if np.abs(q_rad[start + age] - plan_q_rad[start, age - 1]).max() > FOLLOWED_RAD:
                break
            oldest[start] = age
    return oldest
