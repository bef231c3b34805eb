# SPDX-License-Identifier: Apache-2.0
"""Hostile files are made of the small episodes that other folders of tests have."""

import sys
from pathlib import Path

for folder in ('convert', 'quality'):
    sys.path.append(str(Path(__file__).parents[1] / folder))
