# SPDX-License-Identifier: Apache-2.0
"""Recorded episodes under another light, and a note of it in their metadata."""

from dataclasses import replace

from genima.episodes.episode import Episode
from genima.randomize.photometric import LIGHTING, Light, relight


def relit(episode: Episode, light: Light) -> Episode:
    """Return the same demonstration under another light; what its metadata say about diversity is carried on.

    Args:
        episode: With its views.
        light: For the whole episode, in all views: a lamp does not change from picture to picture.
    """
    noted = episode.metadata.get('diversity') or {}
    conditions = list(dict.fromkeys([*noted.get('conditions', ()), *LIGHTING]))
    diversity = {**noted, 'lighting': f'{light.describe()} (made from the recorded views)', 'conditions': conditions}
    return replace(
        episode,
        views={name: relight(images, light) for name, images in episode.views.items()},
        metadata={**episode.metadata, 'diversity': diversity},
    )
