# SPDX-License-Identifier: Apache-2.0
"""What a reader of the page's schema finds in our files: views under its names, and times in Unix seconds.

Schema: "GENIMA Training Data Requirements & Integration", section "Data Formats". The views are soft links inside the file:
nothing is stored twice, and neither the digest nor a walk over the datasets counts them.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

PAGE_VIEWS = 'page_views'
"""Metadata key: {'rgb': camera, 'rgb_wrist': camera, 'rgb_third_person': camera}, where names do not tell."""
VIEW = 'rgb_'
_WALL_CLOCK_S = 1e8
"""Stamps beyond it (1973) are Unix time; no simulation or boot lasts three years."""


def camera_names(file: h5py.File) -> list[str]:
    """Return the cameras whose images an open episode file holds, sorted; the page's names for them are left out."""
    observed = file['observations']
    stored = (name for name in observed if isinstance(observed.get(name, getlink=True), h5py.HardLink))
    return sorted(name.removeprefix(VIEW) for name in stored if name.startswith(VIEW))


def page_views(cameras: Collection[str], told: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the page's name of a view to the camera that it is: `rgb`, `rgb_wrist` and `rgb_third_person`.

    Args:
        cameras: Names of the cameras.
        told: What the metadata say under `PAGE_VIEWS`; a camera that is not there is passed over.
    """
    names = sorted(cameras)
    wrist = [name for name in names if 'wrist' in name.lower() or 'hand' in name.lower()]
    third = [name for name in names if name not in wrist]
    third.sort(key=lambda name: ('third_person' not in name.lower(), 'front' not in name.lower()))
    found = {'rgb': (third or wrist)[:1], 'rgb_wrist': wrist[:1], 'rgb_third_person': third[:1]}
    chosen = {view: cameras[0] for view, cameras in found.items() if cameras}
    chosen |= {view: name for view, name in (told or {}).items() if view in found and name in names}
    return chosen


def add_page(file: h5py.File, metadata: Mapping[str, Any]) -> None:
    """Link the views under the page's names, and say which clock `timestamps` is of."""
    cameras, told = camera_names(file), metadata.get(PAGE_VIEWS)
    for view, camera in page_views(cameras, told if isinstance(told, dict) else None).items():
        if view.removeprefix(VIEW) not in cameras:
            file[f'observations/{view}'] = h5py.SoftLink(f'/observations/{VIEW}{camera}')
    times = file['timestamps']
    if clock_start_s(metadata):
        times.attrs['clock'] = 'Unix seconds: recorded_at plus simulated time'
    elif len(times) and times[0, 0] > _WALL_CLOCK_S:
        times.attrs['clock'] = 'Unix seconds'
    else:
        times.attrs['clock'] = 'seconds; when it was recorded is not known'


def clock_start_s(metadata: Mapping[str, Any]) -> float:
    """Return the Unix time [s] at zero of the episode's own clock: `recorded_at` where time was simulated, else 0."""
    if metadata.get('simulated') is not True:
        return 0.0
    try:
        return datetime.fromisoformat(str(metadata.get('recorded_at')).replace('Z', '+00:00')).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def steps_s(file: h5py.File) -> NDArray[np.float64]:
    """Return `timestamps` of an open file as (T,), whatever version of the schema it has.

    Raises:
        ValueError: if it is neither (T,) nor (T, 1).
    """
    stored = file['timestamps'][()]
    if stored.ndim not in (1, 2) or stored.shape[1:] not in ((), (1,)):
        raise ValueError(f'timestamps have shape {stored.shape}; (T, 1) is needed')
    return stored.reshape(-1)
