#!/bin/bash
set -e
source /opt/ros/jazzy/setup.bash
source /opt/src/genima/install/setup.bash
export PATH=$PATH:$GENIMA_VENV/bin # genima itself; python3 and ros2 stay the system's
exec "$@"
