# SPDX-License-Identifier: Apache-2.0
"""What a wheel holds beside its packages: configuration, models and message definitions, below <prefix>/share."""

from collections import defaultdict
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).parent
SHARED = {'config': 'share/genima/config', 'models': 'share/genima/models', 'src/genima_msgs': 'share/rosless/genima_msgs'}
SUFFIXES = {'.yaml', '.json', '.rviz', '.md', '.safetensors', '.xml', '.msg', '.srv', '.action', '.urdf', '.rst'}


def data_files() -> list[tuple[str, list[str]]]:
    """Return (folder in the prefix, files) pairs; setuptools does not keep folders below a folder by itself."""
    folders = defaultdict(list)
    for source, target in SHARED.items():
        for path in sorted((ROOT / source).rglob('*')):
            if path.suffix in SUFFIXES:
                place = Path(target) / path.parent.relative_to(ROOT / source)
                folders[str(place)].append(str(path.relative_to(ROOT)))
    return list(folders.items())


setup(data_files=data_files())
