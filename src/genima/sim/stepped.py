# SPDX-License-Identifier: Apache-2.0
"""A simulator that only knows joint targets at a period of its own, behind the emulated robot controller.

Between two of its periods the arm is where it was last seen. What it says is checked: it is not ours.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genima.cameras.model import CameraModel, MountedCamera
from genima.errors import GenimaError, SimulatorError
from genima.sim.base import Setup
from genima.sim.camera_choice import camera_pairs
from genima.sim.trajectory_controller import TrajectoryController
from genima.sim.usage import LimitUsage
from genima.tasks.base import Floats, State
from genima_client import simulator as served

CYCLE_S = 0.002
LONGEST_PERIOD_S = 0.2
ALL_CAMERAS = 16


class Stepped:
    """A `Simulator` made of a `genima_client.simulator.ServedSimulator`, in this process or another.

    Attributes:
        software: Name and version.
        profile: The robot.
        cameras: By name.
        controller: What the trajectories go to.
        time_s: Simulated time since the reset.
    """

    def __init__(self, simulator: served.ServedSimulator, setup: Setup) -> None:
        """Have a world built.

        Raises:
            SimulatorError: if it refuses, or what it says makes no sense.
        """
        self._simulator, self.profile = simulator, setup.profile
        self.software, self._period_s = str(simulator.software)[:200], float(simulator.period_s)
        if not CYCLE_S <= self._period_s <= LONGEST_PERIOD_S:
            raise self._wrong('period_s', self._period_s, f'{CYCLE_S} to {LONGEST_PERIOD_S}')
        self._size_px = setup.height_px, setup.width_px
        wish = served.Setup(
            self.profile.name, tuple(self.profile.arm_joints), setup.task, camera_pairs(setup.cameras), setup.width_px,
            setup.height_px,
        )  # fmt: skip
        self.cameras = self._mounted(simulator.start(wish), wish.cameras)
        self.controller = TrajectoryController(self.profile.n_joints, self.profile.home_rad)
        self._usage = LimitUsage(self.profile.limits, CYCLE_S)
        self.time_s, self._gripper, self._cycles, self._periods = 0.0, 1.0, 0, 0
        self.reset(0)

    @property
    def q_rad(self) -> Floats:
        """Joint positions (n,), as last seen."""
        return self._seen.q_rad

    @property
    def gripper_open(self) -> float:
        """Opening, as last seen."""
        return self._seen.gripper_open

    @property
    def can_place(self) -> bool:
        """Whether arm and objects can be put somewhere."""
        return hasattr(self._simulator, 'place')

    def reset(self, seed: int) -> None:
        """Begin an episode; time is 0, the gripper open."""
        self._begin(self._simulator.reset(seed), 1.0)

    def place(self, q_rad: Floats, gripper_open: float, state: State) -> None:
        """Put arm and objects somewhere, at rest and time 0.

        Raises:
            SimulatorError: if the simulator cannot.
        """
        if not self.can_place:
            raise SimulatorError(f'{self.software} cannot put arm and objects somewhere: it has no `place`')
        placed = self._simulator.place(np.asarray(q_rad, dtype=float), float(gripper_open), dict(state))  # type: ignore[attr-defined]
        self._begin(placed, gripper_open)

    def command_gripper(self, gripper_open: float) -> None:
        """Move the gripper to an opening in [0, 1]."""
        self._gripper = float(np.clip(gripper_open, 0.0, 1.0))

    def step_to(self, t_s: float) -> None:
        """Simulate until a time: one joint target for each period that ends by then."""
        targets: list[tuple[Floats, Floats]] = []
        last = round(t_s / CYCLE_S)
        while self._cycles < last:
            q_rad, v_rad_s = self.controller.sample(self.time_s)
            self._usage.add(q_rad)
            self._cycles += 1
            self.time_s = self._cycles * CYCLE_S
            if self.time_s >= (self._periods + 1) * self._period_s - 1e-9:
                self._periods += 1
                targets.append((q_rad, v_rad_s))
        if targets:
            q, v = (np.stack(column) for column in zip(*targets, strict=True))
            self._seen = self._checked(self._simulator.step(q, v, self._gripper))

    def render(self) -> dict[str, NDArray[np.uint8]]:
        """Return what the cameras see, (H, W, 3) uint8 by name."""
        images, shape = dict(self._simulator.render()), (*self._size_px, 3)
        for name in self.cameras:
            image = images.get(name)
            if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.shape != shape:
                raise self._wrong(f'image {name}', _shape(image), f'uint8 {shape}')
        return {name: images[name] for name in self.cameras}

    def state(self) -> dict[str, Floats]:
        """Return T_base_object (4, 4) by name, as last seen."""
        return dict(self._seen.poses)

    def success(self) -> bool:
        """Return whether the task is done, by the simulator's word."""
        return self._seen.success

    def limit_usage(self) -> dict[str, float]:
        """Return the worst share of each joint limit that the commanded positions used since the reset."""
        return self._usage.worst()

    def close(self) -> None:
        """Let the simulator free what it holds, where it can."""
        getattr(self._simulator, 'close', lambda: None)()

    def _begin(self, seen: served.Seen, gripper_open: float) -> None:
        self._seen = self._checked(seen)
        self._cycles = self._periods = 0
        self.time_s, self._gripper = 0.0, float(gripper_open)
        self.controller.reset(self._seen.q_rad)
        self._usage.reset()

    def _checked(self, seen: served.Seen) -> served.Seen:
        q_rad = np.asarray(seen.q_rad, dtype=float)
        if q_rad.shape != (self.profile.n_joints,) or not np.isfinite(q_rad).all():
            raise self._wrong('q_rad', _shape(q_rad), f'{self.profile.n_joints} finite numbers')
        opening = float(seen.gripper_open)
        if not 0.0 <= opening <= 1.0:
            raise self._wrong('gripper_open', opening, '0 to 1')
        poses = {str(name): np.asarray(T, dtype=float) for name, T in seen.poses.items()}
        for name, T in poses.items():
            if T.shape != (4, 4) or not np.isfinite(T).all():
                raise self._wrong(f'pose of {name}', _shape(T), 'finite (4, 4)')
        return served.Seen(q_rad, opening, bool(seen.success), poses, dict(seen.measures))

    def _mounted(self, cameras: Mapping[str, served.Camera], wanted: Mapping[str, str]) -> dict[str, MountedCamera]:
        missing = sorted(set(wanted) - set(cameras))
        if missing or not 1 <= len(cameras) <= ALL_CAMERAS:
            raise self._wrong('cameras', ', '.join(cameras) or 'none', f'with {", ".join(missing or wanted)}')
        (height_px, width_px), mounted = self._size_px, {}
        links = {link.name for link in self.profile.links}
        for name in wanted or cameras:
            K, T, parent = cameras[name]
            if parent and parent not in links:
                raise self._wrong(f'camera {name}, parent', parent, f'links {", ".join(sorted(links))}')
            try:
                model = CameraModel(name, width_px, height_px, np.asarray(K, dtype=float))
                mounted[name] = MountedCamera(model, parent or self.profile.base_link, np.asarray(T, dtype=float))
            except GenimaError as error:
                raise SimulatorError(f'{self.software}: {error}') from error
        return mounted

    def _wrong(self, what: str, got: Any, allowed: str) -> SimulatorError:
        return SimulatorError(f'simulator {self.software}, {what}: got {got}, allowed: {allowed}')


def _shape(value: Any) -> str:
    return f'{value.dtype} {value.shape}' if isinstance(value, np.ndarray) else type(value).__name__
