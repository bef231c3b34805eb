# SPDX-License-Identifier: Apache-2.0
"""Train the controller: spheres over random backgrounds in, the demonstrated chunk out.

No camera picture is used. Every recorded step gives a chunk start; the target image's age is drawn at random, so that
an older target than the newest is nothing new; the whole motion is shifted a little in joint space, which moves the
spheres and the chunk alike and so makes new consistent samples; and the arm is put beside its plan, so that the spheres
decide where it goes. Each step also trains the way to the spheres on many more samples that have no picture at all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from genima.contract.spec import PolicySpec
from genima.controller.act import Act, ActConfig
from genima.controller.controller import Controller, to_network
from genima.controller.encoder import hash_words
from genima.controller.loss import act_loss
from genima.controller.normalizer import Normalizer
from genima.episodes.index import list_demonstrations
from genima.episodes.store import read_episode
from genima.precision import half_precision
from genima.randomize.textures import make_pool
from genima.robots.kinematics import tcp_pose
from genima.robots.profile import RobotProfile
from genima.sim.imagine import knows
from genima.train.controller_data import ControllerData, Moments
from genima.train.controller_views import ControllerBatch, draw_batch, draw_points
from genima.train.loop import OnProgress, Stage, silent

BACKGROUNDS = 3000
IMAGINED = 2500


@dataclass(frozen=True)
class ControllerTraining:
    """How to train the controller.

    Attributes:
        minutes: Training time.
        batch: Samples per step with pictures; points: without.
        learning_rate: Peak.
        threads: CPU threads.
        seed: Of weights and samples.
        imagined: Motions of the scripted expert from anywhere, without pictures, on top of the recorded ones; None:
            `IMAGINED` where it knows the task of the episodes, else 0.
        resume: Go on from a checkpoint.
    """

    minutes: float = 40.0
    batch: int = 24
    points: int = 512
    learning_rate: float = 5e-4
    threads: int = 2
    seed: int = 0
    imagined: int | None = None
    resume: bool = True


def train_controller(
    dataset: Path | str,
    policy_dir: Path | str,
    spec: PolicySpec,
    training: ControllerTraining,
    held_out: Path | str | None = None,
    on_progress: OnProgress = silent,
) -> dict[str, float]:
    """Train on a dataset, write `controller/` and the normaliser into the policy, and return held-out figures.

    Args:
        dataset: Folder of episodes.
        policy_dir: Where the policy is made.
        spec: Its contract so far.
        training: How.
        held_out: Folder of other episodes for the log and the figures; the training episodes when left out.
        on_progress: Is told how far it is.
    """
    torch.set_num_threads(training.threads)
    torch.manual_seed(training.seed)
    rng = np.random.default_rng(training.seed)
    profile = RobotProfile.load(spec.robot)
    data = ControllerData.load(dataset, spec)
    test = ControllerData.load(held_out, spec) if held_out is not None else data
    normalizer = Normalizer.fit(data.q_rad, data.plan_q_rad[:, : spec.chunk_steps])
    imagined = training.imagined
    if imagined is None:
        imagined = IMAGINED if knows(read_episode(list_demonstrations(dataset)[0], images=False).metadata) else 0
    if imagined:
        data = data.with_imagined(spec.robot, range(imagined), spec, on_progress)
    sizes = len(spec.joint_names), len(spec.cameras), len(spec.spheres), spec.view_size_px, spec.chunk_steps
    model = Act(ActConfig(*sizes))
    spec = spec.with_normalizer(normalizer.to_dict())
    controller = Controller(spec, model, normalizer, (spec.instruction,))
    backgrounds = make_pool(rng, BACKGROUNDS, spec.view_size_px)
    words = hash_words([spec.instruction], model.config.instruction_buckets)
    figures = _evaluation(controller, test, spec, profile, backgrounds)
    folder = Path(policy_dir) / 'training'
    stage = Stage(
        'controller', model, training.minutes, training.learning_rate, folder / 'controller.pt',
        folder / 'controller.jsonl', on_progress, training.resume, figures,
    )  # fmt: skip

    def loss() -> torch.Tensor:
        batch = draw_batch(data, spec, profile, backgrounds, rng, training.batch)
        points = draw_points(data, spec, profile, rng, training.points)
        return _loss(model, normalizer, batch, words) + _points_loss(model, normalizer, *points)

    stage.run(loss)
    spec.save(policy_dir)
    controller.save(policy_dir)
    return figures()


def _loss(model: Act, normalizer: Normalizer, batch: ControllerBatch, words: torch.Tensor) -> torch.Tensor:
    state, age, delta = _tensors(normalizer, batch.moments)
    gripper = torch.from_numpy(batch.moments.chunk_gripper.astype(np.float32))
    views = to_network(torch.from_numpy(batch.views))
    with half_precision():
        output = model(views, state, age, words.expand(len(views), -1))
    valid = torch.ones_like(gripper, dtype=torch.bool)
    return act_loss(output, delta, gripper, valid, torch.from_numpy(batch.sphere_uv))['total']


def _points_loss(model: Act, normalizer: Normalizer, moments: Moments, points: np.ndarray) -> torch.Tensor:
    state, age, delta = _tensors(normalizer, moments)
    moves, _ = model.reach(torch.from_numpy(points), state, age)
    return (moves - delta).abs().mean()


def _tensors(normalizer: Normalizer, moments: Moments) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return state, age and moves of moments as the network has them."""
    state = torch.from_numpy(normalizer.state(moments.q_rad, moments.gripper_open))
    age = torch.from_numpy(moments.age_share.astype(np.float32))
    return state, age, torch.from_numpy(normalizer.encode(moments.chunk_q_rad, moments.q_rad))


def _evaluation(
    controller: Controller, data: ControllerData, spec: PolicySpec, profile: RobotProfile, backgrounds: np.ndarray
) -> Callable[[], dict[str, float]]:
    """Return a function that measures the controller on clean targets: TCP error in mm, gripper accuracy."""
    batch = draw_batch(data, spec, profile, backgrounds, np.random.default_rng(1), 200, clean=True)
    moments = batch.moments

    def measure() -> dict[str, float]:
        errors = {'middle': [], 'end': []}  # type: dict[str, list[float]]
        right = 0.0
        for index in range(len(batch.views)):
            age_s = moments.age_share[index] * spec.max_target_age_steps / spec.control_rate_hz
            chunk = controller.act(batch.views[index], moments.q_rad[index], moments.gripper_open[index], age_s)
            for name, step in (('middle', spec.chunk_steps // 2 - 1), ('end', spec.chunk_steps - 1)):
                said = tcp_pose(profile, chunk.q_rad[step])[:3, 3]
                meant = tcp_pose(profile, moments.chunk_q_rad[index, step])[:3, 3]
                errors[name].append(1e3 * float(np.linalg.norm(said - meant)))
            right += float(((chunk.gripper_open > 0.5) == (moments.chunk_gripper[index] > 0.5)).mean())
        figures = {f'tcp_{name}_mm_{kind}': value for name, each in errors.items() for kind, value in _spread(each)}
        return {**figures, 'gripper_accuracy': right / len(batch.views)}

    return measure


def _spread(values: list[float]) -> list[tuple[str, float]]:
    return [('median', float(np.median(values))), ('p90', float(np.percentile(values, 90)))]
