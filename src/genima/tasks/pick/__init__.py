# SPDX-License-Identifier: Apache-2.0
"""The task `pick`: a red cube lies somewhere on the table; lift it."""
