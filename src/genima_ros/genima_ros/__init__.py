# SPDX-License-Identifier: Apache-2.0
"""The nodes. They are ordinary rclpy code; on a machine without ROS 2 `rosless` answers to that name.

Each `*_node.py` is one program (`python -m genima_ros.guard_node`); the folders hold their parts. `core`, `conversions`
and `inputs` serve every node, the others serve the nodes of their name or purpose.

The gate stands here because a package is imported before its modules: no node can import rclpy before it.
"""

import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path

# `python -m genima_ros.act_node`, or the script `act_node` that colcon makes
if sys.argv[0] == '-m' or Path(sys.argv[0]).stem.endswith('_node'):
    # Ctrl-C while a node's modules load shall not print a page of traceback; `run` takes over
    signal.signal(signal.SIGINT, lambda number, frame: os._exit(0))

if find_spec('rosless') is not None:
    import rosless

    try:
        rosless.ensure()
    except (ImportError, RuntimeError, ValueError) as error:
        raise SystemExit(f'error: {error}') from error
