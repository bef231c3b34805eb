# SPDX-License-Identifier: Apache-2.0
"""Faults put into a running graph, and what the arm does then."""
