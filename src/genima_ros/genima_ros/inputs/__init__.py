# SPDX-License-Identifier: Apache-2.0
"""What several nodes hear: joint states, synchronised views, and what was lost on the way."""
