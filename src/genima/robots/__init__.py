# SPDX-License-Identifier: Apache-2.0
"""Robot profiles and their kinematics."""
