# SPDX-License-Identifier: Apache-2.0
"""Rules for ROS 2 names: which are allowed, and how relative and private names become full ones."""

import re

from .exceptions import (
    InvalidNamespaceException,
    InvalidNodeNameException,
    InvalidServiceNameException,
    InvalidTopicNameException,
)

_TOKEN = re.compile(r'[A-Za-z_][A-Za-z0-9_]*')
_SUBSTITUTION = re.compile(r'\{([^}]*)\}')


def validate_node_name(name: str) -> bool:
    """Return True.

    Raises:
        InvalidNodeNameException: if the name is empty, starts with a digit or holds more than letters, digits and _.
    """
    if not name:
        raise InvalidNodeNameException(name, 'node name must not be empty', 0)
    if bad := re.search(r'[^A-Za-z0-9_]', name):
        raise InvalidNodeNameException(
            name, "node name must not contain characters other than alphanumerics or '_'", bad.start()
        )
    if name[0].isdigit():
        raise InvalidNodeNameException(name, 'node name must not start with a number', 0)
    return True


def validate_namespace(namespace: str) -> bool:
    """Return True.

    Raises:
        InvalidNamespaceException: if it is not absolute, or a part of it is not a name.
    """
    if not namespace.startswith('/'):
        raise InvalidNamespaceException(namespace, 'namespace must be absolute, it must lead with a "/"', 0)
    at = 1
    for token in namespace[1:].split('/') if namespace != '/' else ():
        if not _TOKEN.fullmatch(token):
            raise InvalidNamespaceException(namespace, f'{token!r} is not a name of letters, digits and _', at)
        at += len(token) + 1
    return True


def _check_topic(name: str, error: type[InvalidTopicNameException] | type[InvalidServiceNameException]) -> None:
    if not name:
        raise error(name, 'topic name must not be empty', 0)
    plain = _SUBSTITUTION.sub('x', name)
    body = plain.removeprefix('~')
    if plain.startswith('~') and body and not body.startswith('/'):
        raise error(name, "topic name has '~' followed by something other than '/'", 1)
    tokens = body.removeprefix('/').split('/') if body else []
    if body == '/' or any(not _TOKEN.fullmatch(token) for token in tokens):
        bad = next((token for token in tokens if not _TOKEN.fullmatch(token)), '')
        raise error(name, 'topic name parts must be letters, digits and _, and not start with a digit', name.find(bad))


def expand_topic_name(name: str, node_name: str, namespace: str, *, is_service: bool = False) -> str:
    """Return the full name for a relative (`a/b`), private (`~/a`) or absolute (`/a`) one.

    Raises:
        InvalidTopicNameException, InvalidServiceNameException: if the name is not allowed.
    """
    error = InvalidServiceNameException if is_service else InvalidTopicNameException
    _check_topic(name, error)
    known = {'node': node_name, 'ns': namespace.strip('/'), 'namespace': namespace.strip('/')}

    def substitute(match: re.Match[str]) -> str:
        if match[1] not in known:
            raise error(name, f'unknown substitution {match[0]}; allowed: {{node}}, {{ns}}', match.start())
        return known[match[1]]

    name = _SUBSTITUTION.sub(substitute, name)
    prefix = namespace.rstrip('/')
    if name.startswith('~'):
        return f'{prefix}/{node_name}{name[1:]}'
    return name if name.startswith('/') else f'{prefix}/{name}'
