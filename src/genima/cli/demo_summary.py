# SPDX-License-Identifier: Apache-2.0
"""The figures of a run of the node graph."""

from typing import Any

import numpy as np
from genima_bringup.records import GraphRecord

from genima.contract.spec import PolicySpec
from genima.evaluate.statistics import percentiles, wilson_95, worst


def summarise_graph(record: GraphRecord, policy: str, spec: PolicySpec, seed: int) -> dict[str, Any]:
    """Return the figures under the keys that `--json` promises."""
    successes = sum(episode.success for episode in record.episodes)
    simulated_s = sum(episode.elapsed_s for episode in record.episodes)
    distances_mm = [1e3 * each for each in record.target_distances_m if np.isfinite(each)]
    errors_ms = 1e3 * np.abs(record.period_errors_s(spec.control_rate_hz))
    return {
        'episodes': len(record.episodes),
        'successes': successes,
        'success_rate': successes / len(record.episodes),
        'wilson_95': wilson_95(successes, len(record.episodes)),
        'seed': seed,
        'policy': policy,
        'contract': spec.hash(),
        'timing': {stage: percentiles(values) for stage, values in sorted(record.timing_ms.items())},
        'limits': worst([episode.limits for episode in record.episodes]),
        'failed_seeds': [episode.seed for episode in record.episodes if not episode.success],
        'chunks': {
            'ticks': record.ticks,
            'ticks_without_target': record.ticks_without_input,
            'period_ms': percentiles((1e3 * np.diff(record.chunk_published_s)).tolist()),
            'period_error_ms_p99': percentiles(errors_ms.tolist())['p99'],
            'period_error_ms_max': float(errors_ms.max(initial=0.0)),
        },
        'target_check': {
            'checks': len(record.target_distances_m),
            'held': record.targets_held,
            'distance_mm': percentiles(distances_mm) if distances_mm else None,
        },
        'real_time_factor': simulated_s / max(1e-9, sum(episode.wall_s for episode in record.episodes)),
        'clock_holds': record.holds,
        'clock_holds_given_up': record.holds_given_up,
    }
