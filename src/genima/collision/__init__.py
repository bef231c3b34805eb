# SPDX-License-Identifier: Apache-2.0
"""Distances between the shapes of a robot and of what stands around it, along a motion."""
