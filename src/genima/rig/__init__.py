# SPDX-License-Identifier: Apache-2.0
"""The rig of a lab: which topics its cameras, its arm and its gripper have."""
