# SPDX-License-Identifier: Apache-2.0
"""The gate: real ROS 2 where it can be imported, else the subset."""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

_HERE = Path(__file__).parent
# needed beside rclpy, and not in every installation of it: `ros:jazzy-ros-base` has no cv_bridge and no tf_transformations
BESIDE = ('cv_bridge', 'tf2_ros', 'tf_transformations')


class RosEnvironmentError(ImportError):
    """A ROS 2 environment is sourced but this Python cannot use it."""


class _SubsetFinder(importlib.abc.MetaPathFinder):
    """Finds `rclpy` in this package; it goes last in `sys.meta_path`, so that an installed one wins."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return a spec for `rclpy`; its modules are then found by Python itself.

        Raises:
            ModuleNotFoundError: for modules of rclpy that the subset lacks.
        """
        if fullname == 'rclpy':
            return _spec(fullname)
        if fullname.startswith('rclpy.'):
            raise ModuleNotFoundError(f'rosless has no {fullname}; this needs a real ROS 2 installation', name=fullname)
        return None


class _BesideFinder(importlib.abc.MetaPathFinder):
    """Finds the packages beside rclpy in this one, where they are not installed; they work on a real rclpy, too."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return a spec; the modules are then found by Python itself."""
        return _spec(fullname) if fullname in BESIDE else None


def _spec(package: str) -> importlib.machinery.ModuleSpec | None:
    folder = _HERE / package
    return importlib.util.spec_from_file_location(
        package, folder / '__init__.py', submodule_search_locations=[str(folder)]
    )


def active() -> bool:
    """Return whether `rclpy` is, or would be, the subset."""
    return any(isinstance(finder, _SubsetFinder) for finder in sys.meta_path)


def ensure() -> bool:
    """Make `import rclpy` and message packages work; return whether they come from the subset.

    A real rclpy wins. Without one, finders for the subset and for the message packages are appended to `sys.meta_path`.
    So is one for cv_bridge, tf2_ros and tf_transformations, each where it is not installed.
    Nothing called rclpy is installed, and further calls change nothing.

    Raises:
        RosEnvironmentError: if a ROS 2 environment is sourced but its rclpy cannot be imported.
        DefinitionError: if a .msg or .srv file in the interface folders cannot be used.
        DDSError: if Cyclone DDS cannot be loaded.
    """
    if not any(isinstance(finder, _BesideFinder) for finder in sys.meta_path):
        sys.meta_path.append(_BesideFinder())
    if active():
        return True
    if 'rclpy' in sys.modules or importlib.util.find_spec('rclpy') is not None:
        _require_working_rclpy()
        return False
    if prefix := os.environ.get('AMENT_PREFIX_PATH'):
        raise RosEnvironmentError(_sourced_but_missing(prefix, 'it has no module rclpy'))
    from rosless.interfaces.modules import InterfaceFinder

    finder = InterfaceFinder()
    sys.meta_path += [_SubsetFinder(), finder]
    finder.load_folders()
    return True


def _require_working_rclpy() -> None:
    try:
        import rclpy  # noqa: F401
        from rclpy import node  # noqa: F401, loads the C extension
    except ImportError as error:
        raise RosEnvironmentError(_sourced_but_missing(os.environ.get('AMENT_PREFIX_PATH', ''), str(error))) from error


def _sourced_but_missing(prefix: str, reason: str) -> str:
    version = '.'.join(map(str, sys.version_info[:3]))
    return (
        f'A ROS 2 environment is sourced (AMENT_PREFIX_PATH={prefix}), but Python {version} ({sys.executable}) cannot '
        f'import its rclpy: {reason}. ROS 2 works only with the Python that it was built for. Either use that Python '
        '(for example a virtual environment made with `/usr/bin/python3 -m venv --system-site-packages`), or start a '
        'shell in which ROS 2 is not sourced, so that rosless is used.'
    )
