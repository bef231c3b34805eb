# SPDX-License-Identifier: Apache-2.0
"""Draws the bench's scene with pyrender. Runs in an environment of its own; prints {"views_per_s": ...}."""

import json
import os
import statistics
import sys
import time

os.environ.setdefault('PYOPENGL_PLATFORM', 'egl')

import numpy as np
import pyrender
import trimesh
from PIL import Image

BANDS, TEXTURE_PX = 10, 256
VIEWS, ROUNDS = 20, 5


def striped_sphere(radius_m: float, color: list[int]) -> trimesh.Trimesh:
    """Return a sphere whose texture has bands perpendicular to its local x axis."""
    mesh = trimesh.creation.uv_sphere(radius=radius_m, count=[32, 32])
    texture = np.zeros((TEXTURE_PX, TEXTURE_PX, 3), np.uint8)
    columns = (np.arange(TEXTURE_PX) * BANDS // TEXTURE_PX) % 2 == 0
    texture[:, columns] = color
    uv = 0.5 + 0.5 * mesh.vertices[:, :2] / radius_m
    mesh.visual = trimesh.visual.TextureVisuals(uv=uv, image=Image.fromarray(texture))
    return mesh


def main() -> None:
    """Draw, time, print."""
    task = json.loads(sys.argv[1])
    size = task['size_px']
    scene = pyrender.Scene(bg_color=[255, 255, 255], ambient_light=[1.0, 1.0, 1.0])
    for each in task['spheres']:
        mesh = pyrender.Mesh.from_trimesh(striped_sphere(each['radius_m'], each['color']), smooth=True)
        scene.add(mesh, pose=np.diag([1.0, -1.0, -1.0, 1.0]) @ np.array(each['T']))
    camera = pyrender.IntrinsicsCamera(task['focal_px'], task['focal_px'], size / 2, size / 2, znear=0.01, zfar=3.0)
    scene.add(camera, pose=np.eye(4))
    renderer = pyrender.OffscreenRenderer(size, size)
    background = np.full((size, size, 3), 200, np.uint8)
    rates = []
    for _ in range(ROUNDS):
        started_s = time.perf_counter()
        for _ in range(VIEWS):
            color, depth = renderer.render(scene, flags=pyrender.RenderFlags.FLAT)
            np.where((depth > 0)[..., None], color, background)
        rates.append(VIEWS / (time.perf_counter() - started_s))
    print(json.dumps({'views_per_s': statistics.median(rates), 'pixels': int((depth > 0).sum())}))


if __name__ == '__main__':
    main()
