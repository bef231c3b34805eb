# SPDX-License-Identifier: Apache-2.0
"""The bounding box of a mesh file that a URDF names: STL or OBJ, found beside the URDF and nowhere else."""

from pathlib import Path

import numpy as np

MAX_BYTES = 64 * 2**20
STL_HEADER, STL_TRIANGLE = 84, 50
LEVELS_UP = 6


def mesh_box(uri: str, urdf: Path) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the lowest and the highest corner (3,) of a mesh in its own units; None where it cannot be read.

    Args:
        uri: package://name/path, file://path, or a path relative to the URDF.
        urdf: The file that names it; its package is looked for in the folders above.
    """
    path = _resolve(uri, urdf.resolve())
    if path is None or not path.is_file() or not 0 < path.stat().st_size <= MAX_BYTES:
        return None
    readers = {'.stl': _stl, '.obj': _obj}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        return None
    try:
        points = reader(path.read_bytes())
    except (ValueError, IndexError):
        return None
    if not len(points) or not np.isfinite(points).all():
        return None
    return points.min(axis=0), points.max(axis=0)


def _resolve(uri: str, urdf: Path) -> Path | None:
    """Return where the file is; None where it would lie outside of the package, or of the folder of the URDF."""
    if not uri or '\0' in uri:
        return None
    if not uri.startswith('package://'):
        return _inside(urdf.parent, uri.removeprefix('file://'))
    package, _, rest = uri.removeprefix('package://').partition('/')
    if package in ('', '.', '..'):
        return None
    for folder in [urdf.parent, *urdf.parents][:LEVELS_UP]:
        for root in (folder, folder / package):
            if root.name == package and root.is_dir():
                return _inside(root, rest)
    return None


def _inside(root: Path, rest: str) -> Path | None:
    path = (root / rest).resolve()
    return path if path.is_relative_to(root.resolve()) else None


def _stl(data: bytes) -> np.ndarray:
    count = int.from_bytes(data[80:84], 'little')
    if len(data) == STL_HEADER + STL_TRIANGLE * count:
        layout = np.dtype([('normal', '<f4', 3), ('corners', '<f4', (3, 3)), ('attribute', '<u2')])
        corners = np.frombuffer(data, layout, count, STL_HEADER)['corners']
        return corners.reshape(-1, 3).astype(np.float64)
    lines = [line.split() for line in data.splitlines()]
    return np.array([[float(part) for part in line[1:4]] for line in lines if line[:1] == [b'vertex']]).reshape(-1, 3)


def _obj(data: bytes) -> np.ndarray:
    lines = [line.split() for line in data.splitlines()]
    return np.array([[float(part) for part in line[1:4]] for line in lines if line[:1] == [b'v']]).reshape(-1, 3)
