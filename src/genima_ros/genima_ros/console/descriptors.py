# SPDX-License-Identifier: Apache-2.0
"""How many connections this process can have open: each takes a file descriptor, and the graph needs some, too."""

import os
import resource

from genima.errors import GenimaError

SPARE = 96  # for DDS, files and what libraries open
LEAST = 32


def affordable(wanted: int) -> int:
    """Return how many connections can be had, `wanted` at most; the limit is raised where the system lets us.

    Raises:
        GenimaError: if there are too few for a console.
    """
    used = len(os.listdir('/proc/self/fd'))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = used + SPARE + wanted
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    left = wanted if soft == resource.RLIM_INFINITY else min(wanted, soft - used - SPARE)
    if left < LEAST:
        needed = SPARE + LEAST
        raise GenimaError(f'{soft} open files are allowed, {used} are in use; a console needs {needed} more: ulimit -n')
    return left
