# SPDX-License-Identifier: Apache-2.0
"""The worker beside a node's callbacks: no job ends it, and a context that was shut down is no fault."""

import threading
from typing import Any

import pytest
import rclpy
from genima_ros.core.worker import LatestWorker
from rclpy.node import Node
from std_msgs.msg import String


def test_a_job_that_fails_does_not_end_the_worker(probe: Node, capsys: pytest.CaptureFixture[str]) -> None:
    done = threading.Event()

    def work(job: int) -> None:
        if job == 0:
            done.set()
            raise ValueError('a fault of ours')
        done.set()

    worker = LatestWorker(work, 'test')
    for job in (0, 1):
        done.clear()
        worker.submit(job)
        assert done.wait(5.0)
    worker.close()
    assert 'a fault of ours' in capsys.readouterr().err


def test_what_is_published_into_an_ended_context_is_no_traceback(probe: Any, capsys: pytest.CaptureFixture[str]) -> None:
    publisher = probe.create_publisher(String, 'x', 1)
    begun, go = threading.Event(), threading.Event()

    def work(_: None) -> None:
        begun.set()
        go.wait(5.0)
        publisher.publish(String())
        raise RuntimeError('the publisher is gone')  # as the real one says

    worker: LatestWorker[None] = LatestWorker(work, 'test')
    worker.submit(None)
    assert begun.wait(5.0)
    rclpy.try_shutdown()
    go.set()
    worker.close(2.0)
    assert 'Traceback' not in capsys.readouterr().err
