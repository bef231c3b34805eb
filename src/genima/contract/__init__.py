# SPDX-License-Identifier: Apache-2.0
"""What training and deployment must share: one file, one hash, one way to draw a target image."""
