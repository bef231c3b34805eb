# SPDX-License-Identifier: Apache-2.0
"""Runs episodes on a live graph and watches it: what `genima demo` does, and what any other client could do."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from rclpy.client import Client
from std_srvs.srv import Trigger

from genima.contract.spec import PolicySpec
from genima.errors import GenimaError
from genima_bringup.client_node import ClientNode
from genima_bringup.recorder import Recorder
from genima_bringup.records import EpisodeRecord, GraphRecord
from genima_msgs.msg import EpisodeStatus
from genima_msgs.srv import ResetEpisode

SERVICE_S = 10.0
SPIN_S = 0.05
REST_S = 0.4  # longer than a stop takes; a stop plan must not meet the new scene


class GraphError(GenimaError):
    """The graph did not do what it was asked to."""


class GraphMonitor(ClientNode):
    """Resets episodes, waits for their end and keeps what it saw. Use it as a context manager.

    Args:
        spec: contract of the policy that the graph runs.
        check: called often while waiting; raises if the graph is broken (`StackProcesses.check`).
        episodes_with_frames: the first episodes that keep pictures.
        frames_per_episode: pictures kept per episode, at most.
    """

    def __init__(
        self,
        spec: PolicySpec,
        check: Callable[[], None] = lambda: None,
        episodes_with_frames: int = 3,
        frames_per_episode: int = 150,
    ) -> None:
        self._check = check
        self._episodes_with_frames = episodes_with_frames
        super().__init__('genima_monitor', use_sim_time=True)
        self._recorder = Recorder(self._node, spec, frames_per_episode)
        self._reset = self._node.create_client(ResetEpisode, 'sim_node/reset')
        self._guard = {
            name: self._node.create_client(Trigger, f'guard_node/{name}') for name in ('arm', 'disarm', 'reset')
        }

    @property
    def record(self) -> GraphRecord:
        """Everything seen so far."""
        return self._recorder.record

    @property
    def status(self) -> EpisodeStatus | None:
        """The newest status of the episode, for a progress display."""
        return self._recorder.status

    def wait_until_ready(self, timeout_s: float) -> None:
        """Wait until all nodes answer and the first chunk has come, and been checked.

        Args:
            timeout_s: wall time; loading the networks takes most of it [s].

        Raises:
            GraphError: if that does not happen in time; says what is missing.
        """
        self._spin_until(lambda: self._recorder.complete, timeout_s, self._recorder.missing)
        for client in (self._reset, *self._guard.values()):
            self._spin_until(client.service_is_ready, SERVICE_S, partial('service {}'.format, client.srv_name))

    def run_episode(
        self, seed: int, timeout_s: float, on_status: Callable[[EpisodeStatus], None] | None = None
    ) -> EpisodeRecord:
        """Run one episode as a lab would: disarm, set the scene, look at it, arm, watch.

        Args:
            seed: of the scene.
            timeout_s: wall time [s].
            on_status: called with each status of the episode.

        Raises:
            GraphError: if a node refuses or does not answer.
        """
        self.start_episode(seed, timeout_s)
        started_s, timed_out = time.monotonic(), False
        shown: EpisodeStatus | None = None
        while not self._recorder.done and not timed_out:
            self._spin()
            timed_out = time.monotonic() - started_s > timeout_s
            if on_status is not None and self.status is not None and self.status is not shown:
                shown = self.status
                on_status(shown)
        return self._recorder.end(time.monotonic() - started_s, timed_out)

    def start_episode(self, seed: int, timeout_s: float) -> None:
        """Disarm, set the scene, look at it, and arm.

        Raises:
            GraphError: if a node refuses or does not answer.
        """
        self._call(self._guard['disarm'], Trigger.Request())
        self._let_time_pass(REST_S)
        keeps_frames = len(self.record.episodes) < self._episodes_with_frames
        self._recorder.begin(seed, keeps_frames)
        self._call(self._reset, ResetEpisode.Request(seed=seed))
        self._spin_until(self._recorder.sees_new_scene, timeout_s, lambda: f'a target image of episode {seed}')
        self._call(self._guard['reset'], Trigger.Request())
        self._call(self._guard['arm'], Trigger.Request())

    def _call(self, client: Client, request: Any) -> None:
        future = client.call_async(request)
        self._spin_until(future.done, SERVICE_S, lambda: f'an answer of {client.srv_name}')
        response = future.result()
        if not response.success:
            raise GraphError(f'{client.srv_name} refused: {response.message}')

    def _let_time_pass(self, duration_s: float) -> None:
        end_s = self._recorder.now_s() + duration_s
        self._spin_until(lambda: self._recorder.now_s() >= end_s, SERVICE_S, lambda: 'simulated time to pass')

    def _spin_until(self, condition: Callable[[], bool], timeout_s: float, missing: Callable[[], str]) -> None:
        end_s = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > end_s:
                raise GraphError(f'waited {timeout_s:.0f} s for {missing()}; the output of the nodes says more')
            self._spin()

    def _spin(self) -> None:
        self._check()
        self._executor.spin_once(timeout_sec=SPIN_S)
