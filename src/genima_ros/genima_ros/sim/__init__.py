# SPDX-License-Identifier: Apache-2.0
"""Parts of sim_node: what it publishes, its gripper, and the pace of its time."""
