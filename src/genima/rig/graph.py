# SPDX-License-Identifier: Apache-2.0
"""What was heard of a running graph: plain values, so that a rig is proposed without ROS."""

from collections.abc import Mapping
from dataclasses import dataclass, field

IMAGE = 'sensor_msgs/msg/Image'
COMPRESSED = 'sensor_msgs/msg/CompressedImage'
CAMERA_INFO = 'sensor_msgs/msg/CameraInfo'
JOINT_STATE = 'sensor_msgs/msg/JointState'
TF = 'tf2_msgs/msg/TFMessage'
CONTROLLER_STATE = 'control_msgs/msg/JointTrajectoryControllerState'
FEEDBACK = '/_action/feedback'
GRIPPER_ACTIONS = {
    'control_msgs/action/GripperCommand_FeedbackMessage': 'gripper_command',
    'control_msgs/action/ParallelGripperCommand_FeedbackMessage': 'parallel_gripper_command',
}
"""Type of an action's hidden feedback topic to the kind of gripper driver in a profile."""


@dataclass(frozen=True)
class Heard:
    """One topic.

    Attributes:
        kind: Type, as 'sensor_msgs/msg/Image'.
        publishers: How many there are.
        rate_hz: Messages per second while we listened.
        frame: Newest `header.frame_id`.
        size_px: Width and height of images and calibrations; (0, 0) where not known.
        encoding: Of images.
        calibrated: Whether a camera_info has a focal length.
        names: Joints of a joint_states topic.
    """

    kind: str
    publishers: int = 1
    rate_hz: float = 0.0
    frame: str = ''
    size_px: tuple[int, int] = (0, 0)
    encoding: str = ''
    calibrated: bool = False
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Graph:
    """A running graph.

    Attributes:
        topics: Full name to what was heard there.
        parents: Child frame to parent frame, of tf and tf_static.
    """

    topics: Mapping[str, Heard]
    parents: Mapping[str, str] = field(default_factory=dict)

    def of(self, kind: str) -> dict[str, Heard]:
        """Return the topics of a type that somebody publishes, by name."""
        return {name: each for name, each in sorted(self.topics.items()) if each.kind == kind and each.publishers > 0}

    def inside(self, namespace: str) -> 'Graph':
        """Return the part of the graph whose topics stand in a namespace; the frames stay."""
        prefix = f'/{namespace.strip("/")}/' if namespace.strip('/') else '/'
        return Graph({name: each for name, each in self.topics.items() if name.startswith(prefix)}, self.parents)

    def connected(self, one: str, other: str) -> bool:
        """Return whether tf connects two frames."""
        return bool(one) and bool(other) and self._root(one) == self._root(other)

    def _root(self, frame: str) -> str:
        seen = {frame}
        while (parent := self.parents.get(frame)) is not None and parent not in seen:
            frame = parent
            seen.add(parent)
        return frame
