# SPDX-License-Identifier: Apache-2.0
"""How fast striped spheres are drawn, by our renderer and by pyrender in the same run.

Both do the work of a data loader: a background, and on it four spheres whose poses, and the colour of the gripper's,
are other ones in every view. Poses are made before the clock starts.
"""

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
from genima.spheres.render import draw, visible
from genima.spheres.scene import Sphere, Stripes

SIZE_PX = 256
# pyrender 0.1.45 is the last release. It asks for PyOpenGL 3.1.0, which cannot open EGL here, so its needs are named
PYRENDER = 'pyrender==0.1.45'
PYRENDER_NEEDS = (
    'PyOpenGL==3.1.7', 'numpy<2', 'pyglet<2', 'trimesh<4.5', 'networkx', 'scipy', 'pillow', 'imageio', 'freetype-py',
    'six',
)  # fmt: skip
RADII_M, DEPTH_M = (0.08, 0.07, 0.065, 0.065), 1.0
CENTRES_M = ((-0.2, -0.2), (0.15, -0.1), (0.1, 0.2), (-0.1, 0.15))
COLORS_RGB = ((40, 110, 255), (255, 225, 30), (230, 60, 230), (30, 230, 60))
CLOSED_RGB = (255, 120, 20)  # the last sphere is the gripper's: it has this colour in every second view
BANDS, BACKGROUND = 10, 200
SCENES = 32


def bench_camera() -> CameraModel:
    """Return the pinhole camera of both sides."""
    focal, middle = 280.0, (SIZE_PX - 1) / 2
    return CameraModel('bench', SIZE_PX, SIZE_PX, np.array([[focal, 0, middle], [0, focal, middle], [0, 0, 1]]))


def scenes(seed: int = 0) -> list[list[Sphere]]:
    """Return different poses of the four spheres in the camera's frame, all of them in view."""
    rng = np.random.default_rng(seed)
    made = []
    for index in range(SCENES):
        spheres = []
        for number, ((x, y), radius, color) in enumerate(zip(CENTRES_M, RADII_M, COLORS_RGB, strict=True)):
            T = np.eye(4)
            axes = np.linalg.qr(rng.normal(size=(3, 3)))[0]
            T[:3, :3] = axes * np.sign(np.linalg.det(axes))
            T[:3, 3] = np.array([x, y, DEPTH_M + 0.05 * number]) + rng.uniform(-0.02, 0.02, 3)
            closed = number == len(RADII_M) - 1 and index % 2 == 1
            spheres.append(Sphere(f'sphere {number}', T, radius, np.array(CLOSED_RGB if closed else color, np.uint8)))
        made.append(spheres)
    return made


def bench_spheres(views: int, rounds: int, pyrender_python: Path | None = None) -> dict[str, Any]:
    """Return views per second of our renderer, background copy included, and of pyrender where a Python is given.

    The processor time per view is of all threads; it says more than the rate while a machine does other work.
    """
    rate, cpu_us = _ours(views, rounds)
    figures: dict[str, Any] = {'size_px': SIZE_PX, 'spheres': len(RADII_M), 'views_per_s': rate, 'cpu_us': cpu_us}
    if pyrender_python is not None:
        theirs = _pyrender(pyrender_python)
        figures.update({f'pyrender_{name}': value for name, value in theirs.items()})
        counts = visible(bench_camera(), np.eye(4), scenes()[-1]).pixels
        figures['pixels'] = int(counts.sum())
        # the machine may have become busier or idler meanwhile: take ours again, and the lower one
        figures['views_per_s'] = min(rate, _ours(views, rounds)[0])
        figures['ratio'] = figures['views_per_s'] / theirs['views_per_s']
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
        install = [str(python), '-m', 'pip', 'install', '--quiet']
        subprocess.run([*install, *PYRENDER_NEEDS], check=True)
        subprocess.run([*install, '--no-deps', PYRENDER], check=True)
    except subprocess.CalledProcessError as error:
        raise GenimaError(f'pyrender cannot be installed here: {error}') from error
    return python


def _ours(views: int, rounds: int) -> tuple[float, float]:
    """Return views per second (median of the rounds) and processor microseconds per view (of the best round)."""
    camera, made, stripes = bench_camera(), scenes(), Stripes(BANDS, 0.0)
    background = np.full((SIZE_PX, SIZE_PX, 3), BACKGROUND, np.uint8)
    T, view = np.eye(4), np.empty_like(background)  # a loader draws into its batch
    draw(background, camera, T, made[0], stripes, out=view)  # compiles
    rates, cpu_us = [], []
    for _ in range(rounds):
        started_s, cpu_s = time.perf_counter(), time.process_time()
        for index in range(views):
            draw(background, camera, T, made[index % SCENES], stripes, out=view)
        rates.append(views / (time.perf_counter() - started_s))
        cpu_us.append((time.process_time() - cpu_s) / views * 1e6)
    return statistics.median(rates), min(cpu_us)


def _pyrender(python: Path) -> dict[str, float]:
    """Return the figures that `pyrender_side.py` prints."""
    made = scenes()
    task = {
        'size_px': SIZE_PX,
        'focal_px': float(bench_camera().K[0, 0]),
        'bands': BANDS,
        'background': BACKGROUND,
        'radii_m': RADII_M,
        'colors': COLORS_RGB,
        'closed': CLOSED_RGB,
        'scenes': [[sphere.T_base_sphere.tolist() for sphere in spheres] for spheres in made],
    }
    script = Path(__file__).with_name('pyrender_side.py')
    result = subprocess.run(
        [str(python), str(script)], input=json.dumps(task), capture_output=True, text=True, timeout=300
    )
    if result.returncode != 0:
        last = (result.stderr.strip().splitlines() or ['it said nothing'])[-1]
        raise GenimaError(f'{python} cannot draw with pyrender: {last}; try --install-pyrender')
    return dict(json.loads(result.stdout.splitlines()[-1]))
