# SPDX-License-Identifier: Apache-2.0
"""Where networks run."""

from genima.errors import GenimaError

BACK_END = 'What runs the networks: torch, one of docs/backends.md that was exported, or auto: the fastest measured here.'


def check_device(device: str) -> str:
    """Return `device` if torch can use it.

    Raises:
        GenimaError: if it is not a device, or this machine has none of its kind.
    """
    import torch  # takes seconds to import

    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise GenimaError(
            f'device {device!r} cannot be used: {reason}; allowed: cpu, and cuda where there is one'
        ) from error
    return device
