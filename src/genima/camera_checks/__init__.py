# SPDX-License-Identifier: Apache-2.0
"""Is each camera still where its calibration says, and is it the camera that its topic names?"""
