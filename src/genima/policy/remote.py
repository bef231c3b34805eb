# SPDX-License-Identifier: Apache-2.0
"""A policy behind `genima serve`, on this computer or another."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from genima.chunks.plan import Chunk
from genima.contract.spec import PolicySpec
from genima.errors import PolicyError
from genima.policy.protocols import Observation
from genima_client.client import PolicyClient
from genima_client.connection import ServerError

TIMEOUT_S = 5.0


class RemotePolicy:
    """A `Policy` whose networks run elsewhere; a lost server is a PolicyError at each call until it is back.

    Attributes:
        spec: The contract, as the server told it.
        targets: What was painted for the last chunk, where `want_targets`.
    """

    def __init__(self, address: str, token: str = '', want_targets: bool = False, timeout_s: float = TIMEOUT_S) -> None:
        """Connect; `address` is ws://host:port.

        Raises:
            PolicyError: if there is no server, or it refuses.
            ContractError: if what it says of its policy is no contract.
        """
        self._address, self._token, self._want_targets, self._timeout_s = address, token, want_targets, timeout_s
        self.targets: NDArray[np.uint8] | None = None
        self._client: PolicyClient | None = self._connect()
        self.spec = self._contract(self._client.metadata)

    @property
    def clock_ahead_s(self) -> float | None:
        """How much the server's clock is ahead of ours [s]; None while it is not known."""
        return self._client.clock_ahead_s if self._client else None

    def reset(self) -> None:
        """Tell the server that an episode begins."""
        self._call(lambda client: client.reset())
        self.targets = None

    def infer(self, observation: Observation, instruction: str | None = None) -> Chunk:
        """Ask the server.

        Raises:
            PolicyError: if it is lost or refuses.
        """
        answer = self._call(
            lambda client: client.infer(
                observation.views,
                observation.q_rad,
                observation.gripper_open,
                instruction or '',
                observation.stamp_s,
                observation.views_stamp_s,
                self._want_targets,
            )
        )
        self.targets = answer.targets
        return Chunk(answer.stamp_s, answer.dt_s, answer.q_rad, answer.gripper_open)

    def close(self) -> None:
        """Leave the server."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _call(self, question: Any) -> Any:
        if self._client is None:  # it was lost: another one may have been started
            client = self._connect()
            if client.metadata.get('contract') != self.spec.hash():
                client.close()
                raise PolicyError(
                    f'{self._address} serves contract {client.metadata.get("contract")} now, not {self.spec.hash()}'
                )
            self._client = client
        try:
            return question(self._client)
        except ServerError as error:
            if self._client.is_lost:
                self.close()
            raise PolicyError(str(error)) from error

    def _connect(self) -> PolicyClient:
        try:
            return PolicyClient(self._address, self._token, self._timeout_s)
        except ServerError as error:
            raise PolicyError(str(error)) from error

    def _contract(self, metadata: dict[str, Any]) -> PolicySpec:
        spec = PolicySpec.from_dict(metadata['policy'], self._address)
        spec.require_same(str(metadata.get('contract')), self._address)
        return spec
