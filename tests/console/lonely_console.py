# SPDX-License-Identifier: Apache-2.0
"""A console without a robot as a process, a script: prints its address, then each complaint."""

import time

from console_rig import Rig
from genima_ros.console.access import Access

STATUS = {'ros_s': 0.0, 'filler': 'x' * 4000}  # as long as that of a stack

if __name__ == '__main__':
    rig = Rig(Access('127.0.0.1'))
    print(f'{rig.base}/', flush=True)
    told = 0
    while True:
        time.sleep(0.1)
        rig.server.publish(STATUS)
        for trouble in rig.troubles[told:]:
            print(*trouble, flush=True)
        told = len(rig.troubles)
