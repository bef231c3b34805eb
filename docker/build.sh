#!/usr/bin/env bash
# The steps of the image, which work on any machine with a sourced ROS 2 as well (all three, or those that are named):
#   docker/build.sh [system] [python] [workspace]
# GENIMA_VENV: virtual environment of the nodes (/opt/genima in the image, .venv of the checkout elsewhere).
# PIP_EXTRA_INDEX_URL: PyTorch's index of CPU wheels, for an image without CUDA; without it amd64 gets CUDA wheels.
set -euo pipefail
cd "$(dirname "$0")/.."
distribution=${ROS_DISTRO:?source the setup.bash of your ROS 2 first}
venv=${GENIMA_VENV:-$PWD/.venv}
python=$(command -v python3)

system() { # ROS packages: those that package.xml names, and what the README starts besides
    local root=
    [ "$(id -u)" = 0 ] || root=sudo
    $root apt-get update
    $root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        python3-pip python3-venv python3-rosdep python3-colcon-common-extensions libegl1 libgl1 libgl1-mesa-dri \
        "ros-$distribution-rmw-cyclonedds-cpp" "ros-$distribution-rviz2" "ros-$distribution-ros2-control" \
        "ros-$distribution-ros2-controllers" "ros-$distribution-rosbag2-storage-mcap" "ros-$distribution-ur-robot-driver"
    [ -e /etc/ros/rosdep/sources.list.d/20-default.list ] || $root rosdep init
    rosdep update --rosdistro "$distribution"
    DEBIAN_FRONTEND=noninteractive rosdep install --from-paths src --ignore-src -y --rosdistro "$distribution"
}

python() { # what no rosdep key has, at the versions that were tried
    [ -x "$venv/bin/pip" ] || "$python" -m venv --system-site-packages "$venv"
    local wanted
    wanted=$(mktemp)
    cp requirements.txt "$wanted"
    # only rosless needs it, ROS has its own, and there is no wheel of it for arm64
    [ "$(uname -m)" = x86_64 ] || sed -i '/^cyclonedds/d' "$wanted"
    "$venv/bin/pip" install --no-cache-dir -c constraints-ros.txt -r "$wanted" 'setuptools<80'
    rm "$wanted"
    "$venv/bin/pip" install --no-cache-dir --no-deps --no-build-isolation -e .
}

workspace() { # the system's colcon builds; the nodes start with the Python of the virtual environment
    GENIMA_PYTHON=$venv/bin/python "$python" -m colcon build --base-paths src
}

for step in "${@:-system python workspace}"; do
    for each in $step; do
        case $each in
            system | python | workspace) "$each" ;;
            *) echo "error: no step $each; there are system, python, workspace" >&2 && exit 1 ;;
        esac
    done
done
