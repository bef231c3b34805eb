# SPDX-License-Identifier: Apache-2.0
"""What a lookup raises, by the names of tf2."""


class TransformException(Exception):
    """Base of all errors of tf2."""


class LookupException(TransformException):
    """A frame was never heard of."""


class ConnectivityException(TransformException):
    """Two frames have no common root, or the frames form a loop."""


class ExtrapolationException(TransformException):
    """The time asked for is not between two known ones."""


class InvalidArgumentException(TransformException):
    """The name of a frame is empty or begins with a slash."""
