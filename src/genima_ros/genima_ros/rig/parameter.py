# SPDX-License-Identifier: Apache-2.0
"""The rig of a node that records: a file, or names of cameras under our own topics; and its topics as they are called."""

from collections.abc import Sequence
from dataclasses import replace

from rclpy.node import Node

from genima.errors import GenimaError
from genima.rig.rig import MAX_CAMERAS, TRANSPORTS, Rig, RigCamera
from genima_ros.core.parameters import declare


def declared_rig(node: Node, wanted: Sequence[str] = ()) -> Rig:
    """Declare the parameters `rig`, `cameras` and `transport`, and return what they say.

    Args:
        node: That records.
        wanted: Cameras that it must have, those of a policy for example.

    Raises:
        ProfileError: if the rig cannot be read, or lacks a camera.
        GenimaError: if there are too few cameras or too many, or the transport is unknown.
    """
    file = declare(node, 'rig', '', 'Rig (name or file) whose topics are recorded; empty: our own names of `cameras`.')
    cameras = declare(node, 'cameras', ['wrist', 'front'], 'Names of the cameras; those of a policy come on top.')
    transport = declare(node, 'transport', 'raw', 'Images as they are, raw, or as the driver has them, compressed.')
    if file:
        rig = Rig.load(file)
        for name in wanted:
            rig.camera(name)
        return rig
    names = list(dict.fromkeys([*cameras, *wanted]))
    if not 1 <= len(names) <= MAX_CAMERAS or transport not in TRANSPORTS:
        allowed = f'1 to {MAX_CAMERAS} cameras; transports: {", ".join(TRANSPORTS)}'
        raise GenimaError(f'parameters cameras, transport: {names} by {transport!r}; allowed: {allowed}')
    return Rig.of(names, transport)


def resolved(node: Node, rig: Rig) -> Rig:
    """Return the rig with full topic names, after namespace and remapping: as they stand in a bag of this node."""

    def camera(each: RigCamera) -> RigCamera:
        image = node.resolve_topic_name(each.images)
        image = image.removesuffix('/compressed') if each.transport == 'compressed' else image
        return replace(each, image=image, info=node.resolve_topic_name(each.info))

    joints = node.resolve_topic_name(rig.joint_states)
    return replace(rig, cameras=tuple(camera(each) for each in rig.cameras), joint_states=joints)
