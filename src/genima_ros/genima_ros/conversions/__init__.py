# SPDX-License-Identifier: Apache-2.0
"""ROS messages from and to the terms of `genima`: stamps, images, frames, trajectories, markers."""
