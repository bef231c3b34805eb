# SPDX-License-Identifier: Apache-2.0
"""What a robot sees, intends and does, in the Rerun viewer: recordings, episodes and (through `genima_bringup`) live."""

from genima.errors import GenimaError

try:
    import rerun  # noqa: F401
except ImportError as error:
    raise GenimaError(
        f'`genima view` shows things with Rerun, which is not here ({error}): pip install "genima[view]" (170 MB, Python'
        ' 3.11 or newer, NumPy 2). Beside ROS 2 Jazzy, whose NumPy is older, put it into a virtual environment of its own'
    ) from error
