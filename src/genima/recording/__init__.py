# SPDX-License-Identifier: Apache-2.0
"""Recordings: one rosbag2 folder with MCAP per episode, written so that a power cut costs the last moments only."""
