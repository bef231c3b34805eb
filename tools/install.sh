#!/bin/sh
# Install the project into a virtual environment, and the system's GL libraries where they are missing and may be installed.
#   PYTHON=python3 VENV=.venv sh tools/install.sh '.[dev]'
set -eu
target=$1

fail() {
    printf 'error: %s\n' "$1" >&2
    exit 1
}

"$PYTHON" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null ||
    fail "Python 3.10 to 3.12 is needed, $PYTHON is $("$PYTHON" --version 2>&1 || echo missing); say which: make PYTHON=python3.11 ..."
if [ ! -x "$VENV/bin/pip" ]; then
    "$PYTHON" -m venv "$VENV" || fail "cannot make a virtual environment; on Debian or Ubuntu: apt install python3-venv"
fi

echo "installing $target into $VENV (PyTorch is large: the first time takes minutes)"
"$VENV/bin/pip" install --quiet --disable-pip-version-check --constraint constraints.txt --editable "$target"

renders() {
    "$VENV/bin/python" -c 'from genima.sim import headless; headless.require_gl()
import mujoco; mujoco.Renderer(mujoco.MjModel.from_xml_string("<mujoco/>"), 8, 8)' 2>&1
}
packages='libegl1 libgl1 libgl1-mesa-dri libosmesa6'
if ! renders >/dev/null; then
    echo "the simulation cannot render here yet: installing $packages"
    if [ "$(id -u)" = 0 ]; then
        root=
    elif sudo -n true 2>/dev/null; then
        root=sudo
    else
        fail "GL libraries are missing and this user may not install them; run: sudo apt install $packages"
    fi
    command -v apt-get >/dev/null || fail "GL libraries are missing; install EGL or OSMesa with your system's package manager"
    $root apt-get update -qq && $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $packages >/dev/null
    renders || fail 'rendering still fails, see above'
fi
