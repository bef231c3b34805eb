# SPDX-License-Identifier: Apache-2.0
"""`genima train joint`: painter and controller of a policy, fine-tuned together."""

from dataclasses import replace

from genima.cli.output import JsonOption, console, write_json
from genima.cli.train import (
    DATA,
    POLICY,
    AccumulateOption,
    BatchOption,
    DataOption,
    DeviceOption,
    LogOption,
    MinutesOption,
    PolicyOption,
    PrecisionOption,
    RateOption,
    RecipeOption,
    ResumeOption,
    SeedOption,
    StepsOption,
    ThreadsOption,
    given,
    workshop_of,
)


def joint(
    data: DataOption = DATA,
    policy: PolicyOption = POLICY,
    recipe: RecipeOption = None,
    steps: StepsOption = None,
    minutes: MinutesOption = None,
    batch: BatchOption = None,
    accumulate: AccumulateOption = None,
    learning_rate: RateOption = None,
    device: DeviceOption = 'auto',
    precision: PrecisionOption = 'auto',
    log_with: LogOption = 'auto',
    threads: ThreadsOption = 2,
    resume: ResumeOption = True,
    seed: SeedOption = 0,
    json_path: JsonOption = None,
) -> None:
    """Fine-tune both networks together: painted pixels, and the joints that follow from the painted image."""
    from genima.train.joint import JointTuning, train_joint
    from genima.train.recipe import settings_of, training_values

    tuning = settings_of(JointTuning, training_values(recipe, policy).get('joint', {}), 'training.joint')
    changes = {'batch': batch, 'accumulate': accumulate, 'learning_rate': learning_rate}
    tuning = replace(tuning, stage=replace(tuning.stage.limited(steps, minutes), **given(changes)))
    with workshop_of(policy, 'joint', device, precision, log_with, threads, resume, seed) as workshop:
        spec = train_joint(data, policy, tuning, workshop)
    if workshop.accelerator.is_main_process:
        console.print(f'painter and controller of {policy} written')
        write_json(json_path, {'policy': str(policy), 'contract': spec.hash()})
