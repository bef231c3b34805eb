# SPDX-License-Identifier: Apache-2.0
"""`genima dataset convert`: datasets of other tools, both ways."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genima.cli.output import JsonOption, console, print_table, write_json
from genima.cli.progress import progress_bar
from genima.errors import DatasetError

if TYPE_CHECKING:
    from genima.convert.formats import Step

# each of these means something for some formats only; the conversion refuses those that it does not know
# h5: HDF5 of others, which are page, robomimic and aloha
FromOption = Annotated[str | None, typer.Option('--from', help='Format of the source, rlbench too; found out if not given.')]
ImagesOption = Annotated[
    str | None,
    typer.Option(help='lerobot: views as video (AV1), h264 (faster, larger) or png (lossless).', show_default='video'),
]
PushOption = Annotated[
    str | None, typer.Option(metavar='USER/NAME', help='lerobot: then upload it to the Hugging Face Hub, privately.')
]
RobotOption = Annotated[
    str | None, typer.Option(help='lerobot, mcap, h5: robot profile, where the dataset does not name it.')
]
CamerasOption = Annotated[
    Path | None, typer.Option(help='lerobot, h5: calibration by camera (JSON, YAML), where the dataset has none.')
]
GripperOption = Annotated[
    tuple[float, float] | None,
    typer.Option(metavar='CLOSED OPEN', help='lerobot, h5: what a foreign gripper says when closed and when open.'),
]
MappingOption = Annotated[Path | None, typer.Option(help='rlds: what the features of a foreign dataset mean (YAML).')]
RateOption = Annotated[float | None, typer.Option(help='mcap: steps per second wanted; rlbench, h5: those it has.')]
JointsOption = Annotated[
    str | None, typer.Option(help="h5: where the joint positions are, such as 'observations/qpos[0:7]'.")
]
OpeningOption = Annotated[str | None, typer.Option(help="h5: where the opening is, 'observations/qpos[7]'.")]
TargetsOption = Annotated[
    str | None, typer.Option(help="h5: absolute joint targets, 'action[0:7]', or next: the joints one step later.")
]
ParentOption = Annotated[
    list[str] | None, typer.Option(metavar='CAMERA=LINK', help='h5: what carries a camera; several times.')
]
ExtrinsicsOption = Annotated[str | None, typer.Option(help='h5: what a matrix means, camera_in_parent or parent_in_camera.')]
LatencyOption = Annotated[Path | None, typer.Option(help='mcap: latencies of the cameras, from `genima latency --json`.')]
GapOption = Annotated[float | None, typer.Option(help='mcap: longest silence of the joints that is bridged, in s.')]
SkewOption = Annotated[
    float | None, typer.Option(help='mcap: a step whose frame is farther away is marked to be ignored; in s.')
]
CameraOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar='NAME=TOPIC[,INFO]',
        help='mcap: topic of a camera, and of its camera_info if that is not beside it; once for each camera.',
    ),
]
RigOption = Annotated[str | None, typer.Option(help='mcap: rig (YAML) with the topics of the cameras and the joints.')]
JointStatesOption = Annotated[str | None, typer.Option(metavar='TOPIC', help='mcap: the measured joints.')]
StateOption = Annotated[str | None, typer.Option(metavar='TOPIC', help='mcap: the controller_state of the arm.')]
NamespaceOption = Annotated[str | None, typer.Option(help='mcap: namespace of the robot.')]


def convert(
    source: Annotated[Path, typer.Argument(help='Folder of the dataset; a bag may be one file.')],
    out: Annotated[Path, typer.Argument(help='Folder to write.')],
    to: Annotated[str, typer.Option('--to', help='Format wanted: hdf5, lerobot, rlds or mcap.')],
    from_: FromOption = None,
    workers: Annotated[int, typer.Option(min=1, help='Processes.')] = 1,
    images: ImagesOption = None,
    push_to_hub: PushOption = None,
    robot: RobotOption = None,
    camera_params: CamerasOption = None,
    gripper_range: GripperOption = None,
    mapping: MappingOption = None,
    rate_hz: RateOption = None,
    joints: JointsOption = None,
    gripper: OpeningOption = None,
    targets: TargetsOption = None,
    camera_parent: ParentOption = None,
    extrinsics: ExtrinsicsOption = None,
    latency: LatencyOption = None,
    max_gap_s: GapOption = None,
    max_skew_s: SkewOption = None,
    camera: CameraOption = None,
    rig: RigOption = None,
    joint_states: JointStatesOption = None,
    controller_state: StateOption = None,
    namespace: NamespaceOption = None,
    json_path: JsonOption = None,
) -> None:
    """Convert a dataset; numbers, times, calibration and metadata stay exact. An interrupted conversion goes on."""
    from genima.convert.formats import check_options, clean_up, plan

    if push_to_hub and to != 'lerobot':
        raise DatasetError(f'--push-to-hub uploads LeRobot datasets only, not {to}; use --to lerobot')
    steps = plan(source, out, to, from_)
    given = {
        'images': images,
        'robot': robot,
        'camera_params': camera_params,
        'gripper_range': gripper_range,
        'mapping': mapping,
        'rate_hz': rate_hz,
        'joints': joints,
        'gripper': gripper,
        'targets': targets,
        'camera_parent': tuple(camera_parent) if camera_parent else None,
        'extrinsics': extrinsics,
        'latency': latency,
        'max_gap_s': max_gap_s,
        'max_skew_s': max_skew_s,
        'camera': camera or None,
        'rig': rig,
        'joint_states': joint_states,
        'controller_state': controller_state,
        'namespace': namespace,
    }
    options = {name: value for name, value in given.items() if value is not None}
    check_options(steps, options)
    figures = [_run(step, workers, options) for step in steps]
    _print(figures)
    losses = _losses(steps[-1], out)
    clean_up(steps)
    address = _push(out, push_to_hub) if push_to_hub else None
    write_json(json_path, {'conversions': figures, 'psnr_db': losses, 'uploaded_to': address})


def _run(step: 'Step', workers: int, options: dict[str, Any]) -> dict[str, Any]:
    """Convert with a progress bar and return what was converted, and how fast."""
    from genima.episodes.index import describe
    from genima.episodes.store import list_episodes

    begun = _is_begun(step.out)
    started_s = time.monotonic()
    with progress_bar() as progress:
        total = step.count()
        task = progress.add_task(step.text, total=total)
        step.run(lambda name: progress.update(task, advance=1), workers, options)
        progress.update(task, completed=total)
    seconds = time.monotonic() - started_s
    entries = [describe(path) for path in list_episodes(step.native)]
    recorded_s = sum(entry.seconds for entry in entries)
    return {
        'conversion': step.text,
        'episodes': len(entries),
        'steps': sum(entry.steps for entry in entries),
        'recorded_seconds': recorded_s,
        'seconds': seconds,
        # of a conversion that only went on, the time of the rest says nothing about the whole
        'times_real_time': None if begun else recorded_s / seconds,
    }


def _is_begun(out: Path) -> bool:
    """Return whether an earlier conversion left something that this one takes up."""
    left = list(out.absolute().parent.glob(f'.{out.absolute().name}.partial'))
    return bool(left) or (out.is_dir() and any(out.iterdir()))


def _print(figures: list[dict[str, Any]]) -> None:
    rows = []
    for each in figures:
        speed = 'resumed' if each['times_real_time'] is None else f'{each["times_real_time"]:.1f}'
        rows.append((each['conversion'], each['episodes'], each['steps'], f'{each["seconds"]:.1f}', speed))
    print_table('Converted', ('conversion', 'episodes', 'steps', 'seconds', 'x real time'), rows)


def _losses(step: 'Step', out: Path) -> dict[str, float]:
    """Print and return camera to PSNR [dB] where views were stored with a loss."""
    if step.native == out or not hasattr(step.module, 'psnr_db'):
        return {}
    losses: dict[str, float] = step.module.psnr_db(out)
    for camera, decibel in losses.items():
        console.print(f'views of {camera}: PSNR {decibel:.1f} dB')
    return losses


def _push(out: Path, repo_id: str) -> str:
    from genima.convert.lerobot.hub import push_to_hub

    address = push_to_hub(out, repo_id)
    console.print(f'uploaded to {address}')
    return address
