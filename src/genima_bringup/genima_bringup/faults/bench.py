# SPDX-License-Identifier: Apache-2.0
"""The guard's own node with a simulated robot and a roaming policy in one process, stepped in simulated time.

Nothing waits for a network or another process, so a case takes a fraction of its time, and a seed decides all of it.
"""

from collections import deque
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from genima_ros.conversions.messages import stamp
from genima_ros.conversions.trajectories import chunk_message, trajectory_arrays
from genima_ros.core import qos
from genima_ros.guard_node import GuardNode
from genima_ros.sim.outputs import SimOutputs
from rclpy.node import Node

from genima.chunks.plan import Chunk
from genima.errors import LimitError
from genima.guard.status import GuardStatus
from genima.recording.jog import CONTRACT, DT_S, STEPS
from genima.robots.kinematics import solve_ik, tcp_pose
from genima.robots.profile import RobotProfile
from genima.robots.transforms import axis_generators, rotation_about
from genima.sim.simulation import Simulation
from genima_bringup.faults.wires import SteppedNode, Wires
from genima_msgs.msg import ActionChunk, TargetImage

TICK_S = 0.005  # times and rates are those of sim_node
JOINT_STATE_TICKS, CONTROLLER_STATE_TICKS, RESTART_TICKS = 2, 4, 60
POLICY_TICKS = 20
INFERENCE_S, PAINTING_S = 0.03, 0.2  # how late a chunk and a target come
PLACES, NEAR_RAD, APPROACH = 6, 0.08, 0.4
KEPT = 2000  # ticks
REST_RAD_S = 0.005


class SimulatedRobot:
    """A simulation behind the topics of a driver with a joint_trajectory_controller."""

    def __init__(self, profile: RobotProfile, controller: str, name: str = 'sim_node') -> None:
        self.node = Node(name)
        self.simulation = Simulation(profile, render=False)
        self._outputs = SimOutputs(self.node, self.simulation, controller)
        self._controller = controller
        self._origin_s = self._restart_until_s = 0.0
        self.commands: deque[tuple[float, np.ndarray]] = deque(maxlen=KEPT)

    def join(self, wires: Wires, seed: int, behind_s: float = 0.0) -> None:
        """Set a scene, and hang on the wires, with a clock that is `behind_s` behind."""
        self.simulation.reset(seed)
        self._origin_s, self._restart_until_s = wires.now_s - behind_s, 0.0
        self.commands.clear()
        wires.take_over(self.node)
        wires.connect(f'/{self._controller}/joint_trajectory', lambda message: self._take(wires.now_s - behind_s, message))
        wires.connect('/gripper/command', lambda message: self.simulation.command_gripper(message.data))

    def step(self, now_s: float, tick: int, behind_s: float = 0.0) -> None:
        """Step the physics to a time and say how things are, with a clock that is `behind_s` behind."""
        now_s -= behind_s
        self.simulation.step_to(now_s - self._origin_s)
        self.commands.append((now_s, self.simulation.controller.sample(now_s - self._origin_s)[0].copy()))
        self._outputs.clock(now_s)
        if now_s < self._restart_until_s:
            self.simulation.restart_controller()
        elif tick % CONTROLLER_STATE_TICKS == 0:
            self._outputs.controller(now_s, now_s - self._origin_s)
        if tick % JOINT_STATE_TICKS == 0:
            self._outputs.joints(now_s)

    def restart_controller(self, now_s: float) -> None:
        """Deactivate the trajectory controller, and activate it again a moment later."""
        self.simulation.restart_controller()
        self._restart_until_s = now_s + RESTART_TICKS * TICK_S

    def speed_rad_s(self) -> float:
        """Return the speed of the fastest joint that is commanded now."""
        if len(self.commands) < 2:
            return 0.0
        return float(np.abs(self.commands[-1][1] - self.commands[-2][1]).max() / TICK_S)

    def last_motion_s(self, since_s: float) -> float:
        """Return the last time at which motion was commanded; `since_s` if there has been none since."""
        recent = [(t_s, q_rad) for t_s, q_rad in self.commands if t_s >= since_s]
        moving = (t_s for (_, q0), (t_s, q1) in pairwise(recent) if np.abs(q1 - q0).max() > REST)
        return max(moving, default=since_s)

    def _take(self, now_s: float, message: object) -> None:
        if now_s < self._restart_until_s:
            return
        try:
            stamp_s, times_s, q_rad, v_rad_s = trajectory_arrays(message, self.simulation.profile.arm_joints)
            stamp_s = 0.0 if stamp_s == 0.0 else stamp_s - self._origin_s
            self.simulation.controller.set_trajectory(now_s - self._origin_s, stamp_s, times_s, q_rad, v_rad_s)
        except LimitError:
            return  # as the real controller does: the plan that runs goes on


REST = REST_RAD_S * TICK_S


class RoamingPolicy:
    """Moves the gripper about over the table, for ever; its chunks and targets come as late as those of a policy."""

    def __init__(self, profile: RobotProfile) -> None:
        self.node, self._profile = Node('act_node'), profile
        self._chunks = self.node.create_publisher(ActionChunk, 'action_chunk', qos.COMMAND)
        self._targets = self.node.create_publisher(TargetImage, 'target_image', qos.COMMAND)

    def join(self, robot: SimulatedRobot, seed: int) -> None:
        """Begin with other places."""
        self._simulation, self._at = robot.simulation, 0
        rng = np.random.default_rng([seed, 2])
        self._speed_rad_s, self._places = float(rng.uniform(0.5, 1.0)), _places(self._profile, rng)

    def step(self, now_s: float, wires: Wires) -> None:
        """Say what to do next."""
        wires.send('/action_chunk', chunk_message(self._chunk(now_s), self._profile, CONTRACT), INFERENCE_S)
        target = TargetImage(contract=CONTRACT, cameras=['front'], unchanged_s=[0.0])
        target.header.stamp = stamp(max(0.0, now_s - PAINTING_S))
        wires.send('/target_image', target, INFERENCE_S)

    def _chunk(self, now_s: float) -> Chunk:
        q_rad, rows = self._simulation.q_rad.copy(), []
        if np.abs(self._places[self._at] - q_rad).max() < NEAR_RAD:
            self._at = (self._at + 1) % len(self._places)
        at, most_rad = self._at, self._speed_rad_s * DT_S
        for _ in range(STEPS):
            way_rad = self._places[at] - q_rad
            q_rad = q_rad + way_rad * min(APPROACH, most_rad / max(float(np.abs(way_rad).max()), 1e-9))
            rows.append(q_rad)
            if np.abs(way_rad).max() < NEAR_RAD:
                at = (at + 1) % len(self._places)
        return Chunk(now_s, DT_S, np.stack(rows), np.full(STEPS, float(self._at % 2)))


def _places(profile: RobotProfile, rng: np.random.Generator) -> list[np.ndarray]:
    """Return joints (n,) of places over the table, some of them low."""
    home, found = tcp_pose(profile, profile.home_rad), []
    for _ in range(PLACES):
        T = home.copy()
        T[:3, 3] = rng.uniform([0.35, -0.25, 0.03], [0.6, 0.25, 0.3])
        T[:3, :3] = rotation_about(axis_generators(np.array([0.0, 0.0, 1.0])), rng.uniform(-0.6, 0.6)) @ T[:3, :3]
        found.append(solve_ik(profile, T, profile.home_rad, iterations=30))
    return found


class Bench:
    """Robot, policy and guard, stepped together."""

    def __init__(self, robot: str, controller: str) -> None:
        """Build what lasts; the guard is made anew for each run. rclpy runs with `guard_arguments`."""
        profile = RobotProfile.load(robot)
        self.controller = controller
        self.wires = Wires()
        self.robot, self._policy = SimulatedRobot(profile, controller), RoamingPolicy(profile)
        self._others: list[Callable[[float, int], None]] = []
        self._guard: SteppedNode | None = None
        self._tick = 0

    @staticmethod
    def guard_arguments(robot: str, controller: str) -> list[str]:
        """Return the command line of a guard that a bench can use."""
        values = {'robot': robot, 'controller': controller, 'simulated': 'true'}
        return ['--ros-args', *(word for name, value in values.items() for word in ('-p', f'{name}:={value}'))]

    def begin(self, seed: int) -> None:
        """Set a scene and start a new guard."""
        if self._guard is not None:
            self._guard.node.destroy_node()
        self._tick = 0  # the ticks of policy and robot fall as in every other run
        self.wires.restart()
        self._others.clear()
        self.robot.join(self.wires, seed)
        self._policy.join(self.robot, seed)
        self._guard = SteppedNode(GuardNode(), self.wires)

    @property
    def now_s(self) -> float:
        """Time of the robot."""
        return self._tick * TICK_S

    @property
    def guard(self) -> SteppedNode:
        """The guard's node; there is one after `begin`."""
        assert self._guard is not None
        return self._guard

    def rearm(self) -> None:
        """Do what an operator does who finds the guard stopped: reset it, and arm it."""
        for name in ('reset', 'arm'):
            self.guard.call(name)

    @property
    def status(self) -> GuardStatus:
        """What the guard thinks."""
        return self.guard.node._guard.status

    def beside(self, step: Callable[[float, int], None]) -> None:
        """Have something else called at every tick of this run, with time and tick."""
        self._others.append(step)

    def alone(self) -> None:
        """Call nothing else any more."""
        self._others.clear()

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Let time pass; return whether the condition came true."""
        for _ in range(round(seconds / TICK_S)):
            self.step()
            if until():
                return True
        return False

    def step(self) -> None:
        """Go on by one tick. A guard that is held up calls this itself, from within its work."""
        self._tick += 1
        now_s, tick = self.now_s, self._tick
        self.wires.deliver(now_s)
        self.robot.step(now_s, tick)
        if tick % POLICY_TICKS == 0:
            self._policy.step(now_s, self.wires)
        for other in list(self._others):
            other(now_s, tick)
        self.guard.step(now_s)
