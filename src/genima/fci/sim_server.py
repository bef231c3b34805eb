# SPDX-License-Identifier: Apache-2.0
"""Starts franka-sim's server with an arm that needs no download; arguments are those of `run-franka-sim-server`.

It runs in the Python that has franka-sim, which is another one than ours (`genima.fci.simulated`), and imports nothing else.
"""

import os
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

# rotors and bearings, without which the arm oscillates on the server's position servo
ARMATURE, DAMPING = '0.2', '1'
# the server's threads of physics, states and commands hand over to one another within a cycle; with Python's own 5 ms,
# answers that came in time wait for a thread that computes
SWITCH_S = 5e-5


def arm_without_meshes() -> str:
    """Return the MJCF of the FR3 of franka-sim's own URDF, without the meshes that are not in its wheel."""
    import franka_sim
    import mujoco

    assert franka_sim.__file__ is not None
    urdf = ElementTree.fromstring((Path(franka_sim.__file__).parent / 'models' / 'fr3.urdf').read_text(encoding='utf-8'))
    for link in urdf.iter('link'):
        for shape in [*link.findall('visual'), *link.findall('collision')]:
            link.remove(shape)
    spec = mujoco.MjSpec.from_string(ElementTree.tostring(urdf, encoding='unicode'))
    spec.compile()
    mjcf = ElementTree.fromstring(spec.to_xml())
    for joint in mjcf.iter('joint'):
        joint.set('armature', ARMATURE)
        joint.set('damping', DAMPING)
    return ElementTree.tostring(mjcf, encoding='unicode')


def main() -> None:
    """Serve until interrupted."""
    from franka_sim.run_server import main as serve

    sys.setswitchinterval(SWITCH_S)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'fr3.xml'
        path.write_text(arm_without_meshes(), encoding='utf-8')
        os.environ.setdefault('FR3_MJCF', str(path))
        sys.exit(serve())


if __name__ == '__main__':
    main()
