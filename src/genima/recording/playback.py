# SPDX-License-Identifier: Apache-2.0
"""A recording in place of a robot: what drivers said, without what our own nodes said, which are to say it anew."""

import re
from collections.abc import Iterator

from genima.recording.reader import Bag, RawMessage

# published by the nodes that run beside a playback, or by every node; in any namespace
OWN = re.compile(
    r'(?:/\S+)?/(?:action_chunk|target_image|target_check|camera_check|gripper/command|node_stats|deadman'
    r'|guard/status|overlay/\S+|markers\S*|episode|episode_events|recorder/status|[^/]+/joint_trajectory'
    r'|clock|rosout|parameter_events|diagnostics)'
)


def is_driver_topic(topic: str) -> bool:
    """Return whether a topic, by its full name, is one that cameras, arm or their drivers publish."""
    return OWN.fullmatch(topic) is None


def driver_messages(bag: Bag) -> Iterator[tuple[float, RawMessage]]:
    """Yield (seconds since the first message, message) of what drivers published, in the order of reception."""
    begin_ns: int | None = None
    newest_ns = 0
    for raw in bag.raw():
        if not is_driver_topic(raw.topic.name):
            continue
        begin_ns = raw.log_time_ns if begin_ns is None else begin_ns
        newest_ns = max(newest_ns, raw.log_time_ns)  # a clock does not run backwards
        yield 1e-9 * (newest_ns - begin_ns), raw
