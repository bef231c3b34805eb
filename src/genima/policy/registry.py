# SPDX-License-Identifier: Apache-2.0
"""Policies by address: a directory of ours, a server, or another package's by its name."""

from pathlib import Path

from genima.contract.spec import PolicySpec
from genima.errors import PolicyError
from genima.plugins import Plugins
from genima.policy.protocols import Policy

SERVERS = ('ws', 'wss')
POLICIES = Plugins(
    'genima.policies', 'kind of policies', PolicyError, attributes=('spec', 'reset', 'infer'), is_made=True, more=SERVERS
)
"""Each a callable (address, device) -> Policy."""


def load_policy(address: str | Path, device: str = 'cpu', robot: str = '', token: str = '') -> Policy:
    """Load a policy.

    Args:
        address: A policy directory; or ws://host:port of `genima serve`; or name:rest, where `name` is an entry point of
            the group `genima.policies`, which is given `rest`.
        device: Torch device.
        robot: Profile that a policy directory of ours moves; empty: the one that its contract names.
        token: Of a server that needs one.

    Raises:
        PolicyError: if there is no such policy.
        ContractError: if its parts disagree.
    """
    scheme, rest = split(address)
    if scheme in SERVERS:
        from genima.policy.remote import RemotePolicy

        return RemotePolicy(str(address), token)
    if scheme:
        policy: Policy = POLICIES.make(scheme, rest, device)
        return policy
    from genima.policy.local import LocalPolicy

    return LocalPolicy.load(rest, device, robot)


def contract_of(address: str | Path, token: str = '') -> PolicySpec:
    """Return the contract of a policy without loading its networks; a server is asked.

    Raises:
        PolicyError: if there is none.
    """
    scheme, rest = split(address)
    if scheme not in SERVERS:
        return PolicySpec.load(rest)
    from genima.policy.remote import RemotePolicy

    remote = RemotePolicy(rest, token)
    remote.close()
    return remote.spec


def split(address: str | Path) -> tuple[str, str]:
    """Return the scheme of an address and the rest; a path, also one that has a colon, has none."""
    text = str(address)
    scheme, colon, rest = text.partition(':')
    if not colon or Path(text).exists() or not scheme.isidentifier():
        return '', text
    return scheme, text if scheme in SERVERS else rest
