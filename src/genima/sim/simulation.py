# SPDX-License-Identifier: Apache-2.0
"""A simulated robot: physics at 500 Hz behind an emulated joint_trajectory_controller, cameras and a gripper."""

from importlib.metadata import version

import mujoco
import numpy as np

from genima.cameras.model import MountedCamera
from genima.errors import SimulatorError
from genima.robots.profile import RobotProfile
from genima.sim import headless
from genima.sim.base import Setup, Simulator
from genima.sim.intrusion import IntrusionUsage
from genima.sim.trajectory_controller import TrajectoryController
from genima.sim.usage import LimitUsage
from genima.sim.world import TIMESTEP_S, World
from genima.tasks.base import State, Task
from genima.tasks.registry import find_task

START_JITTER_RAD = 0.06
SETTLE_S = 0.1


def ours(simulator: Simulator, wish: str) -> 'Simulation':
    """Return a simulator of ours as what it is.

    Raises:
        SimulatorError: if it is another one, which cannot do what is wished.
    """
    if not isinstance(simulator, Simulation):
        raise SimulatorError(f'{wish}: got simulator {simulator.software}, allowed: mujoco; leave them out with others')
    return simulator


def open_simulation(setup: Setup) -> 'Simulation':
    """Return our simulation as the registry of simulators opens it.

    Raises:
        GenimaError: if the task or a camera is not known.
    """
    task = find_task(setup.task)
    return Simulation(setup.profile, 0, True, task, setup.width_px, setup.height_px, setup.cameras)


class Simulation:
    """One robot with one task; a `Simulator`. A seed determines the whole reset: arm, objects, and time 0."""

    can_place = True

    def __init__(
        self,
        profile: RobotProfile,
        seed: int = 0,
        render: bool = True,
        task: Task | None = None,
        width_px: int = 128,
        height_px: int = 128,
        cameras: str = '',
    ) -> None:
        """Build the world and reset it; `cameras` as in `camera_choice.camera_sources`.

        Raises:
            GenimaError: if `render` is wanted and no OpenGL library is installed.
        """
        self.profile = profile
        self.world = World(profile, task, width_px, height_px, cameras)
        self.model, self.data = self.world.model, mujoco.MjData(self.world.model)
        joints = [self.model.joint(name) for name in profile.arm_joints]
        self._q_index = np.array([joint.qposadr[0] for joint in joints])
        self._dof_index = np.array([joint.dofadr[0] for joint in joints])
        self._finger_index = np.array([self.model.joint(name).qposadr[0] for name in profile.gripper.joints], dtype=int)
        self._arm_actuators = np.array([self.model.actuator(name).id for name in profile.arm_joints])
        self._finger_actuators = np.array([self.model.actuator(name).id for name in profile.gripper.joints], dtype=int)
        kp = self.model.actuator_gainprm[self._arm_actuators, 0]
        # The servo follows without lag when its position target leads by what its damping takes away.
        self._lead_s = -self.model.actuator_biasprm[self._arm_actuators, 2] / kp
        self.controller = TrajectoryController(profile.n_joints, profile.home_rad)
        self._usage, self._intrusion = LimitUsage(profile.limits, TIMESTEP_S), IntrusionUsage(profile, self.model)
        self._renderer = self._make_renderer(width_px, height_px) if render else None
        self.reset(seed)

    @property
    def software(self) -> str:
        """Name and version of what simulates."""
        return f'mujoco {version("mujoco")}'

    @property
    def time_s(self) -> float:
        """Simulated time since the reset."""
        return self._steps * TIMESTEP_S

    @property
    def task(self) -> Task:
        """The task."""
        return self.world.task

    @property
    def cameras(self) -> dict[str, MountedCamera]:
        """Cameras by name, exactly as rendered."""
        return self.world.cameras

    @property
    def q_rad(self) -> np.ndarray:
        """Measured arm positions (n,)."""
        return self.data.qpos[self._q_index]

    @property
    def dq_rad_s(self) -> np.ndarray:
        """Measured arm velocities (n,)."""
        return self.data.qvel[self._dof_index]

    @property
    def finger_positions_m(self) -> np.ndarray:
        """Measured positions of the gripper's joints."""
        return self.data.qpos[self._finger_index]

    @property
    def gripper_open(self) -> float:
        """Measured gripper opening in [0, 1]."""
        gripper = self.profile.gripper
        return gripper.opening(float(self.finger_positions_m.mean())) if gripper.is_there else 1.0

    def reset(self, seed: int) -> None:
        """Put arm and objects at the start that `seed` determines, gripper open, time 0."""
        rng = np.random.default_rng(seed)
        jitter = rng.uniform(-START_JITTER_RAD, START_JITTER_RAD, self.profile.n_joints)
        self.place(self.profile.home_rad + jitter, 1.0, self.task.reset(rng))

    def place(self, q_rad: np.ndarray, gripper_open: float, state: State) -> None:
        """Put everything at a given state at rest and time 0: joints (n,), opening, poses of the objects."""
        mujoco.mj_resetData(self.model, self.data)
        self.data.qpos[self._q_index] = q_rad
        self.data.qpos[self._finger_index] = self.profile.gripper.position_m(gripper_open)
        self.world.place_objects(self.data, state)
        self.controller.reset(np.asarray(q_rad, dtype=float))
        self._gripper_goal = self._gripper_target = float(gripper_open)
        self._steps = 0
        for _ in range(round(SETTLE_S / TIMESTEP_S)):
            self._advance(np.asarray(q_rad, dtype=float), np.zeros(self.profile.n_joints))
        self._steps = 0
        self._usage.reset()
        self._intrusion.reset()

    def show(self, q_rad: np.ndarray, gripper_open: float, state: State) -> None:
        """Put arm and objects somewhere without physics, to look at."""
        self.data.qpos[self._q_index] = q_rad
        self.data.qpos[self._finger_index] = self.profile.gripper.position_m(gripper_open)
        self.world.place_objects(self.data, state)
        mujoco.mj_forward(self.model, self.data)

    def command_gripper(self, gripper_open: float) -> None:
        """Move the gripper to an opening in [0, 1] at its own speed; closing on an object holds it."""
        self._gripper_goal = float(np.clip(gripper_open, 0.0, 1.0))

    def restart_controller(self) -> None:
        """Hold the measured position and forget the plan, as a trajectory controller does when it is activated.

        The jump from what was commanded before is not counted in `limit_usage`: nobody commanded it.
        """
        self.controller.reset(self.q_rad)
        self._usage.interrupt()

    def step_to(self, t_s: float) -> None:
        """Run the physics until `t_s`, sampling the trajectory controller each 2 ms."""
        last = round(t_s / TIMESTEP_S)
        while self._steps < last:
            q, v = self.controller.sample(self.time_s)
            self._usage.add(q)
            self._intrusion.add(q, self.finger_positions_m)
            self._advance(q, v)
        # MuJoCo leaves the poses of the step before; pictures and tf are of this moment
        mujoco.mj_kinematics(self.model, self.data)
        mujoco.mj_camlight(self.model, self.data)

    def render(self) -> dict[str, np.ndarray]:
        """Return what the cameras see now, (H, W, 3) uint8 by camera name.

        Raises:
            RuntimeError: if the simulation was made with `render=False`.
        """
        return {name: self.render_one(name) for name in self.cameras}

    def render_one(self, camera: str) -> np.ndarray:
        """Return what one camera sees now, (H, W, 3) uint8.

        Raises:
            RuntimeError: if the simulation was made with `render=False`.
        """
        if self._renderer is None:
            raise RuntimeError('this simulation was made with render=False')
        self._renderer.update_scene(self.data, camera=camera)
        return self._renderer.render()

    def state(self) -> dict[str, np.ndarray]:
        """Return T_base_object (4, 4) of the task's objects by name."""
        return {each.name: self._pose(each.name) for each in self.task.objects}

    def measures(self) -> dict[str, float]:
        """Return what the task measures."""
        return self.task.measures(self.state())

    def success(self) -> bool:
        """Return whether the task is done."""
        return self.task.success(self.state())

    def limit_usage(self) -> dict[str, float]:
        """Return the worst share of each limit that the commanded positions used since the reset, at 500 Hz.

        For workspace and collision it is the share of what `genima.sim.intrusion` tolerates.
        """
        return {**self._usage.worst(), **self._intrusion.worst()}

    @property
    def deepest_contact(self) -> str:
        """The two bodies that were commanded furthest into each other since the reset; empty without any."""
        return self._intrusion.pair

    def close(self) -> None:
        """Free the renderer."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def _pose(self, body: str) -> np.ndarray:
        found, T = self.data.body(body), np.eye(4)
        T[:3, :3], T[:3, 3] = found.xmat.reshape(3, 3), found.xpos
        return T

    def _advance(self, q: np.ndarray, v: np.ndarray) -> None:
        gripper = self.profile.gripper
        step = gripper.speed_m_s * TIMESTEP_S / (gripper.open_m - gripper.closed_m)
        self._gripper_target += float(np.clip(self._gripper_goal - self._gripper_target, -step, step))
        self.data.ctrl[self._arm_actuators] = q + self._lead_s * v
        self.data.ctrl[self._finger_actuators] = gripper.position_m(self._gripper_target)
        mujoco.mj_step(self.model, self.data)
        self._steps += 1

    def _make_renderer(self, width_px: int, height_px: int) -> mujoco.Renderer:
        headless.require_gl()
        renderer = mujoco.Renderer(self.model, height_px, width_px)
        # Shadows cost more than the rest of a picture on a CPU.
        renderer.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = False
        renderer.scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = False
        return renderer
