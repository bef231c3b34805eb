# SPDX-License-Identifier: Apache-2.0
"""Parts of failure_node: what is kept of a failure, and where it comes from."""
