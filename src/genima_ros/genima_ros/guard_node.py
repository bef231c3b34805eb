# SPDX-License-Identifier: Apache-2.0
"""The guard as a node: the only one that speaks to the robot's controller. It starts disarmed: shadow mode."""

import sys
from collections.abc import Callable

from genima.contract.spec import PolicySpec
from genima.errors import GenimaError
from genima.guard.guard import Guard, GuardOutput
from genima.robots.profile import RobotProfile
from genima_msgs.msg import GuardStatus
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from genima_ros import qos
from genima_ros._run import run
from genima_ros.joint_states import JointStates, StaleJointsError
from genima_ros.messages import seconds, stamp
from genima_ros.parameters import declare
from genima_ros.trajectories import chunk_from_message, plan_message

TICK_S = 0.02
COMPLAINT_PERIOD_S = 2.0
