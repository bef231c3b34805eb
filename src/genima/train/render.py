# SPDX-License-Identifier: Apache-2.0
"""Target views as PNG files, for whoever trains elsewhere or wants to look at them.

Training here needs none: the loader draws targets when it needs them. Layout: `<out>/<episode>/<camera>/<step>.png`, and
`<out>/render.json` with everything that they depend on.
"""

import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from genima.borders.texts import read_json
from genima.contract.spec import PolicySpec
from genima.episodes.episode import Episode
from genima.episodes.store import list_episodes, read_episode
from genima.errors import ContractError, DatasetError
from genima.files import write_atomic
from genima.processes import in_processes
from genima.randomize.folder import random_texture, texture_files
from genima.randomize.textures import random_background
from genima.robots.profile import RobotProfile
from genima.train.stored_views import Image, check_views, read_views, rectified, view_names
from genima.train.target_views import Scenes, TargetDrawer

DESCRIPTION = 'render.json'
VIEWS, PROCEDURAL = 'views', 'procedural'
BLOCK_STEPS = 32


@dataclass(frozen=True)
class RenderOptions:
    """What is behind the spheres, and where they are.

    Attributes:
        background: 'views', 'procedural', or a folder of pictures.
        seed: Of random backgrounds.
        commanded: The spheres are where the arm was commanded to be `horizon` steps later, also where a plan is known.
    """

    background: str = VIEWS
    seed: int = 0
    commanded: bool = False


def with_overrides(
    spec: PolicySpec,
    horizon_steps: int | None = None,
    spheres: Collection[str] = (),
    view_size_px: int | None = None,
) -> PolicySpec:
    """Return a contract with another horizon, fewer spheres (by name; all if empty), or another size of the views.

    Raises:
        ContractError: if a value makes no sense, or a sphere is not known.
    """
    known = [sphere.name for sphere in spec.spheres]
    unknown = [name for name in spheres if name not in known]
    if unknown:
        raise ContractError(f'no spheres {", ".join(unknown)} in the contract; it has {", ".join(known)}')
    kept = [name for name in known if name in spheres or not spheres]
    return replace(
        spec,
        horizon_steps=spec.horizon_steps if horizon_steps is None else horizon_steps,
        view_size_px=spec.view_size_px if view_size_px is None else view_size_px,
        spheres=tuple(sphere for sphere in spec.spheres if sphere.name in kept),
        hidden={camera: tuple(name for name in names if name in kept) for camera, names in spec.hidden.items()},
    )


def render_targets(
    source: Path | str, out: Path | str, spec: PolicySpec, options: RenderOptions | None = None, workers: int = 1
) -> Iterator[tuple[str, int]]:
    """Write the target views of every episode of a folder; yield name and number of views as episodes are done.

    Episodes that are there already are kept. An episode's folder appears when it is complete.

    Args:
        source: Folder of episodes.
        out: Folder to write.
        spec: Spheres, horizon, cameras, size of the views.
        options: What else.
        workers: Processes.

    Raises:
        DatasetError: if `out` holds targets that were rendered otherwise, an episode does not fit, or the disk is full.
    """
    out, options = Path(out), options or RenderOptions()
    profile = RobotProfile.load(spec.robot)
    if options.background not in (VIEWS, PROCEDURAL):
        texture_files(options.background)  # a wrong folder fails here, not in every worker
    missing = [path for path in list_episodes(source) if not (out / path.stem).exists()]
    _describe(out, spec, options)
    yield from in_processes(partial(_render_episode, out, spec, profile, options), missing, workers)


def _describe(out: Path, spec: PolicySpec, options: RenderOptions) -> None:
    """Write what the targets depend on, or refuse to mix them with others."""
    wanted = {**spec.to_dict(), **vars(options)}
    path = out / DESCRIPTION
    if not path.exists():
        write_atomic(path, json.dumps(wanted, indent=1) + '\n')
        return
    there = read_json(path)
    differ = [f'{name} {there.get(name)}, not {wanted[name]}' for name in wanted if there.get(name) != wanted[name]]
    if differ:
        raise DatasetError(f'{out} holds targets that were rendered with {"; ".join(differ)}: choose another --out')


def _render_episode(
    out: Path, spec: PolicySpec, profile: RobotProfile, options: RenderOptions, path: Path
) -> tuple[str, int]:
    episode = read_episode(path, images=False)
    check_views(episode, view_names(path), spec, path)
    temporary = Path(tempfile.mkdtemp(prefix=f'.{path.stem}.', dir=out))
    try:
        for start, targets in target_blocks(path, episode, spec, profile, options):
            _write(temporary, spec, start, targets)
        temporary.chmod(0o755)
        os.replace(temporary, out / path.stem)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return path.stem, len(episode) * len(spec.cameras)


def target_blocks(
    path: Path, episode: Episode, spec: PolicySpec, profile: RobotProfile, options: RenderOptions
) -> Iterator[tuple[int, Image]]:
    """Yield (first step, target views (k, V, S, S, 3)) of one episode, block by block: it need not fit into memory."""
    q_plan, gripper_plan = _future(path, episode, spec.horizon_steps, options.commanded)
    cameras = {name: episode.cameras[name] for name in spec.cameras}
    scenes = Scenes.of(spec, profile, cameras, episode.q_rad, q_plan[:, -1], gripper_plan[:, -1])
    drawer = TargetDrawer(spec, rectified(cameras))
    rng = np.random.default_rng([options.seed, zlib.crc32(path.stem.encode())])
    for start in range(0, len(episode), BLOCK_STEPS):
        steps = np.arange(start, min(start + BLOCK_STEPS, len(episode)))
        views = np.empty((len(steps), len(spec.cameras), spec.view_size_px, spec.view_size_px, 3), dtype=np.uint8)
        if options.background == VIEWS:
            read_views(path, spec, episode.cameras, steps, views)
        else:
            _fill(views, rng, options.background)
        drawer.draw(views, scenes, steps)
        yield start, views


def _future(path: Path, episode: Episode, steps: int, commanded: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return `Episode.intended`, or what was commanded."""
    if commanded:
        return replace(episode, plan_q_rad=None, plan_gripper_open=None).intended(steps)
    if episode.plan_q_rad is not None and episode.plan_q_rad.shape[1] < steps:
        raise DatasetError(
            f'the plans in {path} have {episode.plan_q_rad.shape[1]} steps, the horizon is {steps}: choose a shorter one, '
            'or --commanded to take what was commanded afterwards'
        )
    return episode.intended(steps)


def _fill(views: Image, rng: np.random.Generator, background: str) -> None:
    """Put another random background into every view, as the original does for its controller."""
    files = [] if background == PROCEDURAL else texture_files(background)
    for view in views.reshape(-1, *views.shape[2:]):
        size_px = len(view)
        view[:] = random_texture(rng, files, size_px)[1] if files else random_background(rng, size_px)


def _write(folder: Path, spec: PolicySpec, start: int, targets: Image) -> None:
    for column, name in enumerate(spec.cameras):
        (folder / name).mkdir(exist_ok=True)
        for row, views in enumerate(targets):
            path = folder / name / f'{start + row:06d}.png'
            if not cv2.imwrite(str(path), cv2.cvtColor(views[column], cv2.COLOR_RGB2BGR)):
                raise DatasetError(f'{path} cannot be written: is the disk full?')
