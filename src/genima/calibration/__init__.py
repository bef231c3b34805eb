# SPDX-License-Identifier: Apache-2.0
"""Where cameras are and how they see: boards, intrinsics, hand-eye calibration, and the files that keep it."""
