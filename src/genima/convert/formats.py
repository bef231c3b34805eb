# SPDX-License-Identifier: Apache-2.0
"""Which formats of datasets there are, which one a folder has, and the way from one to another: through the native one."""

import importlib
import inspect
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from genima.episodes.layouts import layout_of
from genima.episodes.store import list_episodes
from genima.errors import DatasetError
from genima.plugins import Plugins
from genima.recording.layout import SUFFIXES

NATIVE = 'hdf5'
_BAGS = tuple(f'{folder}*{suffix}' for suffix in SUFFIXES for folder in ('', '*/'))
_HDF5 = 'genima.convert.hdf5.conversion'
_COMMON = ('source', 'out', 'on_done', 'workers')


@dataclass(frozen=True)
class Format:
    """A format of datasets.

    Attributes:
        name: As the command line has it.
        text: What it is.
        signs: Files by which a folder of this format is recognised, as patterns; one of them is enough. Those of HDF5 are
            recognised by what is in their files.
        module: What converts it, with `export` from native, `load` into native, or both, and `count`; none for native.
    """

    name: str
    text: str
    signs: tuple[str, ...]
    module: str = ''

    def __post_init__(self) -> None:
        """Refuse signs that no folder can be searched for."""
        for sign in self.signs:
            if not sign or Path(sign).is_absolute():
                raise DatasetError(f'format {self.name!r}, signs: got {sign!r}, allowed: patterns below the folder, "*.npz"')


FORMATS = {
    each.name: each
    for each in (
        Format(NATIVE, 'native episodes', ('episode_*.h5',)),
        Format('lerobot', 'LeRobot v3.0; v2.0 and v2.1 are read', ('meta/info.json',), 'genima.convert.lerobot.conversion'),
        Format(
            'rlds',
            'RLDS of tensorflow-datasets',
            ('features.json', '*/features.json'),
            'genima.convert.rlds.conversion',
        ),
        Format('mcap', 'rosbag2 recordings', _BAGS, 'genima.convert.mcap.conversion'),
        Format('page', "HDF5 in the training-data page's own schema", (), _HDF5),
        Format('robomimic', 'HDF5 of robomimic', (), _HDF5),
        Format('aloha', 'HDF5 of ALOHA and ACT', (), _HDF5),
        Format(
            'rlbench',
            'demonstrations of RLBench',
            tuple(f'{"*/" * depth}low_dim_obs.pkl' for depth in range(6)),
            'genima.convert.rlbench.conversion',
        ),
    )
}
OTHERS = Plugins(
    'genima.formats', 'format', DatasetError, attributes=('name', 'text', 'signs', 'module'), more=tuple(FORMATS)
)
"""Those of other packages, each a `Format`."""


@dataclass(frozen=True)
class Step:
    """One conversion between native and another format.

    Attributes:
        text: Such as 'rlds to hdf5'.
        source: Folder to read, and `out` the one to write; `native` is the one of them that holds native episodes.
        module: The converter, and `function` what of it is run.
        temporary: `out` is only needed for the next step.
    """

    text: str
    source: Path
    out: Path
    native: Path
    module: ModuleType
    function: Callable[..., None]
    temporary: bool = False

    @property
    def options(self) -> set[str]:
        """Names of what this conversion can be told besides where it reads and writes."""
        return set(inspect.signature(self.function).parameters) - set(_COMMON)

    def count(self) -> int:
        """Return the number of episodes to convert."""
        return len(list_episodes(self.source)) if self.native == self.source else int(self.module.count(self.source))

    def run(self, on_done: Callable[[str], None], workers: int, options: Mapping[str, Any]) -> None:
        """Convert; of `options` it takes what it knows."""
        own = {name: value for name, value in options.items() if name in self.options}
        self.function(self.source, self.out, on_done, workers, **own)


def formats() -> dict[str, Format]:
    """Return all formats by name: ours, and those of other packages that are not broken."""
    return {**OTHERS.all(), **FORMATS}


def detect(folder: Path) -> str:
    """Return the name of a folder's format.

    Raises:
        DatasetError: if the folder does not exist, or has no known format, or signs of several.
    """
    if folder.is_file() and folder.name.endswith(SUFFIXES):
        return 'mcap'
    if not folder.exists():
        raise DatasetError(f'{folder} is no folder and no file; name the folder of a dataset')
    known = formats()
    found = [each.name for each in known.values() if any(next(folder.glob(sign), None) for sign in each.signs)]
    layout = layout_of(folder)
    if layout and layout != NATIVE:
        found = [layout, *(name for name in found if name != NATIVE)]
    if len(found) != 1:
        signs = '; '.join(f'{each.name}: {each.signs[0] if each.signs else "*.h5, *.hdf5"}' for each in known.values())
        signs += ''.join(f'; {name}: broken' for name in OTHERS.names() if name not in known)
        problem = f'looks like {" and ".join(found)}' if found else f'has no known format ({signs})'
        raise DatasetError(f'{folder} {problem}; say what it is with --from')
    return found[0]


def plan(source: Path, out: Path, to: str, from_: str | None = None) -> list[Step]:
    """Return the one or two steps that convert a dataset.

    Between two foreign formats the native episodes lie in a hidden folder beside `out` until `clean_up` removes it, so that
    an interrupted conversion goes on where it was.

    Args:
        source: Folder to read.
        out: Folder to write.
        to: Name of the format wanted.
        from_: Name of the source's format; found out if it is not given.

    Raises:
        DatasetError: if there is no such conversion.
    """
    from_ = from_ or detect(source)
    if from_ == to:
        raise DatasetError(f'{source} has the format {from_} already; formats are {OTHERS.listed()}')
    if NATIVE in (from_, to):
        return [_step(source, out, from_, to)]
    between = out.absolute().with_name(f'.{out.absolute().name}.{NATIVE}')
    return [_step(source, between, from_, NATIVE, temporary=True), _step(between, out, NATIVE, to)]


def check_options(steps: Sequence[Step], options: Mapping[str, Any]) -> None:
    """Raise DatasetError for an option that no step takes: it was given for a reason, which would be missed silently."""
    known: set[str] = set().union(*(step.options for step in steps))
    for name in sorted(set(options) - known):
        way = ', then '.join(step.text for step in steps)
        raise DatasetError(f'--{name.replace("_", "-")} means nothing when converting {way}; leave it out')


def clean_up(steps: Sequence[Step]) -> None:
    """Remove what was only needed between the steps."""
    for step in steps:
        if step.temporary:
            shutil.rmtree(step.out, ignore_errors=True)


def _step(source: Path, out: Path, from_: str, to: str, temporary: bool = False) -> Step:
    known = formats()
    for name in (from_, to):
        if name not in known:
            OTHERS.get(name)  # says whether it is broken, or not there
    foreign, kind, native = (to, 'export', source) if from_ == NATIVE else (from_, 'load', out)
    module = _module(known[foreign])
    function = getattr(module, kind, None)
    if function is None:
        raise DatasetError(f'{known[foreign].text} cannot be {"written" if kind == "export" else "read"}')
    return Step(f'{from_} to {to}', source, out, native, module, function, temporary)


def _module(form: Format) -> ModuleType:
    try:
        return importlib.import_module(form.module)
    except Exception as error:  # whatever the import of another package runs into
        raise DatasetError(
            f'format {form.name!r} is broken: its module {form.module!r}: {type(error).__name__}: {error}'
        ) from error
