# SPDX-License-Identifier: Apache-2.0
"""MuJoCo worlds built from robot profiles, tasks, a scripted expert, and the emulated robot controller."""

from genima.sim import headless as headless  # chooses the OpenGL before any module here imports mujoco
