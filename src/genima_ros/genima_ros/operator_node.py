# SPDX-License-Identifier: Apache-2.0
"""A scripted operator for the simulation: demonstrates, tells the recorder how it went, and ends when all is done.

Its chunks take the way of every other operator's: through the guard.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from std_srvs.srv import Trigger

from genima.errors import GenimaError
from genima.recording.jog import CONTRACT, DT_S
from genima.robots.profile import RobotProfile
from genima.tasks.base import Task
from genima.tasks.registry import find_task
from genima_msgs.msg import ActionChunk, EpisodeStatus, NodeStats
from genima_msgs.srv import EndEpisode, MarkEvent, ResetEpisode, StartEpisode
from genima_ros.conversions.messages import stamp
from genima_ros.conversions.trajectories import chunk_message
from genima_ros.core import qos
from genima_ros.core.parameters import declare
from genima_ros.core.run import run
from genima_ros.core.sturdy import SturdyNode
from genima_ros.operator.scene import SceneListener

PATIENCE_S = 180.0  # wall time; the guard compiles its functions at its first start, on a computer that may be busy
SPIN_S = 0.05
REST_S = 0.4  # longer than a stop takes; a stop plan must not meet the new scene
RETRY_S = 1.0
SUCCESS_TICKS = 8  # it stays done so long, or a policy learns nothing of what comes then
CLIENTS = {
    'disarm': (Trigger, 'guard_node/disarm'),
    'forget': (Trigger, 'guard_node/reset'),
    'arm': (Trigger, 'guard_node/arm'),
    'reset': (ResetEpisode, 'sim_node/reset'),
    'start': (StartEpisode, 'recorder_node/start_episode'),
    'end': (EndEpisode, 'recorder_node/end_episode'),
    'mark': (MarkEvent, 'recorder_node/mark_event'),
}


class OperatorNode(SturdyNode):
    """Ticks ten times a second on ROS time; between the ticks it goes from episode to episode."""

    def __init__(self) -> None:
        super().__init__('operator_node')
        robot = declare(self, 'robot', 'panda', 'Robot profile: a name in config/robots or a file.')
        self._episodes = declare(self, 'episodes', 10, 'Number of episodes; then the node ends.', between=(1, 10**6))
        self._seed = declare(self, 'seed', 0, 'Seed of the first scene; each next one has the next.', between=(0, 2**31 - 1))
        self._diversion = declare(
            self, 'diversion', 0.05, 'Probability of a mistake on purpose, each 0.4 s.', between=(0.0, 1.0)
        )
        self._least_s = declare(
            self, 'least_s', 0.0, 'Shortest episode [s]: the object is put back and the task done again until then.',
            between=(0.0, 3600.0),
        )  # fmt: skip
        self._timeout_s = declare(
            self, 'timeout_s', 30.0, 'Longest time for putting the object back and doing it [s].', between=(1.0, 3600.0)
        )
        self.profile = RobotProfile.load(robot)
        task = declare(self, 'task', '', 'What is demonstrated; empty: the default task.')
        self._script: Any = None
        self._held = self._ticks = self._succeeded = 0
        self._load(find_task(task))
        self._clients_by_name = {name: self.create_client(kind, topic) for name, (kind, topic) in CLIENTS.items()}
        self._chunk = self.create_publisher(ActionChunk, 'action_chunk', qos.COMMAND)
        self._stats = self.create_publisher(NodeStats, 'node_stats', qos.STATISTICS)
        self.create_subscription(EpisodeStatus, 'episode', self._on_episode, qos.LATCHED)
        self._timer = self.create_timer(DT_S, self._tick)

    def _load(self, task: Task) -> None:
        from genima_ros.operator.script import Script

        self._scene = SceneListener(self, self.profile, [each.name for each in task.objects])
        self._new_script = partial(Script, self.profile, task, diversion=self._diversion)

    def run(self) -> None:
        """Demonstrate all episodes.

        Raises:
            GenimaError: if another node refuses, or does not answer.
        """
        self._spinner = SingleThreadedExecutor()
        self._spinner.add_node(self)
        for client in self._clients_by_name.values():
            self._spin_until(client.service_is_ready, f'the service {client.srv_name}')
        for index in range(self._episodes):
            seed = self._seed + index
            self._set_scene(seed)
            folder = self._begin(seed)
            outcome, cause = self._demonstrate(seed)
            answer = self._call('end', EndEpisode.Request(outcome=outcome, cause=cause, note=f'seed {seed}'))
            self._succeeded += outcome == 'success'
            self.get_logger().info(f'{index + 1} of {self._episodes}: {answer.message} ({folder})')
        self.get_logger().info(f'done: {self._succeeded} of {self._episodes} episodes succeeded')

    def _set_scene(self, seed: int) -> None:
        self._call('disarm', Trigger.Request())
        self._let_pass(REST_S)
        self._call('reset', ResetEpisode.Request(seed=seed))
        self._call('forget', Trigger.Request())
        self._let_pass(REST_S)

    def _begin(self, seed: int) -> str:
        """Start the recorder, as soon as it hears everything, and then the arm."""
        end_s = time.monotonic() + PATIENCE_S
        request = StartEpisode.Request(seed=seed)
        while True:
            answer = self._ask('start', request)
            if answer.success:
                break
            if time.monotonic() > end_s:
                raise GenimaError(f'the recorder refuses to start: {answer.message}')
            self._let_pass(RETRY_S)
        self._call('arm', Trigger.Request())
        return str(answer.folder)

    def _demonstrate(self, seed: int) -> tuple[str, str]:
        """Do the task, again and again if the episode is to be longer; return outcome and cause."""
        self._held = 0
        begin_s = since_s = self._now_s()
        script = self._script = self._new_script(rng=np.random.default_rng([seed, 2]))
        try:
            while self._now_s() - since_s < self._timeout_s:
                self._spin()
                if not script.working:
                    self._held = 0
                elif self._held >= SUCCESS_TICKS:
                    if self._now_s() - begin_s >= self._least_s:
                        return 'success', ''
                    scene = self._scene.newest()
                    assert scene is not None
                    script.put_back(scene)
                    since_s = self._now_s()
            return 'failure', 'timeout'
        finally:
            self._script = None

    def _tick(self) -> None:
        due_s = self._now_s() + 1e-9 * (self._timer.time_until_next_call() or 0) - DT_S
        scene, started_s = self._scene.newest(due_s - DT_S), time.perf_counter()
        if self._script is not None and scene is not None:
            intent = self._script.intent(scene)
            if intent.mark:
                self._clients_by_name['mark'].call_async(MarkEvent.Request(kind=intent.mark, note='a mistake on purpose'))
            message = chunk_message(intent.chunk, self.profile, CONTRACT)
            message.header.stamp = self._scene.stamp
            self._chunk.publish(message)
        self._ticks += 1
        stats = NodeStats(tick=stamp(due_s), node=self.get_name(), stages=['plan'], ticks=self._ticks)
        stats.milliseconds = [1e3 * (time.perf_counter() - started_s)]
        stats.header.stamp = stamp(self._now_s())
        self._stats.publish(stats)

    def _on_episode(self, message: EpisodeStatus) -> None:
        self._held = self._held + 1 if message.success else 0

    def _now_s(self) -> float:
        return 1e-9 * self.get_clock().now().nanoseconds

    def _call(self, name: str, request: Any) -> Any:
        """Ask a service.

        Raises:
            GenimaError: if it refuses.
        """
        answer = self._ask(name, request)
        if not answer.success:
            raise GenimaError(f'{CLIENTS[name][1]} refused: {answer.message}')
        return answer

    def _ask(self, name: str, request: Any) -> Any:
        future = self._clients_by_name[name].call_async(request)
        self._spin_until(future.done, f'an answer of {CLIENTS[name][1]}')
        return future.result()

    def _let_pass(self, duration_s: float) -> None:
        end_s = self._now_s() + duration_s
        self._spin_until(lambda: self._now_s() >= end_s, 'simulated time to pass')

    def _spin_until(self, condition: Callable[[], bool], missing: str) -> None:
        end_s = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > end_s:
                raise GenimaError(f'waited {PATIENCE_S:.0f} s for {missing}; is everything running?')
            self._spin()

    def _spin(self) -> None:
        if not rclpy.ok():
            raise KeyboardInterrupt
        self._spinner.spin_once(timeout_sec=SPIN_S)


def main() -> NoReturn:
    """Run the node."""
    run(OperatorNode)


if __name__ == '__main__':
    main()
