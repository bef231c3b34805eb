# SPDX-License-Identifier: Apache-2.0
"""An installation that nobody may write to, used by somebody without a home."""

import os
import subprocess
import sys

READ_ONLY = """
import numba.core.caching as caching

# root may write anywhere: what a plain user sees is that no place can be written to
for locator in caching.CacheImpl._locator_classes:
    locator.from_function = classmethod(lambda cls, function, path: None)
from genima.compiled import compiled
import genima.spheres.kernel, genima.spheres.pinhole, genima.train.samples, genima.train.target_views

assert compiled(fastmath=True)(lambda x: x + 1)(2) == 3
print('compiled without a cache')
"""


def test_kernels_are_compiled_without_a_place_for_numbas_cache() -> None:
    environment = {name: value for name, value in os.environ.items() if name != 'NUMBA_CACHE_DIR'}
    ran = subprocess.run([sys.executable, '-c', READ_ONLY], capture_output=True, text=True, timeout=120, env=environment)
    assert ran.returncode == 0 and 'without a cache' in ran.stdout, ran.stderr
