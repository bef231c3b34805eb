# SPDX-License-Identifier: Apache-2.0
"""Closed-loop runs of a policy, the figures that describe them, and the report that shows them."""
