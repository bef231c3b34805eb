# SPDX-License-Identifier: Apache-2.0
"""Parts of teleop_node: the terminal, and the services that it calls."""
