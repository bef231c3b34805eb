# SPDX-License-Identifier: Apache-2.0
"""Segments made in memory: a Panda that reaches for the table before four cameras, painted as a test wants it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from genima.cameras.model import MountedCamera
from genima.contract.spec import PolicySpec
from genima.contract.targets import camera_poses, draw_targets, view_models
from genima.failures.evidence import Evidence, JointSeries, PaintedTarget
from genima.guard.workspace import Workspace
from genima.robots.profile import RobotProfile
from genima.sim.world import World
from genima.spheres.scene import Sphere, target_scene

START_S = 100.0
PERIOD_S = 0.1
PICTURES = 24
GOAL = np.array([0.25, 0.35, 0.0, -0.1, 0.0, 0.4, 0.2])
BOX = Workspace((-0.3, -0.6, 0.0), (0.9, 0.6, 1.3))
PANDA = RobotProfile.load('panda')
SPEC = PolicySpec.from_recipe('small', PANDA)
CAMERAS: dict[str, MountedCamera] = {name: camera for name, camera in World(PANDA).cameras.items() if name in SPEC.cameras}

Scene = list[Sphere]


def q_at(time_s: float) -> np.ndarray:
    """The joints of the arm: to the goal and half the way back, and at rest then."""
    share = 0.5 - 0.5 * np.cos(np.pi * np.clip((time_s - START_S) / 2.4, 0.0, 1.5))
    return np.asarray(PANDA.home_rad + share * GOAL)


@dataclass
class Painting:
    """How targets are painted.

    Attributes:
        scene: Changes the spheres of a picture, given its number.
        cameras: With which they are painted.
        view: Changes a painted view, given the number of the picture and the name of the camera.
        opening: What the colour of the gripper shows, and `measured` what the gripper does.
        pictures: How many.
    """

    scene: Callable[[int, Scene], Scene] = lambda number, scene: scene
    cameras: dict[str, MountedCamera] = field(default_factory=lambda: dict(CAMERAS))
    view: Callable[[int, str, np.ndarray], np.ndarray] = lambda number, camera, view: view
    opening: Callable[[float], float] = lambda time_s: 1.0
    measured: Callable[[float], float] = lambda time_s: 1.0
    pictures: int = PICTURES


def painted(how: Painting, number: int) -> np.ndarray:
    """Return the target views (V, S, S, 3) of one picture."""
    stamp_s = START_S + number * PERIOD_S
    shows_s = stamp_s + SPEC.horizon_steps / SPEC.control_rate_hz
    scene = how.scene(number, target_scene(SPEC.spheres, PANDA, q_at(shows_s), how.opening(shows_s)))
    gray = np.full((len(SPEC.cameras), SPEC.view_size_px, SPEC.view_size_px, 3), 140, dtype=np.uint8)
    poses = camera_poses(SPEC, PANDA, how.cameras, q_at(stamp_s))
    views = draw_targets(SPEC, view_models(SPEC, how.cameras), poses, gray, scene)
    return np.stack([how.view(number, name, view) for name, view in zip(SPEC.cameras, views, strict=True)])


def made(how: Painting | None = None, **others: object) -> Evidence:
    """Return what diagnoses read; `others` replaces parts of it."""
    how = how or Painting()
    times_s = START_S + 0.02 * np.arange(round((how.pictures * PERIOD_S + 2.0) / 0.02))
    joints = JointSeries(times_s, np.array([q_at(t) for t in times_s]), np.array([how.measured(t) for t in times_s]))
    targets = tuple(PaintedTarget(START_S + n * PERIOD_S, painted(how, n)) for n in range(how.pictures))
    evidence = Evidence(SPEC, PANDA, CAMERAS, targets, joints, workspace=BOX)
    return replace(evidence, **others)  # type: ignore[arg-type]


def shifted(scene: Scene, shift_m: np.ndarray, only: str = '') -> Scene:
    """Return spheres elsewhere."""
    moved = []
    for sphere in scene:
        T = sphere.T_base_sphere.copy()
        T[:3, 3] += 0.0 if only and sphere.name != only else shift_m
        moved.append(replace(sphere, T_base_sphere=T))
    return moved


def beside(name: str, right_m: float, down_m: float) -> dict[str, MountedCamera]:
    """Return the cameras with one whose picture shows everything a little further right and down."""
    wrong = np.eye(4)
    wrong[:2, 3] = -right_m, -down_m
    camera = CAMERAS[name]
    return {**CAMERAS, name: replace(camera, T_parent_camera=camera.T_parent_camera @ wrong)}
