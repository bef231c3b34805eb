# SPDX-License-Identifier: Apache-2.0
"""Streams by capture time: what was measured when, on one time grid, offline and while the robot runs."""
