# SPDX-License-Identifier: Apache-2.0
"""How a simulated episode looks: another light, and textures on table, floor and object, by mask.

The names of what was varied go into `metadata['diversity']['conditions']`; one or two of them are low diversity, three to
five medium, six high (`genima.episodes.diversity`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genima.errors import GenimaError
from genima.randomize.folder import random_texture, texture_files
from genima.randomize.photometric import LIGHTING, Light, random_light, relight
from genima.randomize.surface import cover, grain, plane_coordinates, sample_texture
from genima.randomize.textures import random_surface
from genima.robots.transforms import inverse
from genima.sim.base import Simulator
from genima.sim.masks import Masks
from genima.sim.simulation import ours

Image = NDArray[np.uint8]

_BACKGROUND = ('table texture', 'floor texture')
_OBJECT = ('object texture', 'light from the side')
LEVELS: dict[str, tuple[str, ...]] = {
    'none': (),
    'low': LIGHTING,
    'medium': (*LIGHTING, *_BACKGROUND),
    'high': (*LIGHTING, *_BACKGROUND, *_OBJECT),
}
OBJECT = 'object'
TEXTURE_PX = 256
TABLE_M, FLOOR_M = 0.8, 2.0
"""A texture is repeated after so many metres; on the object once per edge."""
LIGHT_HEIGHT_M, LIGHT_DISTANCE_M = 1.2, 2.0


@dataclass(frozen=True)
class Look:
    """What one episode looks like.

    Attributes:
        conditions: Names of what differs from the plain simulation.
        light: The light on everything.
        textures: Geom name, or OBJECT for the handled object, to the name of its texture and the picture.
        side_rad: Direction that the main light comes from, about the vertical; None where it is where it was.
    """

    conditions: tuple[str, ...] = ()
    light: Light = field(default_factory=Light)
    textures: dict[str, tuple[str, Image]] = field(default_factory=dict)
    side_rad: float | None = None

    @classmethod
    def draw(cls, level: str, rng: np.random.Generator, folder: Path | str | None = None) -> 'Look':
        """Draw a look of a level: none, low, medium or high.

        Args:
            level: How much varies.
            rng: Source of randomness.
            folder: Pictures to take textures from; procedural ones without.

        Raises:
            GenimaError: if there is no such level.
            DatasetError: if the folder holds no pictures.
        """
        if level not in LEVELS:
            raise GenimaError(f'no diversity level {level!r}; allowed: {", ".join(LEVELS)}')
        conditions = LEVELS[level]
        if not conditions:
            return cls()
        light, files = random_light(rng), texture_files(folder) if folder else []
        textures = {}
        for geom, condition in (('table', 'table texture'), ('floor', 'floor texture'), (OBJECT, 'object texture')):
            if condition in conditions:
                textures[geom] = random_texture(rng, files, TEXTURE_PX) if files else random_surface(rng, TEXTURE_PX)
        side = float(rng.uniform(-np.pi, np.pi)) if 'light from the side' in conditions else None
        return cls(conditions, light, textures, side)

    def metadata(self) -> dict[str, Any]:
        """Return what `metadata['diversity']` says: words for people, and the conditions that levels are counted by."""
        if not self.conditions:
            return {}
        names = {geom: name for geom, (name, _) in self.textures.items()}
        lighting = self.light.describe()
        if self.side_rad is not None:
            lighting += f', from the side at {np.rad2deg(self.side_rad):.0f} degrees'
        background = ', '.join(f'{geom} {names[geom]}' for geom in ('table', 'floor') if geom in names)
        return {
            'diversity': {
                'lighting': lighting,
                'background': background or 'plain',
                'object_material': names.get(OBJECT, 'plain'),
                'conditions': list(self.conditions),
            }
        }


class Dresser:
    """Renders a simulation with a look."""

    def __init__(self, simulation: Simulator, look: Look) -> None:
        """Prepare; segmentation is only rendered where the look has textures."""
        self._simulator, self.look = simulation, look
        self._masks: Masks | None = None
        if look.textures:
            self._simulation = ours(simulation, 'textures')
            self._masks = Masks(self._simulation.model, *self._simulation.world.size_px)

    def render(self) -> dict[str, Image]:
        """Return what the cameras see now, by camera name, (H, W, 3) uint8."""
        images = self._simulator.render()
        if not self.look.conditions:
            return images
        return {name: relight(self._textured(name, image), self.look.light) for name, image in images.items()}

    def close(self) -> None:
        """Free the renderer of the masks."""
        if self._masks is not None:
            self._masks.close()

    def _textured(self, camera: str, image: Image) -> Image:
        if self._masks is None:
            return image
        simulation, mounted = self._simulation, self._simulation.cameras[camera]
        T_camera_base = inverse(mounted.T_base_camera(simulation.profile, simulation.q_rad))
        masks = self._masks.render(simulation.data, camera)
        for geom, (_, texture) in self.look.textures.items():
            T_base_plane, size_m = self._plane(geom)
            xy_m = plane_coordinates(mounted.model, T_camera_base @ T_base_plane)
            put = grain if geom == OBJECT else cover
            mask = masks[simulation.task.objects[0].name if geom == OBJECT else geom]
            image = put(image, mask, sample_texture(texture, xy_m, size_m))
        return image

    def _plane(self, geom: str) -> tuple[NDArray[np.float64], float]:
        """Return T_base_plane (4, 4) of the surface that the texture lies on, and after how many metres it is repeated."""
        if geom == OBJECT:
            handled, top = self._simulation.task.objects[0], np.eye(4)
            top[2, 3] = handled.size_m / 2
            return self._simulation.state()[handled.name] @ top, handled.size_m
        plane = np.eye(4)
        if geom == 'floor':
            plane[:3, 3] = self._simulation.data.geom(geom).xpos
        return plane, FLOOR_M if geom == 'floor' else TABLE_M


@contextmanager
def dressed(simulation: Simulator, look: Look) -> Iterator[Dresser]:
    """Give a simulation a look for as long as the block runs.

    Raises:
        SimulatorError: if there is something to vary, and the simulator is not ours.
    """
    if not look.conditions:
        yield Dresser(simulation, look)
        return
    model = ours(simulation, 'another look (--diversity)').model
    before = model.light_pos.copy(), model.light_dir.copy()
    if look.side_rad is not None:
        towards = np.array([np.cos(look.side_rad), np.sin(look.side_rad), 0.0])
        position = LIGHT_DISTANCE_M * towards + [0.4, 0.0, LIGHT_HEIGHT_M]
        model.light_pos[0], model.light_dir[0] = position, _unit(np.array([0.4, 0.0, 0.0]) - position)
    dresser = Dresser(simulation, look)
    try:
        yield dresser
    finally:
        dresser.close()
        model.light_pos[:], model.light_dir[:] = before


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return vector / np.linalg.norm(vector)
