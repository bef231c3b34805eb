# SPDX-License-Identifier: Apache-2.0
"""A policy directory, loaded: contract, robot, painter and controller that belong together."""

from dataclasses import dataclass
from pathlib import Path

from genima.contract.spec import PolicySpec
from genima.controller.controller import Controller
from genima.painter.painter import Painter
from genima.robots.profile import RobotProfile


@dataclass(frozen=True)
class Policy:
    """The two networks and what they must agree on.

    Attributes:
        directory: Where it was loaded from.
        spec: Its contract.
        profile: The robot that it moves.
        painter: Camera views to target views.
        controller: Target views and joint state to a chunk.
    """

    directory: Path
    spec: PolicySpec
    profile: RobotProfile
    painter: Painter
    controller: Controller

    @classmethod
    def load(cls, directory: Path | str, device: str = 'cpu', robot: str = '') -> 'Policy':
        """Load a policy directory and check that its parts fit each other.

        Args:
            directory: Of the policy.
            device: Torch device of both networks.
            robot: Profile that it moves; empty: the one that the contract names.

        Raises:
            PolicyError: if a file is missing.
            ContractError: if contract, robot profile or networks disagree.
        """
        spec = PolicySpec.load(directory)
        profile = RobotProfile.load(robot or spec.robot)
        spec.check_robot(profile)
        painter = Painter.load(directory, device=device)
        return cls(Path(directory), spec, profile, painter, Controller.load(directory, device=device))
