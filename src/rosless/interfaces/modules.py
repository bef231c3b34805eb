# SPDX-License-Identifier: Apache-2.0
"""`from sensor_msgs.msg import Image`, where no such package is installed."""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from rosless.interfaces.actions import action_class
from rosless.interfaces.definitions import (
    DefinitionError,
    action_names,
    find_message,
    interface_folders,
    load_folder,
    message_names,
    service_names,
)
from rosless.interfaces.messages import message_class
from rosless.interfaces.services import service_class
from rosless.interfaces.standard_interfaces import register_standard_interfaces

_KINDS = {'msg': message_names, 'srv': service_names, 'action': action_names}
_CLASSES: dict[str, Callable[[str], Any]] = {'msg': message_class, 'srv': service_class, 'action': action_class}


def _names(package: str, kind: str) -> list[str]:
    return [name.rsplit('/', 1)[1] for name in _KINDS[kind]() if name.startswith(f'{package}/{kind}/')]


class _InterfaceModule(ModuleType):
    """`package.msg`, `package.srv` or `package.action`; its classes are made when they are asked for."""

    def __getattr__(self, name: str) -> Any:
        package, kind = self.__name__.split('.')
        if name == '__all__':
            return _names(package, kind)
        if name in _names(package, kind):
            value: Any = _CLASSES[kind](f'{package}/{kind}/{name}')
        elif kind != 'msg' and not name.startswith('__') and find_message(f'{package}/{kind}/{name}'):
            value = message_class(f'{package}/{kind}/{name}')  # Trigger_Request
        else:
            known = ', '.join(_names(package, kind)) or 'none'
            raise AttributeError(f'rosless has no {package}/{kind}/{name}; of this package it has: {known}')
        setattr(self, name, value)
        return value

    def __dir__(self) -> list[str]:
        return _names(*self.__name__.split('.'))


class InterfaceFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds message packages. It goes last in `sys.meta_path`, so that installed packages win."""

    def __init__(self) -> None:
        register_standard_interfaces()
        self._packages = {name.split('/')[0] for names in _KINDS.values() for name in names()}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return a spec for a known package and its `msg`, `srv` and `action`.

        Raises:
            ModuleNotFoundError: for other parts of a known package.
        """
        package, _, kind = fullname.partition('.')
        if package not in self._packages:
            return None
        if kind and (kind not in _KINDS or not _names(package, kind)):
            raise ModuleNotFoundError(f'rosless has no {fullname}; this needs a real ROS 2 installation', name=fullname)
        return importlib.util.spec_from_loader(fullname, self, is_package=not kind)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """Return an empty module."""
        return _InterfaceModule(spec.name) if '.' in spec.name else ModuleType(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: the content is made on demand."""

    def load_folders(self) -> None:
        """Register the packages in the interface folders and make them importable.

        They are put into `sys.modules` at once: their source folders look like Python namespace packages, which the
        import system would prefer to a finder at the end of its list.

        Raises:
            DefinitionError: if a file cannot be used or a Python package has the same name.
        """
        for package in map(load_folder, interface_folders()):
            self._packages.add(package)
            found = importlib.util.find_spec(package)
            if found is not None and found.origin is not None:
                raise DefinitionError(f'the interface package {package} has the name of a Python package: {found.origin}')
            for name in (package, *(f'{package}.{kind}' for kind in _KINDS if _names(package, kind))):
                spec = importlib.util.spec_from_loader(name, self, is_package=name == package)
                if spec is not None and name not in sys.modules:
                    module = importlib.util.module_from_spec(spec)
                    sys.modules[name] = module
                    if '.' in name:
                        setattr(sys.modules[package], name.rsplit('.', 1)[1], module)
