# SPDX-License-Identifier: Apache-2.0
"""Parts of the nodes that drive hardware: the hand of fci_node, and the ways to command a gripper."""
