# SPDX-License-Identifier: Apache-2.0
"""The launch arguments, and what a stack is unless one says otherwise; `ros2 launch` and `genima up` both read them here.

This module is imported by the Python of `ros2`, which has ROS's own packages only.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

SWITCH, CHOICE = ('true', 'false'), ('', 'true', 'false')
CAMERAS = 'wrist,front,right_shoulder,left_shoulder'


@dataclass(frozen=True)
class Argument:
    """A launch argument; all values are text, as on the command line. Without `choices`, any text may stand."""

    name: str
    default: str
    description: str
    choices: tuple[str, ...] = ()


# what a stack is unless an argument says otherwise; with a real arm, `REAL` goes first
STACKS = {
    'franka': {'robot': 'panda', 'policy': 'models/panda_pick', 'record': 'false'},
    'ur5e': {'robot': 'ur5e', 'policy': 'models/ur5e_pick', 'record': 'false'},
    'record': {'robot': 'panda', 'record': 'true'},
}
REAL = {'franka': {'robot': 'fr3'}}  # the Franka that is sold, and that has a driver on Jazzy

ARGUMENTS = (
    Argument('policy', '', "Policy directory; a relative one may be in the repository. Empty: the stack's."),
    Argument('server', '', 'ws://host:port of `genima serve`, which runs the policy; empty: it runs here.'),
    Argument('token_file', '', 'File with the token of the server.'),
    Argument('robot', '', "Robot profile: a name in config/robots or a file. Empty: the rig's, or the stack's."),
    Argument('robot_ip', '', 'Address of a real arm; empty simulates one.'),
    Argument('rig', '', 'Your topics: a name in config/rigs or a YAML file. Empty: cameras/<name>/image_raw and so on.'),
    Argument('cameras', '', f"Cameras that are recorded, by commas. Empty: the rig's, or {CAMERAS}."),
    Argument('gripper', '', "Its driver, {kind: gripper_command, action: ...} say, or none. Empty: the rig's or profile's."),
    Argument('mock', 'false', "ros2_control's mock hardware and rendered cameras for an arm (ros2 launch only).", SWITCH),
    Argument('driver', '', 'Of a real arm. Empty: the official one; fci: our own, for a Franka (docs/fci.md).', ('', 'fci')),
    Argument('launch_driver', 'true', 'Start the official driver of a real arm as well (ros2 launch only).', SWITCH),
    Argument(
        'controllers', '', 'Which of config/controllers: of older or newer ros2_controllers. Empty: by ROS_DISTRO.',
        ('', 'jazzy', 'lyrical'),
    ),
    Argument('policy_only', 'false', 'No arm, gripper, driver: for a second computer, or a replay.', SWITCH),
    Argument('replay', '', 'A recording in place of the arm: the policy answers it in shadow mode, then all ends.'),
    Argument('replay_rate', '1.0', 'Recorded seconds per second.'),
    Argument('armed', '', 'Whether the guard lets the arm move at once. Empty: a simulated one; never a real one.', CHOICE),
    Argument(
        'network', '', "Who hears the nodes. Empty: loopback with a simulated arm, else as this shell's variables say.",
        ('', 'loopback', 'lan'),
    ),
    Argument('namespace', '', 'Namespace of all nodes; tf stands in it as well.'),
    Argument('use_sim_time', '', 'Time from /clock. Empty: with a simulated arm.', CHOICE),
    Argument('params_file', '', 'Node parameters of yours, after config/stacks; /**/guard_node: holds in any namespace.'),
    Argument('log_level', '', 'What nodes log. Empty: info.', ('', 'debug', 'info', 'warn', 'error', 'fatal')),
    Argument('seed', '0', 'Seed of the first simulated episode.'),
    Argument('real_time_factor', '1.0', 'Simulated seconds per second, at most.'),
    Argument('device', 'cpu', 'Torch device of both networks: cpu or cuda, or cuda:1.'),
    Argument('painter_backend', 'auto', 'What runs the painter: torch, auto, or one that was exported (docs/backends.md).'),
    Argument('controller_backend', 'auto', 'What runs the controller, likewise.'),
    Argument('check_targets', 'true', 'Hold the arm when the painted spheres are not where the chunk takes it.', SWITCH),
    Argument('check_cameras', '', 'Do not arm while a camera has moved or was swapped. Empty: with a real arm.', CHOICE),
    Argument('overlay', 'true', 'Draw the predicted spheres over the camera views.', SWITCH),
    Argument('console', 'false', 'Serve the operator console, a web page, on this computer.', SWITCH),
    Argument('console_port', '8600', 'Port of the console; 0 takes a free one and prints it.'),
    Argument('deadman', 'false', 'The arm moves only while a browser holds the watch (with console:=true).', SWITCH),
    Argument('rviz', 'false', 'Open RViz (ros2 launch only).', SWITCH),
    Argument('rviz_config', '', 'What RViz shows. Empty: config/rviz/genima.rviz.'),
    Argument('record', '', "Record episodes, by the services of recorder_node. Empty: the stack's.", CHOICE),
    Argument('failures', 'false', 'Remember the last seconds and keep those that an operator flags.', SWITCH),
    Argument('failures_out', 'failures', 'Folder of flagged failures.'),
    Argument(
        'operator', '', 'Who moves the arm where no policy does; scripted needs a simulated one, retrace an episode.',
        ('', 'keyboard', 'scripted', 'retrace', 'none'),
    ),
    Argument('episode', '', 'Episode (.h5) that operator:=retrace repeats.'),
    Argument('episodes', '10', 'Episodes of the scripted operator.'),
    Argument('out', 'recordings', 'Folder of the recordings.'),
    Argument('task', '', 'Name of the recorded task; a simulated arm must know it. Empty: that of the simulation.'),
    Argument('instruction', '', 'The recorded task in words. Empty: that of the simulation.'),
    Argument('image_size', '', "Size of simulated images [px], 640x480 say. Empty: the policy's views, or 128x128."),
    Argument('calibration', '', 'Folder of calibration files whose cameras go into tf. Empty: tf has them from elsewhere.'),
    Argument('image_rate', '', 'Simulated images per second and camera [Hz].'),
)  # fmt: skip


def unknown_arguments(names: Iterable[str]) -> str:
    """Return what is wrong with names of launch arguments, with the nearest right ones; empty where all are known."""
    known = [argument.name for argument in ARGUMENTS]
    unknown = sorted(set(names) - set(known))
    if not unknown:
        return ''
    near = [match for name in unknown for match in difflib.get_close_matches(name, known, 1)]
    meant = f' (did you mean {", ".join(near)}?)' if near else ''
    return f'unknown launch arguments {", ".join(unknown)}{meant}; allowed: {", ".join(known)}'
