# SPDX-License-Identifier: Apache-2.0
"""Both trainers and the loop that they share."""
