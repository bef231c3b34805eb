# SPDX-License-Identifier: Apache-2.0
"""A camera that was put where the arm stands before its own gripper: what MuJoCo sees there decides what is painted."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from genima.bench.failure_cases import Material, evidence_of, noisy, painted
from genima.cameras.model import MountedCamera
from genima.contract.targets import draw_targets
from genima.errors import GenimaError
from genima.failures.evidence import Evidence
from genima.robots.transforms import inverse
from genima.sim.placed_camera import PlacedCamera
from genima.sim.world import STATIC_CAMERAS, look_at
from genima.spheres.scene import Sphere, target_scene

TRIES = 30
PROBES = 6  # pictures that are looked at before a place is taken
LEAST_HIDDEN = 0.6
LOOKED_AT = np.array([0.45, 0.0, 0.15])


class Hiding:
    """Makes such cases.

    Args:
        material: Any, for robot and size of the views.
    """

    def __init__(self, material: Material) -> None:
        still = [name for name in material.spec.cameras if name in STATIC_CAMERAS]
        size_px = material.spec.view_size_px
        self._cameras = {name: PlacedCamera(material.profile, name, size_px) for name in still}

    def __call__(self, material: Material, rng: np.random.Generator) -> Evidence:
        """Return an episode in which one view lacks the gripper sphere wherever the arm covers it.

        Raises:
            GenimaError: if no such place was found.
        """
        name = str(rng.choice(sorted(self._cameras)))
        steps = np.arange(len(material.views))
        for _ in range(TRIES):
            camera = self._cameras[name].at(_somewhere_behind(rng))
            probes = [self._see(material, name, camera, int(step)) for step in steps[:: max(1, len(steps) // PROBES)]]
            if np.mean([hidden for _, hidden in probes]) >= LEAST_HIDDEN:
                break
        else:
            raise GenimaError(f'no place of camera {name} behind the arm was found in {TRIES} tries; use other episodes')
        targets = painted(material, noisy(material, rng))
        view = material.spec.cameras.index(name)
        for step in steps:
            targets[step, view], _ = self._see(material, name, camera, int(step))
        moved = replace(material, cameras={**material.cameras, name: camera})
        return evidence_of(moved, targets)

    def close(self) -> None:
        """Free the renderers."""
        for camera in self._cameras.values():
            camera.close()

    def _see(self, material: Material, name: str, camera: MountedCamera, step: int) -> tuple[NDArray[np.uint8], bool]:
        """Return the painted view of a camera at one step, and whether the arm hides all of the gripper sphere."""
        spec, episode = material.spec, material.episode
        picture, depth_m = self._cameras[name].see(episode.q_rad[step], float(episode.gripper_open[step]))
        T = inverse(np.asarray(camera.T_base_camera(material.profile, episode.q_rad[step])))
        opening = float(material.target_open[step])
        scene = target_scene(spec.spheres, material.profile, material.target_q_rad[step], opening)
        gripper = next(sphere for sphere, each in zip(scene, spec.spheres, strict=True) if each.is_gripper)
        others = [sphere for sphere in scene if sphere is not gripper]
        without = _drawn(material, name, camera, T, picture, others)
        whole = _drawn(material, name, camera, T, picture, scene)
        covered = depth_m < (T[:3, :3] @ gripper.T_base_sphere[:3, 3] + T[:3, 3])[2] - gripper.radius_m
        shown = (whole != without).any(axis=-1)
        hidden = bool(shown.any() and not (shown & ~covered).any())
        return np.where(covered[..., None], without, whole), hidden


def _drawn(
    material: Material,
    name: str,
    camera: MountedCamera,
    T: NDArray[np.float64],
    picture: NDArray[np.uint8],
    scene: list[Sphere],
) -> NDArray[np.uint8]:
    only = replace(material.spec, cameras=(name,), hidden={}, radius_scale={})
    return np.asarray(draw_targets(only, [camera.model], [T], picture[None], scene)[0])


def _somewhere_behind(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a pose behind the robot that looks past its shoulder at where it works."""
    eye = np.array([rng.uniform(-0.9, -0.5), rng.uniform(-0.25, 0.25), rng.uniform(0.3, 0.7)])
    return look_at(eye, LOOKED_AT, np.array([0.0, 0.0, 1.0]))
