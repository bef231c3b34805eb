# SPDX-License-Identifier: Apache-2.0
"""Cameras: how a point becomes a pixel, and how an image becomes a view."""
