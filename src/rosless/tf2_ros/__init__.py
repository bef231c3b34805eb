# SPDX-License-Identifier: Apache-2.0
"""The part of tf2_ros that nodes use: a buffer, its listener, the broadcasters and what a lookup raises."""

from .broadcasters import StaticTransformBroadcaster, TransformBroadcaster
from .buffer import Buffer
from .exceptions import (
    ConnectivityException,
    ExtrapolationException,
    InvalidArgumentException,
    LookupException,
    TransformException,
)
from .listener import TransformListener

__all__ = [
    'Buffer', 'ConnectivityException', 'ExtrapolationException', 'InvalidArgumentException', 'LookupException',
    'StaticTransformBroadcaster', 'TransformBroadcaster', 'TransformException', 'TransformListener',
]  # fmt: skip
