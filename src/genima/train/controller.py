# SPDX-License-Identifier: Apache-2.0
"""Train the controller: spheres over random backgrounds in, the demonstrated chunk out.

No camera picture is used. Every recorded step gives a chunk start; the target image's age is drawn at random, so that
an older target than the newest is nothing new; the whole motion is shifted a little in joint space, which moves the
spheres and the chunk alike and so makes new consistent samples; and the arm is put beside its plan, so that the spheres
decide where it goes. Each step also trains the way to the spheres on many more samples that have no picture at all.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from genima.contract.spec import PolicySpec
from genima.controller.act import Act, ActConfig
from genima.controller.controller import Controller, check_fits, to_network
from genima.controller.loss import act_loss
from genima.controller.normalizer import Normalizer
from genima.controller.resnet import load_imagenet
from genima.controller.text import embed_texts
from genima.episodes.index import list_demonstrations
from genima.episodes.store import read_episode
from genima.errors import PolicyError
from genima.randomize.textures import make_pool
from genima.robots.kinematics import tcp_pose
from genima.robots.profile import RobotProfile
from genima.sim.imagine import knows
from genima.train.controller_data import ControllerData, Moments
from genima.train.controller_views import ControllerBatch, draw_batch, draw_points
from genima.train.draws import Draw
from genima.train.loop import Stage
from genima.train.recipe import StageRecipe, save_training
from genima.train.workshop import Workshop

BACKGROUNDS = 3000
IMAGINED = 2500


@dataclass(frozen=True)
class Network:
    """Sizes of the controller, see `ActConfig`; width 64 and 4 stages are ResNet-18, `latent_dim` makes it a CVAE."""

    width: int = 24
    stages: int = 4
    dim: int = 144
    feedforward: int = 384
    heads: int = 4
    encoder_layers: int = 2
    decoder_layers: int = 1
    dropout: float = 0.0
    latent_dim: int = 0


@dataclass(frozen=True)
class ControllerTraining:
    """How to train the controller.

    Attributes:
        stage: How long and how fast; its batch is samples with images.
        points: Samples per step without images.
        imagined: Motions of the scripted expert from anywhere, without images, on top of the recorded ones; below 0:
            `IMAGINED` where it knows the task of the episodes, else none.
        network: Sizes.
        imagenet: File with ImageNet weights of a ResNet-18 to begin with (safetensors); none if empty.
        text_encoder: Folder of a CLIP text model that embeds the instruction; its words are hashed if empty.
    """

    stage: StageRecipe = field(default_factory=lambda: StageRecipe(minutes=45.0, batch=24, learning_rate=5e-4))
    points: int = 512
    imagined: int = -1
    network: Network = field(default_factory=Network)
    imagenet: str = ''
    text_encoder: str = ''


def train_controller(
    dataset: Path | str,
    policy_dir: Path | str,
    spec: PolicySpec,
    training: ControllerTraining,
    workshop: Workshop,
    held_out: Path | str | None = None,
    pretrained: Path | str | None = None,
) -> dict[str, float]:
    """Train on a dataset, write `controller/` and the normaliser into the policy, and return held-out figures.

    Args:
        dataset: Folder of episodes.
        policy_dir: Where the policy is made.
        spec: Its contract so far.
        training: How.
        workshop: Where, with which seed, and who is told.
        held_out: Folder of other episodes for the log and the figures; the training episodes when left out.
        pretrained: Policy directory whose controller to begin with; its sizes and its normaliser are kept.

    Raises:
        PolicyError: if the pretrained controller, or weights that it should begin with, are damaged.
        ContractError: if they do not fit the contract.
    """
    profile, device = RobotProfile.load(spec.robot), workshop.accelerator.device
    data = ControllerData.load(dataset, spec)
    test = ControllerData.load(held_out, spec) if held_out is not None else data
    imagined = training.imagined
    if imagined < 0:
        known = knows(read_episode(list_demonstrations(dataset)[0], images=False).metadata)
        imagined = IMAGINED if known and len(spec.instructions) == 1 else 0
    model, normalizer = _begin(spec, training, data, pretrained)
    if imagined:
        data = data.with_imagined(spec.robot, range(imagined), spec, workshop.on_progress)
    spec = spec.with_normalizer(normalizer.to_dict())
    controller = Controller(spec, model, normalizer, spec.instructions, str(device))
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing from torch's stubs
    backgrounds = _backgrounds(spec, workshop.seed)
    words = instruction_inputs(controller).to(device)
    figures = _evaluation(controller, test, spec, profile, backgrounds)
    stage = Stage('controller', model, training.stage, workshop, 1, lambda step: figures())

    def loss(draw: Draw) -> torch.Tensor:
        batch = draw_batch(data, spec, profile, backgrounds, draw.rng, training.stage.batch)
        points = draw_points(data, spec, profile, draw.rng, training.points)
        return controller_loss(model, normalizer, batch, words) + _points_loss(model, normalizer, *points)

    stage.run(loss)
    if workshop.accelerator.is_main_process:
        controller.save(policy_dir)
        save_training(policy_dir, 'controller', training)
        workshop.save_contract(policy_dir, spec, normalizer=spec.normalizer)
    workshop.accelerator.wait_for_everyone()
    return figures()


def instruction_inputs(controller: Controller) -> torch.Tensor:
    """Return what stands for each of the contract's instructions, (I, ...), as the network takes it."""
    inputs = [controller.model.instruction_input(controller.instructions, text) for text in controller.spec.instructions]
    return torch.cat(inputs)


def _begin(
    spec: PolicySpec, training: ControllerTraining, data: ControllerData, pretrained: Path | str | None
) -> tuple[Act, Normalizer]:
    """Return the network to begin with, and its statistics."""
    if pretrained is not None:
        before = Controller.load(pretrained)
        check_fits(replace(spec, normalizer={}), before.model.config, before.normalizer)
        if before.model.config.text_dim:
            raise PolicyError(f'the controller of {pretrained} knows its own instructions only; it cannot be gone on with')
        return before.model, before.normalizer
    sizes = len(spec.joint_names), len(spec.cameras), len(spec.spheres), spec.view_size_px, spec.chunk_steps
    texts = embed_texts(training.text_encoder, list(spec.instructions)) if training.text_encoder else torch.zeros(0, 0)
    model = Act(ActConfig(*sizes, **asdict(training.network), text_dim=texts.shape[1], texts=len(texts)))
    if training.text_encoder:
        model.texts.copy_(texts)
    if training.imagenet:
        load_imagenet(model.encoder, training.imagenet)
    return model, Normalizer.fit(data.q_rad, data.plan_q_rad[:, : spec.chunk_steps])


def _backgrounds(spec: PolicySpec, seed: int) -> np.ndarray:
    """Return what may be behind the spheres: many textures, or nothing."""
    if spec.background == 'black':
        return np.zeros((1, spec.view_size_px, spec.view_size_px, 3), dtype=np.uint8)
    return make_pool(np.random.default_rng(seed), BACKGROUNDS, spec.view_size_px)


def controller_loss(model: Act, normalizer: Normalizer, batch: ControllerBatch, words: torch.Tensor) -> torch.Tensor:
    """Return the loss of the network on samples with images; `words` (I, ...) stand for the contract's instructions."""
    device = words.device
    state, age, delta = _tensors(normalizer, batch.moments, device)
    gripper = torch.from_numpy(batch.moments.chunk_gripper.astype(np.float32)).to(device)
    views = to_network(torch.from_numpy(batch.views).to(device))
    valid = torch.ones_like(gripper, dtype=torch.bool)
    chunk = torch.cat([delta, gripper[..., None]], dim=-1)  # only a CVAE looks at it
    said = words[torch.from_numpy(batch.moments.instruction).to(device)]
    output = model(views, state, age, said, chunk, valid)
    return act_loss(output, delta, gripper, valid, torch.from_numpy(batch.sphere_uv).to(device))['total']


def _points_loss(model: Act, normalizer: Normalizer, moments: Moments, points: np.ndarray) -> torch.Tensor:
    device = model.positions.device
    state, age, delta = _tensors(normalizer, moments, device)
    moves, _ = model.reach(torch.from_numpy(points).to(device), state, age)
    return (moves - delta).abs().mean()


def _tensors(
    normalizer: Normalizer, moments: Moments, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return state, age and moves of moments as the network has them."""
    state = torch.from_numpy(normalizer.state(moments.q_rad, moments.gripper_open)).to(device)
    age = torch.from_numpy(moments.age_share.astype(np.float32)).to(device)
    return state, age, torch.from_numpy(normalizer.encode(moments.chunk_q_rad, moments.q_rad)).to(device)


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
            said = spec.instructions[moments.instruction[index]]
            chunk = controller.act(batch.views[index], moments.q_rad[index], moments.gripper_open[index], age_s, said)
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
