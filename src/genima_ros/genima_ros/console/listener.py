# SPDX-License-Identifier: Apache-2.0
"""Subscriptions that exist only while they are wanted: a console at which nobody looks costs nothing."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from rclpy.node import Node
from tf2_ros import Buffer, TransformListener

GRACE_S = 3.0  # a page that is loaded anew is back by then


class Listener:
    """A set of subscriptions of a node. Use it in the thread that spins the node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._wanted: list[tuple[Any, ...]] = []
        self._trees: list[Buffer] = []
        self._endings: list[Callable[[], Any]] = []  # of the subscriptions that exist
        self._last_wanted_s = float('-inf')

    def add(self, kind: type, topic: str, callback: Callable[[Any], None], quality: Any) -> None:
        """Name a topic that is listened to."""
        self._wanted.append((kind, topic, callback, quality))

    def add_frames(self, tree: Buffer) -> None:
        """Name a tree of frames that is fed."""
        self._trees.append(tree)

    @property
    def listening(self) -> bool:
        """Whether the subscriptions exist."""
        return bool(self._endings)

    def want(self, wanted: bool) -> None:
        """Subscribe when that is wanted, and give the subscriptions up a while after it is no more."""
        now_s = time.monotonic()
        if wanted:
            self._last_wanted_s = now_s
            if not self._endings:
                subscriptions = [self._node.create_subscription(*each) for each in self._wanted]
                self._endings = [partial(self._node.destroy_subscription, each) for each in subscriptions]
                self._endings += [TransformListener(tree, self._node).unregister for tree in self._trees]
        elif self._endings and now_s - self._last_wanted_s > GRACE_S:
            for end in self._endings:
                end()
            self._endings = []
