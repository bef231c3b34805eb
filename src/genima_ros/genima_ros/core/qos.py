# SPDX-License-Identifier: Apache-2.0
"""The qualities of service of the graph, by what travels."""

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy


def _profile(depth: int, *, reliable: bool, latched: bool = False) -> QoSProfile:
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
    )


SENSOR = _profile(5, reliable=False)  # subscribers: matches reliable and best-effort publishers
NEWEST = _profile(1, reliable=False)  # subscribers: an old value is worth nothing
NEWEST_RELIABLE = _profile(1, reliable=True)  # the same where the kernel's socket buffers lose fragments
RELIABLE = _profile(5, reliable=True)  # publishers of sensor data: serves every subscriber
STATISTICS = _profile(50, reliable=True)  # every one counts
COMMAND = _profile(1, reliable=True)  # the newest command replaces the older ones
LATCHED = _profile(1, reliable=True, latched=True)  # state: late subscribers get the newest
STATIC_FRAMES = _profile(100, reliable=True, latched=True)  # tf_static
CLOCK = _profile(1, reliable=False)
