#!/bin/bash
set -e
source /opt/ros/jazzy/setup.bash
source /opt/genima/bin/activate
source /genima/install/setup.bash
exec "$@"
