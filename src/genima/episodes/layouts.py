# SPDX-License-Identifier: Apache-2.0
"""Which layout an HDF5 file has, where its demonstrations are, and what is called how in each.

Sources: the training-data page, "Data Formats"; ARISE-Initiative/robomimic, docs/datasets/overview.md and
scripts/dataset_states_to_obs.py; tonyzhaozh/act, record_sim_episodes.py, and tonyzhaozh/aloha, constants.py (50 Hz).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from genima.borders.files import border, inside
from genima.borders.hdf5 import open_hdf5
from genima.borders.texts import parse_json
from genima.episodes.store import SCHEMA
from genima.errors import BorderError, DatasetError

NATIVE, PAGE, ROBOMIMIC, ALOHA = 'hdf5', 'page', 'robomimic', 'aloha'
_ALOHA_RATE_HZ = 50.0


@dataclass(frozen=True)
class Demo:
    """One demonstration: a file and the group in it, '/' for the whole file."""

    path: Path
    group: str

    @property
    def text(self) -> str:
        """Where it is, for messages."""
        return str(self.path) if self.group == '/' else f'{self.path}{self.group}'


def hdf5_files(source: Path) -> list[Path]:
    """Return the HDF5 files of a folder in the order of the numbers in their names, or the one that `source` is."""
    if source.is_file():
        return [source]
    paths = sorted(
        (path for path in source.iterdir() if path.suffix in ('.h5', '.hdf5')), key=lambda path: _order(path.name)
    )
    return [inside(source, path) for path in paths]


def layout_of(source: Path) -> str:
    """Return the layout of the first HDF5 file, '' where there is none or it is none of them."""
    for path in hdf5_files(source)[:1]:
        try:
            with open_hdf5(path) as file:
                return NATIVE if file.attrs.get('schema') == SCHEMA else _layout(file)
        except DatasetError as error:
            if isinstance(error.__cause__, BorderError):
                raise  # it is refused, and not only of another kind
            return ''
        except (OSError, RuntimeError, KeyError, ValueError, TypeError):
            return ''
    return ''


def find_demos(source: Path, layout: str) -> list[Demo]:
    """Return all demonstrations of a layout in order.

    Raises:
        DatasetError: if there are none, or a file cannot be opened.
    """
    demos = [Demo(path, group) for path in hdf5_files(source) for group in _groups_in(path, layout)]
    if not demos:
        raise DatasetError(f'{source} holds no demonstration of layout {layout} in *.h5 or *.hdf5')
    return demos


def views_of(group: h5py.Group, layout: str) -> dict[str, str]:
    """Return camera name to the dataset that holds its colour images."""
    if layout == PAGE:
        names = {name.removeprefix('rgb_'): f'observations/{name}' for name in group['observations'] if name[:4] == 'rgb_'}
        if 'rgb' in group['observations']:
            names.setdefault('third_person', 'observations/rgb')
        return names
    if layout == ALOHA:
        return {name: f'observations/images/{name}' for name in group.get('observations/images', ())}
    return {name.removesuffix('_image'): f'obs/{name}' for name in group['obs'] if name.endswith('_image')}


def rate_hz_of(group: h5py.Group, layout: str) -> float | None:
    """Return the rate that a layout states, None where it states none (the page has times instead)."""
    if layout == ALOHA:
        return _ALOHA_RATE_HZ
    rate_hz = _env_args(group).get('env_kwargs', {}).get('control_freq') if layout == ROBOMIMIC else None
    return float(rate_hz) if isinstance(rate_hz, (int, float)) and rate_hz > 0 else None


def task_of(group: h5py.Group, layout: str) -> str:
    """Return the task where the file names it."""
    return str(_env_args(group).get('env_name') or '') if layout == ROBOMIMIC else ''


def existing(group: h5py.Group) -> str:
    """Return names and shapes of everything that is in a demonstration, for messages."""
    found: list[str] = []
    group.visititems(lambda name, item: found.append(f'{name} {item.shape}') if isinstance(item, h5py.Dataset) else None)
    return 'there are ' + ', '.join(found[:40])


def _layout(file: h5py.File) -> str:
    for layout in (ROBOMIMIC, ALOHA, PAGE):
        if next(_groups(file, layout), None) is not None:
            return layout
    return ''


def _groups_in(path: Path, layout: str) -> list[str]:
    advice = 'copy it again'
    with open_hdf5(path, advice) as file, border(path, advice):
        return sorted(_groups(file, layout), key=_order)


def _groups(file: h5py.File, layout: str) -> Iterator[str]:
    """Yield the groups that are demonstrations: the file, the groups in it, or those in `data`."""
    inside = [f'/{name}' for name in file]
    if isinstance(file.get('data'), h5py.Group):
        inside += [f'/data/{name}' for name in file['data']]
    for name in ('/', *inside):
        group = file[name]
        if isinstance(group, h5py.Group) and _is_demo(group, layout):
            yield name


def _is_demo(group: h5py.Group, layout: str) -> bool:
    if layout == ROBOMIMIC:
        return 'actions' in group and isinstance(group.get('obs'), h5py.Group) and isinstance(group['actions'], h5py.Dataset)
    if layout == ALOHA:
        return 'action' in group and 'observations/qpos' in group
    observed = group.get('observations')
    if not isinstance(observed, h5py.Group):
        return False
    return (
        any(name == 'rgb' or name.startswith('rgb_') for name in observed)
        and 'actions/joint_positions' in group
        and 'actions/gripper' in group
    )


def _env_args(group: h5py.Group) -> dict[str, Any]:
    try:
        values = parse_json(group.parent.attrs.get('env_args', '{}'))
    except (ValueError, TypeError, AttributeError):
        return {}
    return values if isinstance(values, dict) else {}


def _order(name: str) -> list[tuple[int, str]]:
    """Return a key by which demo_2 comes before demo_10."""
    return [(int(part), '') if part.isdigit() else (-1, part) for part in re.split(r'(\d+)', name)]
