# SPDX-License-Identifier: Apache-2.0
"""The painter: camera views in, target views out; a ControlNet pipeline in diffusers' own layout."""
