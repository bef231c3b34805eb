# SPDX-License-Identifier: Apache-2.0
"""`exported/` of a policy: networks in formats of other back ends, and a manifest of what they were made from."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from genima.borders.files import border, inside, regular_file
from genima.borders.texts import read_json
from genima.errors import BorderError, PolicyError

DIRECTORY, MANIFEST = 'exported', 'manifest.json'
PACKAGES = ('genima', 'torch', 'onnx', 'onnxruntime', 'openvino')
MAX_FILE_BYTES = 2**31
"""A file in ONNX holds its own weights, and the format that it is written in ends at two gigabytes."""
_BLOCK = 2**22


@dataclass(frozen=True)
class ExportedFile:
    """One network in one format.

    Attributes:
        network: 'step' or 'decoder' of a painter, 'controller'; 'check' for the views of the self-check.
        form: 'onnx', 'onnx-int8', 'torchscript' or 'safetensors'.
        name: Of the file, in the folder of the manifest.
        size_bytes, sha256: Of the file.
        difference: The largest to torch in float32, as a fraction of the range of values; None for no network.
    """

    network: str
    form: str
    name: str
    size_bytes: int
    sha256: str
    difference: float | None


@dataclass(frozen=True)
class Exports:
    """What a manifest says.

    Attributes:
        directory: Where it lies.
        sources: File of the policy to its SHA-256 when the networks were exported.
        made_with: Package to version.
        figures: Of the whole side against torch, for example 'int8_center_median_px'.
        files: What there is.
    """

    directory: Path
    sources: dict[str, str]
    made_with: dict[str, str]
    figures: dict[str, float]
    files: tuple[ExportedFile, ...] = field(default=())

    def path(self, network: str, form: str) -> Path:
        """Return a file whose size and hash are what the manifest says.

        Raises:
            PolicyError: if it was not exported, or is another file.
        """
        found = [file for file in self.files if (file.network, file.form) == (network, form)]
        if not found:
            there = ', '.join(sorted({file.form for file in self.files})) or 'nothing'
            raise PolicyError(f'{self.directory} holds no {network} as {form}, only {there}; {remedy(self.directory)}')
        path = self.directory / found[0].name
        with border(path, remedy(self.directory), PolicyError):
            size = regular_file(inside(self.directory, path)).stat().st_size
            if size > MAX_FILE_BYTES or size != found[0].size_bytes:
                raise BorderError(f'{path} has {size} bytes, the manifest says {found[0].size_bytes}')
            if (got := sha256(path)) != found[0].sha256:
                raise BorderError(f'{path} has SHA-256 {got}, the manifest says {found[0].sha256}')
        return path


def remedy(directory: Path) -> str:
    """Return the command that makes the exports of a folder anew."""
    return f'export it again: genima export --policy {directory.parents[1]}, with --int8 --calibration DATA for int8'


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def read_exports(policy_dir: Path | str, side: str, sources: Callable[[], Mapping[str, str]]) -> Exports:
    """Return the exports of a policy's 'painter' or 'controller'.

    Args:
        policy_dir: The policy directory.
        side: Folder in `exported/`.
        sources: Returns file to SHA-256 as it is now; asked only where there are exports, a large base takes seconds.

    Raises:
        PolicyError: if there are none, they are damaged, or the policy's weights are others now.
    """
    directory = Path(policy_dir) / DIRECTORY / side
    path = directory / MANIFEST
    if not path.is_file():
        raise PolicyError(f'{path} is missing: the {side} has not been exported; genima export --policy {policy_dir}')
    with border(path, remedy(directory), PolicyError):
        exports = _parse(directory, read_json(inside(policy_dir, path)))
    now = sources()
    changed = sorted(name for name in {*now, *exports.sources} if now.get(name) != exports.sources.get(name))
    if changed:
        raise PolicyError(f'{directory} was made from another {changed[0]} than the policy has now; {remedy(directory)}')
    return exports


def _parse(directory: Path, values: Any) -> Exports:
    """Turn what the JSON holds into `Exports`, each value of its type."""
    if not isinstance(values, dict) or set(values) != {'sources', 'made_with', 'figures', 'files'}:
        raise BorderError('no manifest of exports')
    files = tuple(ExportedFile(**each) for each in values['files'])
    for file in files:
        texts = (file.network, file.form, file.name, file.sha256)
        if not all(isinstance(text, str) for text in texts) or not isinstance(file.size_bytes, int):
            raise BorderError('a file of the manifest is not described by texts and a size')
    names = [{str(name): str(text) for name, text in values[key].items()} for key in ('sources', 'made_with')]
    figures = {str(name): float(value) for name, value in values['figures'].items()}
    return Exports(directory, names[0], names[1], figures, files)


@contextmanager
def written_exports(policy_dir: Path | str, side: str) -> Iterator[Path]:
    """Yield a folder to export into; it replaces `exported/<side>` when the block ends without an error."""
    target = Path(policy_dir) / DIRECTORY / side
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(mkdtemp(prefix=f'.{side}.', dir=target.parent))
    try:
        yield temporary
        temporary.chmod(0o755)
        shutil.rmtree(target, ignore_errors=True)
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def described(folder: Path, network: str, form: str, name: str, difference: float | None) -> ExportedFile:
    """Return the entry of a file that was just written."""
    path = folder / name
    return ExportedFile(network, form, name, path.stat().st_size, sha256(path), difference)


def write_manifest(exports: Exports) -> None:
    """Write the manifest into the folder that is being written."""
    values = asdict(exports)
    del values['directory']
    (exports.directory / MANIFEST).write_text(json.dumps(values, indent=1) + '\n')


def versions() -> dict[str, str]:
    """Return the versions of the packages that exports and measurements depend on, where they are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
