# SPDX-License-Identifier: Apache-2.0
"""The part of cv_bridge that nodes use: 8 and 16 bit images between messages and numpy arrays."""

from .bridge import CvBridge, CvBridgeError

__all__ = ['CvBridge', 'CvBridgeError']
