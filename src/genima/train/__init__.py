# SPDX-License-Identifier: Apache-2.0
"""Both trainers and the loop that they share."""

import genima.painter  # noqa: F401  it quiets the libraries that training imports as well, so it comes first
