# SPDX-License-Identifier: Apache-2.0
"""Guard the chunks of any policy, without ROS: a chunk that is too fast is followed more slowly, silence stops the arm.

    python examples/guard_chunk.py
"""

import numpy as np
import typer

from genima import Chunk, Guard, GuardConfig, RobotProfile
from genima.chunks.plan import Plan

TICK_S = 0.02
CHUNK_TICKS = 5  # a chunk every 0.1 s
POINTS, POINT_S = 10, 0.1
PHASES = {'slow chunks': 0.3, 'fast chunks': 3.0, 'no chunks': None, 'chunks that are not finite': np.nan}
PHASE_TICKS = 50


class PerfectArm:
    """Stands in for the robot and its controller: the arm is where the newest plan has it."""

    def __init__(self, q_rad: np.ndarray) -> None:
        self._plan = Plan.hold(q_rad, 0, TICK_S)

    def follow(self, plan: Plan | None) -> None:
        """Take a plan, if there is one; a real controller is sent `output.message`, at once."""
        self._plan = plan or self._plan

    def measure(self, now_s: float) -> tuple[np.ndarray, np.ndarray]:
        """Return joint positions and velocities, both (n,), at a time."""
        q_rad, v_rad_s, _ = self._plan.at(now_s)
        return q_rad, v_rad_s


def wanted(now_s: float, q_rad: np.ndarray, speed_rad_s: float) -> Chunk:
    """Return a chunk that turns the first joint at a speed; yours comes from your policy."""
    points = np.tile(q_rad, (POINTS, 1))
    points[:, 0] += speed_rad_s * POINT_S * np.arange(1, POINTS + 1)
    return Chunk(now_s, POINT_S, points, np.ones(POINTS))


def main(robot: str = 'panda') -> None:
    """Send slow chunks, fast ones, none, and some that are not finite; print what the guard makes of them."""
    profile = RobotProfile.load(robot)
    guard, arm = Guard(profile, GuardConfig(chunk_points=POINTS)), PerfectArm(profile.home_rad)
    guard.arm()
    for number, (phase, speed_rad_s) in enumerate(PHASES.items()):
        fastest_rad_s, before = 0.0, dict(guard.status.violations)
        for tick in range(number * PHASE_TICKS, (number + 1) * PHASE_TICKS):
            now_s = 100.0 + tick * TICK_S  # any time will do, as long as all have the same clock
            q_rad, v_rad_s = arm.measure(now_s)
            fastest_rad_s = max(fastest_rad_s, abs(v_rad_s[0]))
            guard.observe_joints(now_s, q_rad)
            arm.follow(guard.tick(now_s).plan)
            if speed_rad_s is not None and tick % CHUNK_TICKS == 0:
                arm.follow(guard.accept_chunk(now_s, wanted(now_s, q_rad, speed_rad_s)).plan)
        kinds = {kind: count - before.get(kind, 0) for kind, count in guard.status.violations.items()}
        print(f'{phase}: {guard.status.state}, at most {fastest_rad_s:.2f} rad/s')
        print('   refused or limited:', {kind: count for kind, count in kinds.items() if count} or 'none')
        print('   the guard says:', '; '.join(guard.status.reasons) or 'all is well')
    print('largest fraction of each limit:', {name: round(value, 2) for name, value in guard.status.worst.items()})


if __name__ == '__main__':
    typer.run(main)
