# SPDX-License-Identifier: Apache-2.0
"""The real tensorflow-datasets, in an environment of its own, which GENIMA_TFDS_PYTHON names."""

import os
import subprocess
from pathlib import Path

import pytest


def with_tfds(*arguments: object) -> str:
    script = Path(__file__).with_name('tfds_opens.py')
    command = [os.environ['GENIMA_TFDS_PYTHON'], script, *arguments]
    ran = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=500)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


needs_tfds = pytest.mark.skipif(
    'GENIMA_TFDS_PYTHON' not in os.environ, reason='GENIMA_TFDS_PYTHON names no python with tfds'
)
