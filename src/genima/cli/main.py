# SPDX-License-Identifier: Apache-2.0
"""`genima`: one program, one command per job."""

import errno
import os
import signal
import sys

import typer
from rich.text import Text

from genima import __version__
from genima.cli import (
    bench,
    bench_collisions,
    bench_console,
    bench_drift,
    bench_policy,
    bench_serve,
    bench_train,
    calibrate,
    collect,
    compare,
    convert,
    dataset,
    dataset_compare,
    dataset_describe,
    dataset_grade,
    dataset_label,
    dataset_sync,
    demo,
    doctor,
    evaluate,
    export,
    failures,
    faults,
    import_checkpoint,
    latency,
    relight,
    render,
    replay,
    retexture,
    rig,
    robot,
    serve,
    train,
    train_joint,
    up,
    view,
)
from genima.cli.output import errors
from genima.errors import GenimaError

EXIT_ERROR = 1
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells report it
# what a user can mend, wherever a file is written
MENDABLE = {
    errno.ENOSPC: 'make room',
    errno.EDQUOT: 'make room',
    errno.EACCES: 'choose a place that you may write to',
    errno.EPERM: 'choose a place that you may write to',
    errno.EROFS: 'choose a place that you may write to',
    errno.EEXIST: 'choose another name',
    errno.ENOTDIR: 'choose another name',
    errno.EISDIR: 'choose another name',
}

app = typer.Typer(
    name='genima',
    help='A diffusion model paints where the robot arm should go; an ACT transformer moves it there.',
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # rich would take what stands in square brackets for its own markup
    pretty_exceptions_enable=False,
    context_settings={'help_option_names': ['-h', '--help']},
)
app.command('collect')(collect.collect)
dataset.app.command('convert')(convert.convert)
dataset.app.command('render')(render.render)
dataset.app.command('relight')(relight.relight)
dataset.app.command('retexture')(retexture.retexture)
dataset.app.command('describe')(dataset_describe.describe)
dataset.app.command('grade')(dataset_grade.grade)
dataset.app.command('label')(dataset_label.label)
dataset.app.command('sync')(dataset_sync.sync)
dataset.app.command('compare')(dataset_compare.compare)
app.add_typer(dataset.app, name='dataset')
app.add_typer(calibrate.app, name='calibrate')
app.command('latency')(latency.latency)
app.command('serve')(serve.serve)
train.app.command('joint')(train_joint.joint)
app.add_typer(train.app, name='train')
app.command('import-checkpoint')(import_checkpoint.import_checkpoint)
app.add_typer(robot.app, name='robot')
app.command('export')(export.export)
app.command('evaluate')(evaluate.evaluate)
app.command('compare')(compare.compare)
app.command('demo')(demo.demo)
app.command('up', cls=up.UpCommand)(up.up)
app.command('replay')(replay.replay)
app.command('view')(view.view)
app.command('doctor')(doctor.doctor)
app.add_typer(failures.app, name='failures')
app.add_typer(rig.app, name='rig')
app.command('faults')(faults.faults)
bench.app.command('console')(bench_console.console_costs)
bench.app.command('collisions')(bench_collisions.collisions)
bench.app.command('drift')(bench_drift.drift)
bench.app.command('policy')(bench_policy.policy)
bench.app.command('serve')(bench_serve.serve)
bench.app.command('train')(bench_train.train)
app.add_typer(bench.app, name='bench')


def _version(show: bool) -> None:
    if show:
        print(f'genima {__version__}')
        raise typer.Exit


@app.callback()
def _options(version: bool = typer.Option(False, '--version', callback=_version, is_eager=True)) -> None:
    """Options that come before the command."""


def main() -> None:
    """Run the command line; a user's error is one clear message and exit code 1, Ctrl-C ends with 130."""
    # a shell that starts us in the background leaves SIGINT ignored; stopping must work there, too
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code = app(standalone_mode=False)
    except typer.Exit as exit_:
        code = exit_.exit_code
    except GenimaError as error:
        errors.print(Text('error: ', 'bold red') + Text(str(error), 'default'), soft_wrap=True)
        code = EXIT_ERROR
    except OSError as error:
        if error.errno not in MENDABLE:
            raise
        place = f': {error.filename}' if error.filename else ''
        text = f'{os.strerror(error.errno)}{place}; {MENDABLE[error.errno]}, and start the same again'
        errors.print(Text('error: ', 'bold red') + Text(text, 'default'), soft_wrap=True)
        code = EXIT_ERROR
    except (KeyboardInterrupt, typer.Abort):
        errors.print('interrupted; what was finished is kept')
        code = EXIT_INTERRUPTED
    except Exception as error:
        if not hasattr(error, 'show'):
            raise
        error.show()  # click's usage errors know how to print themselves
        code = getattr(error, 'exit_code', 2)
    sys.exit(code)


if __name__ == '__main__':
    main()
