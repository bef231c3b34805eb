# SPDX-License-Identifier: Apache-2.0
"""Draws the bench's scenes with pyrender. Runs in an environment of its own; reads the task on standard input.

It is used as its authors would: meshes and textures are uploaded once, a view sets the poses of the nodes, and the
gripper's two colours are two meshes of which one is shown.
"""

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

TEXTURE_PX = 256
VIEWS, ROUNDS = 32, 5
FLIP = np.diag([1.0, -1.0, -1.0, 1.0])  # optical frame to OpenGL's


def striped_sphere(radius_m: float, color: list[int], bands: int) -> pyrender.Mesh:
    """Return a sphere whose texture has bands perpendicular to its local x axis."""
    mesh = trimesh.creation.uv_sphere(radius=radius_m, count=[32, 32])
    texture = np.zeros((TEXTURE_PX, TEXTURE_PX, 3), np.uint8)
    columns = (np.arange(TEXTURE_PX) * bands // TEXTURE_PX) % 2 == 0
    texture[:, columns] = color
    uv = 0.5 + 0.5 * mesh.vertices[:, :2] / radius_m
    mesh.visual = trimesh.visual.TextureVisuals(uv=uv, image=Image.fromarray(texture))
    return pyrender.Mesh.from_trimesh(mesh, smooth=True)


def main() -> None:
    """Draw, time, print."""
    task = json.load(sys.stdin)
    size, bands = task['size_px'], task['bands']
    scene = pyrender.Scene(bg_color=[255, 255, 255], ambient_light=[1.0, 1.0, 1.0])
    colors = [*task['colors'], task['closed']]
    radii_m = [*task['radii_m'], task['radii_m'][-1]]
    nodes = [scene.add(striped_sphere(radius, color, bands)) for radius, color in zip(radii_m, colors, strict=True)]
    middle = size / 2  # OpenGL's pixel centres lie at halves
    scene.add(pyrender.IntrinsicsCamera(task['focal_px'], task['focal_px'], middle, middle, znear=0.01, zfar=3.0))
    poses = [[FLIP @ np.array(T) for T in each] for each in task['scenes']]
    renderer = pyrender.OffscreenRenderer(size, size)
    background = np.full((size, size, 3), task['background'], np.uint8)
    view = np.empty_like(background)

    def draw(index: int) -> np.ndarray:
        each = poses[index % len(poses)]
        for node, pose in zip(nodes, [*each, each[-1]], strict=True):
            scene.set_pose(node, pose)
        opened, closed = nodes[-2].mesh, nodes[-1].mesh
        opened.is_visible, closed.is_visible = index % 2 == 0, index % 2 == 1
        color, depth = renderer.render(scene, flags=pyrender.RenderFlags.FLAT)
        np.copyto(view, background)
        np.copyto(view, color, where=(depth > 0)[..., None])
        return depth

    for index in range(len(poses)):
        draw(index)
    rates, cpu_us = [], []
    for _ in range(ROUNDS):
        started_s, cpu_s = time.perf_counter(), time.process_time()
        for index in range(VIEWS):
            depth = draw(index)
        rates.append(VIEWS / (time.perf_counter() - started_s))
        cpu_us.append((time.process_time() - cpu_s) / VIEWS * 1e6)
    figures = {'views_per_s': statistics.median(rates), 'cpu_us': min(cpu_us), 'pixels': int((depth > 0).sum())}
    print(json.dumps(figures))


if __name__ == '__main__':
    main()
