# SPDX-License-Identifier: Apache-2.0
"""LeRobot v3.0 datasets: Parquet, MP4 or PNG, and meta."""
