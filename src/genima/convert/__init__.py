# SPDX-License-Identifier: Apache-2.0
"""Datasets of other formats, to and from the native one."""
