# SPDX-License-Identifier: Apache-2.0
"""`episode.json`: how an episode ended, what is in its bag, and where it came from."""

import json
from collections.abc import Mapping
from typing import Any

from genima.errors import DatasetError
from genima.recording.bagfile import BagFile
from genima.recording.layout import OUTCOMES, SCHEMA, SCHEMA_VERSION


def check_outcome(outcome: str, failure: str | None) -> None:
    """Raise DatasetError unless an episode can end like this."""
    if outcome not in OUTCOMES:
        raise DatasetError(f'outcome {outcome!r}; allowed: {", ".join(OUTCOMES)}')
    if (outcome == 'failure') != bool(failure):
        raise DatasetError(f'outcome {outcome!r} with cause {failure!r}: a failure has a cause, and nothing else has')


def summarize(
    bag: BagFile,
    outcome: str,
    failure: str | None,
    note: str,
    provenance: Mapping[str, Any],
    streams: Mapping[str, Mapping[str, Any]],
    **extra: Any,
) -> str:
    """Return the text of episode.json for a closed bag.

    Args:
        bag: What was written.
        outcome: One of `OUTCOMES`.
        failure: Cause of a failure, as `genima.episodes.episode.FAILURES` names them.
        note: In words.
        provenance: Values for the metadata of the episode (docs/dataset.md lists the keys).
        streams: What else is known of topics, for example {'/joint_states': {'dropped': 0}}.
        extra: More entries.
    """
    check_outcome(outcome, failure)
    lost = [int(stream['lost']) for stream in streams.values() if 'lost' in stream]  # few middlewares count it
    topics = {
        name: {
            'type': bag.topics[name].kind,
            'count': counts.messages,
            'first_ns': counts.first_ns,
            'last_ns': counts.last_ns,
            **streams.get(name, {}),
        }
        for name, counts in bag.counts.items()
    }
    summary = {
        'schema': SCHEMA,
        'schema_version': SCHEMA_VERSION,
        'outcome': outcome,
        'failure': failure,
        'note': note,
        'file': bag.name,
        'bytes': bag.size_bytes,
        'sha256': bag.sha256,
        'messages': sum(counts.messages for counts in bag.counts.values()),
        'dropped': sum(int(stream.get('dropped', 0)) for stream in streams.values()),
        **({'lost': sum(lost)} if lost else {}),
        'topics': topics,
        'provenance': dict(provenance),
        **extra,
    }
    return json.dumps(summary, indent=1) + '\n'
