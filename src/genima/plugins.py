# SPDX-License-Identifier: Apache-2.0
"""What other packages add by entry points, beside what is ours: tasks, policies, formats, painters, simulators.

One that is broken is an error, with its package, when it is asked for, and never in the way of the others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from genima.errors import GenimaError


@dataclass(frozen=True)
class Plugins:
    """Things of one kind by name.

    Attributes:
        group: Of the entry points.
        kind: What one of them is called in messages.
        error: What is raised where one is missing or broken.
        ours: 'module:attribute' of those in GENIMA, by name; another package cannot replace them.
        attributes: What each must have; where `name` is one of them, it is that of the entry point.
        is_made: Whether entry points name callables that return such a thing, for `make`, else the things, for `get`.
        more: Names that are known beside them, for messages.
    """

    group: str
    kind: str
    error: type[GenimaError] = GenimaError
    ours: Mapping[str, str] = field(default_factory=dict)
    attributes: tuple[str, ...] = ()
    is_made: bool = False
    more: tuple[str, ...] = ()

    def names(self) -> tuple[str, ...]:
        """Return all names, ours first; whether one works is known when it is asked for."""
        return tuple(self._found())

    def get(self, name: str) -> Any:
        """Return what an entry point names.

        Raises:
            GenimaError: of the kind `error`, if there is none of this name, or it is broken.
        """
        entry = self._entry(name)
        try:
            return entry.load() if self.is_made else self._checked(name, entry.load())
        except (Exception, SystemExit) as error:  # whatever the import of another package runs into
            raise self._broken(entry, error) from error

    def make(self, name: str, *arguments: Any) -> Any:
        """Return what the callable of an entry point returns for these arguments.

        Raises:
            GenimaError: as `get` does; one that the callable raises stays what it is.
        """
        entry = self._entry(name)
        try:
            return self._checked(name, entry.load()(*arguments))
        except GenimaError:
            raise
        except (Exception, SystemExit) as error:
            raise self._broken(entry, error) from error

    def all(self) -> dict[str, Any]:
        """Return by name what `get` returns, without those that are broken."""
        found = {}
        for name in self.names():
            try:
                found[name] = self.get(name)
            except GenimaError:
                continue
        return found

    def listed(self) -> str:
        """Return all names for a message, broken ones marked."""
        whole = self.all()
        names = [name if name in whole else f'{name} (broken)' for name in self.names()]
        return ', '.join([*self.more, *names]) or 'none'

    def _found(self) -> dict[str, EntryPoint]:
        ours = {name: EntryPoint(name, value, self.group) for name, value in self.ours.items()}
        return ours | {each.name: each for each in entry_points(group=self.group) if each.name not in ours}

    def _entry(self, name: str) -> EntryPoint:
        found = self._found()
        if name not in found:
            raise self.error(f'no {self.kind} {name!r}; known are {self.listed()}')
        return found[name]

    def _checked(self, name: str, thing: Any) -> Any:
        missing = [each for each in self.attributes if not hasattr(thing, each)]
        if missing:
            raise TypeError(f'{type(thing).__name__} has no {", ".join(missing)}')
        if 'name' in self.attributes and thing.name != name:
            raise ValueError(f'it calls itself {thing.name!r}')
        return thing

    def _broken(self, entry: EntryPoint, error: BaseException) -> GenimaError:
        package = f'package {entry.dist.name}' if entry.dist else 'GENIMA'
        return self.error(
            f'{self.kind} {entry.name!r} of {package} is broken: {entry.value}: {type(error).__name__}: {error}; '
            'repair or uninstall the package'
        )
