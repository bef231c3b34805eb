# SPDX-License-Identifier: Apache-2.0
"""Is this data what it says, whole, and good enough to learn from?"""
