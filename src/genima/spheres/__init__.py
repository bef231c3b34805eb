# SPDX-License-Identifier: Apache-2.0
"""Spheres: what a target image shows, how it is drawn, and how it is found again."""
