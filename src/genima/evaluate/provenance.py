# SPDX-License-Identifier: Apache-2.0
"""What an evaluation ran: which policy, to the byte, and in which conditions."""

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

from genima import __version__
from genima.contract.spec import PolicySpec
from genima.evaluate.closed_loop import LoopConfig
from genima.evaluate.runner import Where
from genima.quality.manifest import file_sha256


def provenance(policy: str, spec: PolicySpec, config: LoopConfig, where: Where, simulator: str) -> dict[str, Any]:
    """Return the keys that say what was run, as `--json` promises them.

    Args:
        policy: Its address.
        spec: Its contract.
        config: Timing of the loop.
        where: Robot and simulator.
        simulator: Name and version of that.
    """
    software = {'simulator': simulator, 'software': f'genima {__version__}'}
    chosen = {'cameras': where.cameras} if where.cameras else {}
    timing = {name: value for name, value in asdict(config).items() if name != 'instruction'}
    said = {'instruction': config.instruction} if config.instruction else {}
    return {
        'policy': policy,
        'policy_sha256': policy_sha256(policy),
        'contract': spec.hash(),
        'robot': where.robot or spec.robot,
        'task': spec.task_of(config.instruction),
        'conditions': {**timing, **said, **software, **chosen},
    }


def policy_sha256(address: str) -> str | None:
    """Return one hash of contract and networks of a policy directory; None for a policy that is no directory here."""
    root, digest = Path(address), hashlib.sha256()
    parts = [root / 'policy.yaml', *sorted((root / 'painter').rglob('*')), *sorted((root / 'controller').rglob('*'))]
    for path in parts:
        if path.is_file():
            digest.update(f'{path.relative_to(root)} {file_sha256(path)}\n'.encode())
    return digest.hexdigest() if root.is_dir() else None
