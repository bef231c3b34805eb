# SPDX-License-Identifier: Apache-2.0
"""Recordings: rosbag2 folders with MCAP."""
