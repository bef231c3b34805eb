# SPDX-License-Identifier: Apache-2.0
"""Parts of the nodes that check a rig: cameras, frames and the robot controller as they run."""
