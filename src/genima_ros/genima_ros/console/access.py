# SPDX-License-Identifier: Apache-2.0
"""Who may speak to the console: programs of this computer, or whoever has the token, and only from its own page."""

import hmac
import ipaddress
import re
import secrets
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from genima.errors import GenimaError

TOKEN = re.compile(r'[A-Za-z0-9_-]{16,128}')
ORIGIN = re.compile(r'(?P<scheme>https?)://(?P<host>[a-z0-9.-]+|\[[0-9a-f:.]+\])(:(?P<port>[0-9]{1,5}))?')
HOST = re.compile(r'(?P<name>[^\[\]:@/]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?')
DEFAULT_PORTS = {'http': '80', 'https': '443'}  # which browsers leave out
SHOWN = 100  # characters of what was sent, in an answer
POLICY_VIOLATION = 1008  # RFC 6455, section 7.4.1
CLOSED = {'Connection': 'close', 'X-Content-Type-Options': 'nosniff'}  # who is refused keeps no place


def is_loopback(host: str) -> bool:
    """Return whether an address or name is that of this computer only."""
    try:
        return host == 'localhost' or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def choose_token(host: str, given: str, public_origin: str = '') -> str:
    """Return the token that requests need: the given one, a new one where others can reach the console, else none.

    Others reach it where `host` is not loopback, and through the proxy that `public_origin` names.

    Raises:
        GenimaError: if the given one is short or would not fit into an address.
    """
    if given and not TOKEN.fullmatch(given):
        raise GenimaError(
            f'parameter token: {len(given)} characters; allowed: 16 to 128 letters, digits, _ and -; empty makes one'
        )
    return given or ('' if is_loopback(host) and not public_origin else secrets.token_urlsafe(24))


@dataclass(frozen=True)
class Access:
    """The rules.

    Attributes:
        host: that is listened on.
        token: first part of every path; empty on loopback, where it is not needed.
        public_origin: scheme, host and port that browsers use where a proxy stands before the console; empty: none does.
    """

    host: str
    token: str = ''
    public_origin: str = ''

    def __post_init__(self) -> None:
        """Write the origin as browsers do, and refuse what none of them would send."""
        if not self.public_origin:
            return
        parts = ORIGIN.fullmatch(self.public_origin.lower())
        if parts is None:
            raise GenimaError(
                f'parameter public_origin: got {self.public_origin!r}; allowed: scheme://host or scheme://host:port of the'
                ' proxy, without a path, https://robot.lab.example for example'
            )
        scheme, host, port = parts['scheme'], parts['host'], parts['port']
        shown = '' if port in (None, DEFAULT_PORTS[scheme]) else f':{port}'
        object.__setattr__(self, 'public_origin', f'{scheme}://{host}{shown}')

    @property
    def prefix(self) -> str:
        """What every path begins with."""
        return f'/{self.token}' if self.token else ''

    def refusal(self, kind: str, method: str, path: str, headers: Headers) -> tuple[int, str] | None:
        """Return status and reason where a request is refused.

        Args:
            kind: `http` or `websocket`.
            method: of an HTTP request.
            path: as it was asked for.
            headers: of the request.
        """
        host = headers.get('host', '').lower()
        through_proxy = bool(self.public_origin) and host == self.public_origin.partition('://')[2]
        if is_loopback(self.host) and not is_loopback(_name(host)) and not through_proxy:
            return 403, f'host {host[:SHOWN]!r} is not this computer: another name may point here, but is not answered'
        start, token = f'{self.prefix}/'.encode(), path.encode('utf-8', 'replace')
        if self.token and not hmac.compare_digest(token[: len(start)], start):
            return 403, 'the token is missing or wrong: use the whole address that the console printed'
        origin = headers.get('origin')
        needs_origin = kind == 'websocket' or method not in ('GET', 'HEAD')
        own = {f'http://{host}', f'https://{host}'} | ({self.public_origin} if self.public_origin else set())
        if (needs_origin or origin is not None) and origin not in own:
            shown = repr(origin)[:SHOWN]
            return 403, f'origin {shown} is not the page of this console; behind a proxy, set the parameter public_origin'
        return None


class Gate:
    """Stands before the application: refuses, or takes the token out of the path and lets through."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or websocket."""
        kind = scope['type']
        if kind not in ('http', 'websocket'):
            await self._app(scope, receive, send)
            return
        refusal = self._access.refusal(kind, scope.get('method', ''), scope['path'], Headers(scope=scope))
        if refusal is None:
            path = scope['path'][len(self._access.prefix) :]
            await self._app({**scope, 'path': path, 'raw_path': path.encode()}, receive, send)
        elif kind == 'http':
            await PlainTextResponse(refusal[1], refusal[0], CLOSED)(scope, receive, send)
        else:
            await receive()
            await send({'type': 'websocket.close', 'code': POLICY_VIOLATION, 'reason': refusal[1][:120]})


def _name(host: str) -> str:
    """Return the name in a Host header, without its port; nothing where it is none."""
    parts = HOST.fullmatch(host)
    return parts['name'].strip('[]') if parts else ''
