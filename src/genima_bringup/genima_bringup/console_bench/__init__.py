# SPDX-License-Identifier: Apache-2.0
"""What the operator console costs: cameras that are not there, browsers that are not there, and the 10 Hz loop between."""
