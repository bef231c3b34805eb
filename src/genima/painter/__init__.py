# SPDX-License-Identifier: Apache-2.0
"""The painter: camera views in, target views out; a ControlNet pipeline in diffusers' own layout."""

import os

# without these, both libraries tell every user about image processors that nobody here needs
os.environ.setdefault('TRANSFORMERS_VERBOSITY', 'error')
os.environ.setdefault('DIFFUSERS_VERBOSITY', 'error')
