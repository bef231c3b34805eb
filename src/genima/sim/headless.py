# SPDX-License-Identifier: Apache-2.0
"""Chooses MuJoCo's OpenGL before MuJoCo is imported: EGL where it is installed, else OSMesa. Import this first."""

import ctypes
import os
from ctypes.util import find_library

from genima.errors import GenimaError

ADVICE = (
    'rendering without a display needs EGL or OSMesa; install one with '
    '`sudo apt-get install libegl1 libegl-mesa0` or `sudo apt-get install libosmesa6`'
)


def _loads(name: str) -> bool:
    path = find_library(name)
    try:
        return path is not None and bool(ctypes.CDLL(path))
    except OSError:
        return False


def choose_gl() -> str:
    """Set MUJOCO_GL (unless the user did) and return it; 'disabled' where neither library is installed."""
    if 'MUJOCO_GL' not in os.environ:
        found = next((gl for gl, library in (('egl', 'EGL'), ('osmesa', 'OSMesa')) if _loads(library)), 'disabled')
        os.environ['MUJOCO_GL'] = found
        if found != 'disabled':
            os.environ.setdefault('PYOPENGL_PLATFORM', found)
    return os.environ['MUJOCO_GL']


def require_gl() -> None:
    """Raise a GenimaError that names the system packages where nothing can render."""
    if choose_gl() == 'disabled':
        raise GenimaError(f'no OpenGL library was found; {ADVICE}')


choose_gl()
