# SPDX-License-Identifier: Apache-2.0
"""Conversions of time units."""

S_TO_NS = 1000 * 1000 * 1000
