# SPDX-License-Identifier: Apache-2.0
"""GENIMA: a diffusion model paints where the arm should go, an ACT transformer goes there."""

__version__ = '0.2.0'
