# SPDX-License-Identifier: Apache-2.0
"""Two tasks with three instructions in one data set: each sample under its own, the same in training and deployment."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from base_models import make_base
from diffusers import StableDiffusionControlNetPipeline
from made_episodes import made, write

from genima.contract.spec import PolicySpec
from genima.controller.act import Act, ActConfig
from genima.controller.controller import Controller
from genima.controller.normalizer import Normalizer
from genima.errors import ContractError, DatasetError
from genima.painter.painter import embed_prompt
from genima.robots.profile import RobotProfile
from genima.train.conditions import Prompts
from genima.train.controller import instruction_inputs
from genima.train.controller_data import ControllerData, draw_moments
from genima.train.draws import Draw
from genima.train.samples import load_samples

TASKS = {'stack': ('stack the red one', 'put red on blue'), 'press': ('press the button',)}
SAID = [('stack', 'stack the red one'), ('press', 'press the button'), ('stack', 'put red on blue')]


@pytest.fixture(scope='module')
def spec(small_spec: PolicySpec) -> PolicySpec:
    return replace(small_spec, task='stack', instruction='stack the red one', tasks=TASKS)


@pytest.fixture(scope='module')
def data(panda: RobotProfile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    episodes = []
    for seed, (task, instruction) in enumerate(SAID):
        episodes.append(made(panda, seed))
        episodes[-1].metadata.update(task=task, instruction=instruction)
    return write(tmp_path_factory.mktemp('data'), *episodes)


def test_each_sample_has_the_prompt_that_the_node_paints_it_with(
    data: Path, spec: PolicySpec, panda: RobotProfile, tmp_path: Path
) -> None:
    samples = load_samples(data, spec, panda)
    texts = [spec.instructions[number] for number in samples.instruction]
    assert texts == [instruction for _, instruction in SAID for _ in range(len(samples) // 3)]
    folder = make_base(tmp_path / 'sd15', 'sd15')
    pipeline = StableDiffusionControlNetPipeline.from_pretrained(folder, controlnet=None, safety_checker=None)
    rows = np.array([0, 7, 12, 3])
    draw = Draw(rows, np.arange(4), (0,), torch.device('cpu'))
    for trained in (False, True):
        got = Prompts(pipeline, samples, 0.0, trained)(draw, 4)
        for row, embedding in zip(rows, got, strict=True):
            wanted = embed_prompt(pipeline, spec.prompt(texts[row]))[0]
            torch.testing.assert_close(embedding, wanted, atol=1e-6 if trained else 0, rtol=0)
    assert (got[0] != got[1]).any() and (got[1] != got[2]).any()


def test_the_controller_hears_each_samples_own_words(data: Path, spec: PolicySpec) -> None:
    loaded = ControllerData.load(data, spec)
    moments = draw_moments(loaded, spec, np.random.default_rng(0), 60, clean=True)
    assert set(moments.instruction) == {0, 1, 2}
    for number in range(3):
        mine = loaded.q_rad[loaded.instruction == spec.instructions.index(SAID[number][1])]
        np.testing.assert_allclose(mine, loaded.q_rad[5 * number : 5 * number + 5])
    sizes = len(spec.joint_names), len(spec.cameras), len(spec.spheres)
    model = Act(ActConfig(*sizes, view_size_px=128, width=8, dim=32, feedforward=32, reach_width=32))
    normalizer = Normalizer(np.zeros(7), np.ones(7), np.ones(7))
    known = Controller(spec.with_normalizer(normalizer.to_dict()), model, normalizer, spec.instructions)
    assert len(instruction_inputs(known).unique(dim=0)) == 3


def test_what_is_not_listed_is_refused_with_the_way_out(
    spec: PolicySpec, small_spec: PolicySpec, panda: RobotProfile, tmp_path: Path
) -> None:
    for number, (said, words) in enumerate(
        [
            ({'task': 'fold'}, "task 'fold', the contract 'stack', 'press'.*name both under"),
            ({'task': ['press']}, r"task \['press'\], the contract 'stack', 'press'"),
            ({'task': 'press', 'instruction': 'put red on blue'}, "the contract 'press the button'.*under `tasks`"),
            ({'instruction': 'jump'}, "'jump', the contract 'stack the red one', .*dataset describe"),
            ({'task': 'stack'}, "does not say which of 'stack the red one', 'put red on blue'"),
            ({}, 'does not say which of'),
        ]
    ):
        episode = made(panda, 0)
        episode.metadata.update(said)
        folder = write(tmp_path / str(number), episode)
        for load in (lambda: load_samples(folder, spec, panda), lambda: ControllerData.load(folder, spec)):  # noqa: B023
            with pytest.raises(DatasetError, match=words):
                load()
    assert len(load_samples(folder, small_spec, panda)), 'where there is one instruction, nobody has to say it'


@pytest.mark.parametrize(
    'robot, change, words',
    [
        ('fr3', {}, "with robot 'panda' and joints .* for robot 'fr3'.*train with --robot panda"),
        ('gen3', {}, "with robot 'panda' and joints"),
        ('panda', {'control_rate_hz': 20.0}, '10.0 steps a second, the contract 20.0'),
    ],
)
def test_data_of_another_robot_or_rate_are_refused_by_both_trainers(
    panda: RobotProfile, tmp_path: Path, robot: str, change: dict, words: str
) -> None:
    folder, profile = write(tmp_path, made(panda, 0)), RobotProfile.load('fr3' if robot == 'fr3' else 'panda')
    spec = replace(PolicySpec.from_recipe('small', profile), **change)
    if robot == 'gen3':  # as many joints, other names and links
        spec = replace(spec, robot='gen3', joint_names=tuple(f'joint_{number}' for number in range(1, 8)))
    for load in (lambda: load_samples(folder, spec, profile), lambda: ControllerData.load(folder, spec)):
        with pytest.raises(DatasetError, match=words):
            load()


def test_a_contract_with_tasks_survives_its_file_and_one_without_is_of_version_1(
    spec: PolicySpec, small_spec: PolicySpec, tmp_path: Path
) -> None:
    spec.save(tmp_path)
    again = PolicySpec.load(tmp_path)
    assert again == spec and again.hash() == spec.hash() and again.version == 2
    assert again.instructions == ('stack the red one', 'put red on blue', 'press the button')
    assert 'tasks' not in small_spec.to_dict() and small_spec.to_dict()['version'] == 1
    for values, words in (
        ({**small_spec.to_dict(), 'version': 2}, 'version: got 2, allowed: 1'),
        ({**spec.to_dict(), 'version': 1}, 'version: got 1, allowed: 2'),
        ({**spec.to_dict(), 'instruction': 'jump'}, "instruction: got 'jump', allowed: one of task 'stack'"),
        ({**spec.to_dict(), 'tasks': {'stack': 'red'}}, 'tasks.stack: .*a list of instructions'),
        ({**spec.to_dict(), 'tasks': ['stack']}, 'a mapping of tasks'),
        ({**spec.to_dict(), 'tasks': {**TASKS, 'push': ['press the button']}}, r"\['press the button'\].* one task only"),
        ({**spec.to_dict(), 'task': 'fold'}, "one of task 'fold'"),
    ):
        with pytest.raises(ContractError, match=words):
            PolicySpec.from_dict(values)


def test_an_instruction_belongs_to_a_task_and_others_are_refused(spec: PolicySpec) -> None:
    assert [spec.task_of(text) for text in ('', 'put red on blue', 'press the button')] == ['stack', 'stack', 'press']
    with pytest.raises(ContractError, match="not trained on 'jump', but on 'stack the red one', 'put red on blue'"):
        spec.task_of('jump')


def test_templates_stand_for_an_instruction_a_choice(small_spec: PolicySpec) -> None:
    values = {name: each for name, each in small_spec.to_dict().items() if name not in ('task', 'instruction', 'version')}
    said = {'templates': ['open the {side} drawer', 'go home'], 'slots': {'side': ['left', 'right']}}
    spec = PolicySpec.from_dict({**values, 'tasks': {'drawer': said}})
    assert spec.instructions == ('open the left drawer', 'open the right drawer', 'go home')
    assert (spec.task, spec.instruction) == ('drawer', 'open the left drawer')
    for wrong, words in (
        ({'templates': ['open {it}'], 'slots': {}}, r"open \{it\}.*the slots \(none\)"),
        ({'templates': ['open {}']}, 'by name'),
        ({'templates': ['open {side!r}'], 'slots': {'side': ['left']}}, 'by name'),
        ({'templates': ['open {side.real}'], 'slots': {'side': ['left']}}, 'by name'),
        ({'templates': ['open {'], 'slots': {}}, 'by name'),
        ({'templates': 'open'}, 'a list of texts'),
        ({'wordings': []}, 'templates, slots'),
        ({'templates': ['{a} {b}'], 'slots': {'a': ['x'] * 1, 'b': [str(n) for n in range(2000)]}}, 'at most 1000'),
    ):
        with pytest.raises(ContractError, match=words):
            PolicySpec.from_dict({**values, 'tasks': {'drawer': wrong}})
