# SPDX-License-Identifier: Apache-2.0
"""Service classes: `Trigger.Request`, `Trigger.Response`."""

from typing import ClassVar

from rosless.interfaces.definitions import DefinitionError, service_names
from rosless.interfaces.messages import Message, message_class


class ServiceType:
    """Base of all service classes; they only hold the classes of their two messages."""

    ros_type: ClassVar[str]
    Request: ClassVar[type[Message]]
    Response: ClassVar[type[Message]]


_classes: dict[str, type[ServiceType]] = {}


def service_class(name: str) -> type[ServiceType]:
    """Return the class of 'package/srv/Name'.

    Raises:
        DefinitionError: if no such definition is known.
    """
    if name not in service_names():
        raise DefinitionError(f'no definition of {name} is known')
    if name not in _classes:
        package, kind, short = name.split('/')
        halves = {half: message_class(f'{name}_{half}') for half in ('Request', 'Response')}
        _classes[name] = type(short, (ServiceType,), {'__module__': f'{package}.{kind}', 'ros_type': name, **halves})
    return _classes[name]
