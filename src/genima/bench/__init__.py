# SPDX-License-Identifier: Apache-2.0
"""Measurements that back what the documents claim."""
