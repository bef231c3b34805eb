# SPDX-License-Identifier: Apache-2.0
"""What the simulated robot publishes: the scene that its cameras see, and everything else."""

from typing import TYPE_CHECKING, Any

import numpy as np
from builtin_interfaces.msg import Time
from control_msgs.msg import JointTrajectoryControllerState
from geometry_msgs.msg import TransformStamped
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_msgs.msg import String
from tf2_ros import StaticTransformBroadcaster, TransformBroadcaster
from trajectory_msgs.msg import JointTrajectoryPoint

from genima.rig.rig import image_topic, info_topic
from genima.robots.kinematics import link_poses
from genima.robots.urdf import to_urdf
from genima_msgs.msg import EpisodeStatus
from genima_ros.conversions.frames import optical_frame, pose_message, transform_messages
from genima_ros.conversions.images import image_message
from genima_ros.conversions.messages import camera_info_message, duration, stamp
from genima_ros.core import qos
from genima_ros.sim.pacer import Pacer

if TYPE_CHECKING:
    from genima.sim.simulation import Simulation


class SceneOutputs:
    """The cameras of a simulated scene, and the frames of the robot in it.

    Args:
        node: that publishes.
        simulation: what is published; read at each call.
    """

    def __init__(self, node: Node, simulation: 'Simulation') -> None:
        self._simulation = simulation
        self._profile = simulation.profile
        self._moving, self._fixed = TransformBroadcaster(node), StaticTransformBroadcaster(node)
        self._images = {name: node.create_publisher(Image, image_topic(name), qos.RELIABLE) for name in simulation.cameras}
        self._infos = {
            name: node.create_publisher(CameraInfo, info_topic(name), qos.RELIABLE) for name in simulation.cameras
        }
        self._fixed.sendTransform(self._fixed_frames())

    def frames(self, when: float | Time) -> None:
        """Publish the frames that move."""
        self._moving.sendTransform(self._moving_frames(when))

    def images(self, when: float | Time) -> None:
        """Render and publish every camera with its calibration."""
        for name, pixels in self._simulation.render().items():
            frame = optical_frame(name)
            model = self._simulation.cameras[name].model
            self._infos[name].publish(camera_info_message(model, when, frame))
            self._images[name].publish(image_message(pixels, when, frame))

    def _fixed_frames(self) -> list[TransformStamped]:
        edges = [
            (camera.parent_link, optical_frame(name), np.asarray(camera.T_parent_camera))
            for name, camera in self._simulation.cameras.items()
        ]
        for link in self._profile.links:
            if link.parent is not None and link.joint is not None and link.joint.kind == 'fixed':
                edges.append((link.parent, link.name, link.joint.T_parent_joint))
        return transform_messages(edges, 0.0)

    def _moving_frames(self, when: float | Time) -> list[TransformStamped]:
        poses = link_poses(self._profile, self._simulation.q_rad, self._simulation.gripper_open)
        edges = [
            (link.parent, link.name, np.linalg.inv(poses[link.parent]) @ poses[link.name])
            for link in self._profile.links
            if link.parent is not None and link.joint is not None and link.joint.kind != 'fixed'
        ]
        edges += [(self._profile.base_link, name, T) for name, T in self._simulation.state().items()]
        return transform_messages(edges, when)


def scene_fields(simulation: 'Simulation') -> dict[str, Any]:
    """Return the fields of an EpisodeStatus that say how the task stands."""
    state, measures = simulation.state(), simulation.measures()
    return {
        'objects': list(state),
        'poses': [pose_message(T) for T in state.values()],
        'measures': list(measures),
        'values': [float(value) for value in measures.values()],
    }


class SimOutputs(SceneOutputs):
    """The publishers of the simulated robot.

    Args:
        node: that publishes.
        simulation: what is published; read at each call.
        controller: name of its joint_trajectory_controller.
    """

    def __init__(self, node: Node, simulation: 'Simulation', controller: str) -> None:
        super().__init__(node, simulation)
        self._clock = node.create_publisher(Clock, '/clock', qos.CLOCK)
        self._joints = node.create_publisher(JointState, 'joint_states', qos.RELIABLE)
        self._controller = node.create_publisher(
            JointTrajectoryControllerState, f'{controller}/controller_state', qos.RELIABLE
        )
        self._episode = node.create_publisher(EpisodeStatus, 'episode', qos.LATCHED)
        self._description = node.create_publisher(String, 'robot_description', qos.LATCHED)
        self._description.publish(String(data=to_urdf(self._profile)))  # as robot_state_publisher does beside a driver

    def clock(self, time_s: float) -> None:
        """Publish the time."""
        self._clock.publish(Clock(clock=stamp(time_s)))

    def joints(self, time_s: float) -> None:
        """Publish the measured joints, arm first."""
        simulation, gripper = self._simulation, self._profile.gripper
        message = JointState(
            name=[*self._profile.arm_joints, *gripper.joints],
            position=[*simulation.q_rad.tolist(), *simulation.finger_positions_m.tolist()],
            velocity=[*simulation.dq_rad_s.tolist(), *(0.0 for _ in gripper.joints)],
        )
        message.header.stamp = stamp(time_s)
        self._joints.publish(message)

    def controller(self, time_s: float, simulated_s: float) -> None:
        """Publish what the trajectory controller commands; its own clock begins at each reset."""
        controller = self._simulation.controller
        q_rad, v_rad_s = controller.sample(simulated_s)
        since_start_s = 0.0 if controller.start_s is None else simulated_s - controller.start_s
        message = JointTrajectoryControllerState(
            joint_names=list(self._profile.arm_joints),
            reference=JointTrajectoryPoint(
                positions=q_rad.tolist(), velocities=v_rad_s.tolist(), time_from_start=duration(since_start_s)
            ),
            feedback=JointTrajectoryPoint(positions=self._simulation.q_rad.tolist()),
            speed_scaling_factor=1.0,
        )
        message.header.stamp = stamp(time_s)
        self._controller.publish(message)

    def episode(self, time_s: float, seed: int, elapsed_s: float, success: bool, done: bool, pacer: Pacer) -> None:
        """Publish how the episode stands."""
        shares = self._simulation.limit_usage()
        message = EpisodeStatus(
            seed=seed,
            elapsed_s=elapsed_s,
            **scene_fields(self._simulation),
            success=bool(success),
            done=bool(done),
            position_share=shares['position'],
            velocity_share=shares['velocity'],
            acceleration_share=shares['acceleration'],
            jerk_share=shares['jerk'],
            workspace_share=shares['workspace'],
            collision_share=shares['collision'],
            holds=pacer.holds,
            holds_given_up=pacer.holds_given_up,
        )
        message.header.stamp = stamp(time_s)
        message.header.frame_id = self._profile.base_link
        self._episode.publish(message)
