# SPDX-License-Identifier: Apache-2.0
"""Parts of guard_node: what it hears, what it reports, and what it notices about other publishers and itself."""
