# SPDX-License-Identifier: Apache-2.0
"""How good one episode is: what the filters measure in it, against their thresholds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from genima.episodes.episode import Episode
from genima.episodes.frames import open_views
from genima.episodes.labels import consensus, read_labels
from genima.episodes.store import read_episode
from genima.quality.drift import NOT_FOUND, Drift, projection_drift
from genima.quality.findings import ERROR
from genima.quality.idle import idle_stretches
from genima.quality.inspect import inspect, load_profile
from genima.quality.verdict import FAIL, NOT_MEASURABLE, PASS, Measure, Quality, Thresholds


def measure(path: Path | str, thresholds: Thresholds | None = None) -> Quality:
    """Measure one episode file; one that cannot be read fails in the measure 'sound' and has no other."""
    limits, inspection = thresholds or Thresholds(), inspect(Path(path))
    errors = [each for each in inspection.findings if each.severity == ERROR and each.code not in limits.accept]
    text = '; '.join(f'{each.code}: {each.text}' for each in errors) or 'nothing is wrong with the file'
    measures = [Measure('sound', FAIL if errors else PASS, text)]
    if not inspection.readable:
        return Quality(inspection.file, tuple(measures), findings=inspection.findings)
    episode = read_episode(path, images=False)
    measures += [_speed(episode, limits.speed_rad_s), _drift(episode, path, limits.drift_px)]
    measures += [_labels(episode.metadata, limits.agreement), *_sync(episode, limits)]
    return Quality(
        inspection.file,
        tuple(measures),
        inspection.findings,
        len(episode),
        float(episode.timestamps_s[-1] - episode.timestamps_s[0]),
        tuple(idle_stretches(episode, limits.idle_s)),
    )


def _speed(episode: Episode, limit_rad_s: float) -> Measure:
    """Judge the fastest joint between steps that are both learned from."""
    learned = ~(episode.ignore[1:] | episode.ignore[:-1])
    steps_s = np.diff(episode.timestamps_s)[:, None]
    if not learned.any() or not (np.isfinite(steps_s) & (steps_s > 0)).all():
        return Measure('speed', NOT_MEASURABLE, 'there are no two steps to learn from, or time does not increase')
    speeds = np.abs(np.diff(episode.q_rad, axis=0)) / steps_s
    speeds[~learned] = 0.0
    step, joint = np.unravel_index(int(speeds.argmax()), speeds.shape)
    fastest, spikes = float(speeds[step, joint]), int((speeds.max(axis=1) > limit_rad_s).sum())
    text = f'joint {joint + 1} moves at {fastest:.2f} rad/s after step {step}'
    if spikes:
        text += f', {spikes} steps are over {limit_rad_s:g} rad/s'
    return Measure('speed', FAIL if spikes else PASS, text, fastest, limit_rad_s)


def _drift(episode: Episode, path: Path | str, limit_px: float) -> Measure:
    profile = load_profile(str(episode.metadata.get('robot') or ''))
    if profile is None or episode.q_rad.shape[1] != profile.n_joints:
        return Measure('drift', NOT_MEASURABLE, 'the robot has no profile', limit=limit_px)
    with open_views(path) as views:
        drifts = projection_drift(episode, views, profile)
    measured = {name: drift for name, drift in drifts.items() if isinstance(drift, Drift)}
    if not measured:
        why = '; '.join(f'{name}: {reason}' for name, reason in drifts.items()) or 'there are no images'
        return Measure('drift', NOT_MEASURABLE, why, limit=limit_px)
    worst = max(measured, key=lambda name: measured[name].distance_px)
    drift = measured[worst]
    text = f'{worst} shows the arm {drift.distance_px:.1f} px from where joints and calibration say'
    text += f' (right {drift.right_px:+.1f}, down {drift.down_px:+.1f})'
    lost = sorted(name for name, each in drifts.items() if each == NOT_FOUND)
    if lost and drift.distance_px <= limit_px:  # that others are right says nothing of these
        return Measure('drift', NOT_MEASURABLE, f'{", ".join(lost)}: {NOT_FOUND}; {text}', limit=limit_px)
    return Measure('drift', FAIL if drift.distance_px > limit_px else PASS, text, drift.distance_px, limit_px)


def _labels(metadata: dict[str, Any], limit: float) -> Measure:
    """Judge whether those who labelled the episode agree with each other and with its metadata."""
    labels, agreed = read_labels(metadata), consensus(read_labels(metadata))
    if len(labels) < 2:
        return Measure('labels', NOT_MEASURABLE, 'fewer than two annotators labelled it', limit=limit)
    said = ', '.join(f'{each.annotator} {"success" if each.success else "failure"}' for each in labels)
    if agreed.agreement < limit or agreed.success is None:
        return Measure('labels', FAIL, f'the annotators disagree ({said})', agreed.agreement, limit)
    if isinstance(metadata.get('success'), bool) and metadata['success'] != agreed.success:
        text = f'most annotators say success {agreed.success}, the metadata say {metadata["success"]}'
        return Measure('labels', FAIL, text, agreed.agreement, limit)
    return Measure(
        'labels', PASS, f'{100 * agreed.agreement:.0f} % of {len(labels)} annotators agree', agreed.agreement, limit
    )


def _sync(episode: Episode, limits: Thresholds) -> Iterator[Measure]:
    """Judge how the pictures of the learned steps fit their time stamps."""
    learned = ~episode.ignore
    captured = {name: times_s[learned] for name, times_s in episode.capture_s.items()}
    times_s = episode.timestamps_s[learned]
    if not len(times_s) or all((each == times_s).all() for each in captured.values()):
        why = 'the capture times are the time stamps: nobody measured them, or a simulator made both'
        yield Measure('skew', NOT_MEASURABLE, why, limit=1e3 * limits.skew_s)
        yield Measure('repeats', NOT_MEASURABLE, why, limit=limits.repeats)
        return
    skews_s = {name: float(np.abs(each - times_s).max()) for name, each in captured.items()}
    worst = max(skews_s, key=lambda name: skews_s[name])
    verdict = FAIL if skews_s[worst] > limits.skew_s else PASS
    text = f'{worst} is up to {1e3 * skews_s[worst]:.1f} ms away from its steps'
    yield Measure('skew', verdict, text, 1e3 * skews_s[worst], 1e3 * limits.skew_s)
    shares = {name: float((np.diff(each) == 0).mean()) if len(each) > 1 else 0.0 for name, each in captured.items()}
    worst = max(shares, key=lambda name: shares[name])
    text = f'{100 * shares[worst]:.0f} % of the steps of {worst} repeat a picture'
    yield Measure('repeats', FAIL if shares[worst] > limits.repeats else PASS, text, shares[worst], limits.repeats)
