# SPDX-License-Identifier: Apache-2.0
"""Parts of operator_node: the scripted operator of the simulated stack."""
