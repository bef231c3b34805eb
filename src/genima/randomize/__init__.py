# SPDX-License-Identifier: Apache-2.0
"""Random textures for training on backgrounds that the robot has never seen."""
