# SPDX-License-Identifier: Apache-2.0
"""How fast striped spheres are drawn, by our renderer and by pyrender in the same run."""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from genima.cameras.model import CameraModel
from genima.errors import GenimaError
from genima.spheres.render import draw
from genima.spheres.scene import Sphere, Stripes

SIZE_PX = 256
# pyrender 0.1.45 is the last release; these are the newest versions that it works with
PYRENDER_PACKAGES = ('pyrender==0.1.45', 'PyOpenGL==3.1.7', 'numpy<2', 'pyglet<2', 'trimesh<4.5', 'networkx')
RADII_M, DEPTH_M = (0.08, 0.07, 0.065, 0.065), 1.0
CENTRES_M = ((-0.2, -0.2), (0.15, -0.1), (0.1, 0.2), (-0.1, 0.15))
COLORS_RGB = ((40, 110, 255), (255, 225, 30), (230, 60, 230), (30, 230, 60))


def scene() -> tuple[CameraModel, list[Sphere]]:
    """Return the camera and the four spheres, in its frame, that both sides draw."""
    focal = 280.0
    middle = (SIZE_PX - 1) / 2
    camera = CameraModel('bench', SIZE_PX, SIZE_PX, np.array([[focal, 0, middle], [0, focal, middle], [0, 0, 1]]))
    spheres = []
    for index, ((x, y), radius, color) in enumerate(zip(CENTRES_M, RADII_M, COLORS_RGB, strict=True)):
        T = np.eye(4)
        T[:3, 3] = x, y, DEPTH_M + 0.05 * index
        spheres.append(Sphere(f'sphere {index}', T, radius, np.array(color, np.uint8)))
    return camera, spheres


def bench_spheres(views: int, rounds: int, pyrender_python: Path | None = None) -> dict[str, Any]:
    """Return views per second of our renderer, background copy included, and of pyrender where a Python is given."""
    figures: dict[str, Any] = {'size_px': SIZE_PX, 'spheres': len(RADII_M), 'views_per_s': _ours(views, rounds)}
    if pyrender_python is not None:
        figures['pyrender_views_per_s'] = _pyrender(pyrender_python)
        # the machine may have become busier or idler meanwhile: take ours again, and the lower one
        figures['views_per_s'] = min(figures['views_per_s'], _ours(views, rounds))
        figures['ratio'] = figures['views_per_s'] / figures['pyrender_views_per_s']
    return figures


def make_pyrender() -> Path:
    """Make a virtual environment with pyrender in the user's cache and return its Python.

    Raises:
        GenimaError: if the packages cannot be installed.
    """
    folder = Path.home() / '.cache' / 'genima' / 'pyrender'
    python = folder / 'bin' / 'python'
    try:
        if not python.exists():
            subprocess.run([sys.executable, '-m', 'venv', str(folder)], check=True)
        subprocess.run([str(python), '-m', 'pip', 'install', '--quiet', *PYRENDER_PACKAGES], check=True)
    except subprocess.CalledProcessError as error:
        raise GenimaError(f'pyrender cannot be installed here: {error}') from error
    return python


def _ours(views: int, rounds: int) -> float:
    camera, spheres = scene()
    stripes = Stripes(10, 0.0)
    background = np.full((SIZE_PX, SIZE_PX, 3), 200, np.uint8)
    draw(background, camera, np.eye(4), spheres, stripes)  # compiles
    rates = []
    for _ in range(rounds):
        started_s = time.perf_counter()
        for _ in range(views):
            draw(background, camera, np.eye(4), spheres, stripes)
        rates.append(views / (time.perf_counter() - started_s))
    return statistics.median(rates)


def _pyrender(python: Path) -> float:
    script = Path(__file__).with_name('pyrender_side.py')
    camera, spheres = scene()
    task = {
        'size_px': SIZE_PX,
        'focal_px': float(camera.K[0, 0]),
        'spheres': [
            {'T': sphere.T_base_sphere.tolist(), 'radius_m': sphere.radius_m, 'color': sphere.color_rgb.tolist()}
            for sphere in spheres
        ],
    }
    result = subprocess.run([str(python), str(script), json.dumps(task)], capture_output=True, text=True, timeout=300)
    if result.returncode != 0:
        last = (result.stderr.strip().splitlines() or ['it said nothing'])[-1]
        raise GenimaError(f'{python} cannot draw with pyrender: {last}; try --install-pyrender')
    return float(json.loads(result.stdout.splitlines()[-1])['views_per_s'])
