# SPDX-License-Identifier: Apache-2.0
"""Our policy: painter and controller of one policy directory."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genima.chunks.plan import Chunk
from genima.contract.spec import PolicySpec
from genima.controller.controller import Controller
from genima.painter.door import ViewPainter, open_painter
from genima.policy.protocols import Observation
from genima.robots.profile import RobotProfile


@dataclass
class LocalPolicy:
    """The two networks and what they must agree on; a `Policy`.

    Attributes:
        directory: Where it was loaded from.
        spec: Its contract.
        profile: The robot that it moves.
        painter: Camera views to target views.
        controller: Target views and joint state to a chunk.
        targets: (V, S, S, 3) uint8, painted for the last chunk.
    """

    directory: Path
    spec: PolicySpec
    profile: RobotProfile
    painter: ViewPainter
    controller: Controller
    targets: NDArray[np.uint8] | None = field(default=None, init=False)

    @classmethod
    def load(cls, directory: Path | str, device: str = 'cpu', robot: str = '') -> 'LocalPolicy':
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
        painter = open_painter(directory, device)
        return cls(Path(directory), spec, profile, painter, Controller.load(directory, device=device))

    def reset(self) -> None:
        """Forget the last target."""
        self.targets = None

    def infer(self, observation: Observation, instruction: str | None = None) -> Chunk:
        """Paint, then act on what was painted."""
        self.targets = self.painter.paint(observation.views, instruction)
        age_s = observation.stamp_s - observation.views_stamp_s
        return self.controller.act(
            self.targets,
            observation.q_rad,
            observation.gripper_open,
            max(age_s, 0.0),
            instruction,
            stamp_s=observation.stamp_s,
        )
