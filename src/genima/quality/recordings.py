# SPDX-License-Identifier: Apache-2.0
"""Verify recordings: one rosbag2 folder per episode, as the recorder or `ros2 bag record` wrote it."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from genima.errors import DatasetError
from genima.processes import in_processes
from genima.quality.findings import Finding
from genima.quality.heard import JOINT_STATES, Heard, camera_of, listen
from genima.quality.images import check_look
from genima.quality.inspect import load_profile
from genima.quality.manifest import file_sha256
from genima.quality.streams import check_arm, check_clocks, check_stream
from genima.recording.layout import bag_files, is_finished, list_recordings, read_summary

_LOSSES = (
    ('dropped', 'messages-dropped', 'were dropped, as the disk was too slow'),
    ('lost', 'messages-lost', 'were lost on the network'),
)


def is_recording(folder: Path) -> bool:
    """Return whether a folder is one recording."""
    return folder.is_dir() and any(not path.name.startswith('.') for path in folder.glob('*.mcap'))


def recordings_in(folder: Path) -> list[Path]:
    """Return the recordings in a folder, none if it holds none."""
    try:
        return list_recordings(folder)
    except DatasetError:
        return []


def verify_recordings(
    folders: Sequence[Path], workers: int = 1, on_done: Callable[[str], None] = lambda name: None
) -> list[Finding]:
    """Check recordings one by one, then against each other; nothing is written."""
    findings: list[Finding] = []
    heard: dict[str, Heard] = {}
    digests: dict[str, str] = {}
    examined = in_processes(_examine, folders, workers, ordered=True)
    for folder, (found, digest, content) in zip(folders, examined, strict=True):
        findings += found
        digests.update({folder.name: digest} if digest else {})
        heard.update({folder.name: content} if content is not None else {})
        on_done(folder.name)
    return [*findings, *_check_copies(digests), *_check_topics(heard)]


def _examine(folder: Path) -> tuple[list[Finding], str, Heard | None]:
    """Return what is wrong with one recording, the SHA-256 of its bag, and what was heard in it."""
    findings: list[Finding] = []
    digest = ''
    try:
        path = bag_files(folder)[0]
        digest = file_sha256(path)
        findings += _check_files(folder, path, digest)
        heard = listen(folder)
    except DatasetError as error:
        return [*findings, Finding('recording-damaged', folder.name, str(error))], digest, None
    findings += _check_heard(heard, _provenance(folder, heard), folder.name)
    return findings, digest, heard


def _check_files(folder: Path, path: Path, digest: str) -> Iterator[Finding]:
    if not (folder / 'metadata.yaml').is_file():
        yield Finding('recording-unfinished', folder.name, 'metadata.yaml is missing')
    if not is_finished(folder):
        yield Finding('recording-unfinished', folder.name, 'episode.json is missing: the recorder was interrupted')
        return
    try:
        summary = read_summary(folder)
    except DatasetError as error:
        yield Finding('recording-damaged', folder.name, str(error))
        return
    if summary.get('file') != path.name or not path.name.startswith(folder.name):
        text = f'episode.json is of {summary.get("file")}, the bag is {path.name}, the folder {folder.name}'
        yield Finding('episodes-swapped', folder.name, text)
    size = path.stat().st_size
    if size < summary.get('bytes', 0):
        yield Finding('file-truncated', folder.name, f'{path.name}: {size} of {summary["bytes"]} bytes are there')
    elif digest != summary.get('sha256'):
        yield Finding('recording-changed', folder.name, f'{path.name} has another SHA-256 than episode.json says')
    yield from _check_losses(summary, folder.name)


def _check_losses(summary: dict[str, Any], where: str) -> Iterator[Finding]:
    """Yield what the recorder knew that it did not write."""
    topics = {name: topic for name, topic in dict(summary.get('topics') or {}).items() if isinstance(topic, dict)}
    for key, code, cause in _LOSSES:
        counts = {name: topic[key] for name, topic in topics.items() if topic.get(key)}
        if counts:
            named = ', '.join(f'{count} of {name}' for name, count in counts.items())
            yield Finding(code, where, f'messages {cause}: {named}')
    if summary.get('packets_dropped'):
        text = f'the kernel dropped {summary["packets_dropped"]} packets that the recorder did not take in time'
        yield Finding('messages-lost', where, text)


def _check_heard(heard: Heard, provenance: dict[str, Any], where: str) -> Iterator[Finding]:
    for text in heard.damage:
        yield Finding('message-damaged', where, text)
    for topic, times_s in heard.stamps_s.items():
        yield from check_stream(times_s, f'{where} {topic}')
        yield from check_clocks(times_s, heard.received_s[topic], f'{where} {topic}')
    yield from _check_cameras(heard, where)
    if JOINT_STATES not in heard.stamps_s:
        yield Finding('topic-missing', where, 'there is no /joint_states')
        return
    profile = load_profile(str(provenance.get('robot') or ''))
    if profile is None:
        yield Finding('robot-unknown', where, f'there is no profile of robot {provenance.get("robot")!r}')
    else:
        yield from check_arm(heard, profile, where)


def _check_cameras(heard: Heard, where: str) -> Iterator[Finding]:
    if not heard.looks and not heard.calibrations:
        yield Finding('camera-missing', where, 'there are no pictures at all')
    for camera in sorted(heard.calibrations.keys() - heard.looks.keys()):
        yield Finding('camera-missing', where, f'there is a camera_info of {camera} and no picture')
    for camera, look in heard.looks.items():
        size = heard.sizes[camera]
        calibration = heard.calibrations.get(camera)
        if calibration is None:
            yield Finding('calibration-missing', where, f'there are pictures of {camera} and no camera_info')
        elif isinstance(calibration, str):
            yield Finding('calibration-damaged', where, calibration)
        elif size != (calibration.width_px, calibration.height_px):
            text = (
                f'{camera} sends {size[0]}x{size[1]}, its camera_info is for {calibration.width_px}x{calibration.height_px}'
            )
            yield Finding('image-size', where, text)
        times_s = heard.stamps_s[heard.image_topics[camera]]
        yield from check_look(look, camera, times_s, heard.joints_at(times_s), where)


def _check_copies(digests: dict[str, str]) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for name, digest in digests.items():
        if digest in first:
            yield Finding('episode-duplicate', name, f'its bag is the same as that of {first[digest]}')
        first.setdefault(digest, name)


def _check_topics(heard: dict[str, Heard]) -> Iterator[Finding]:
    topics = Counter(topic for each in heard.values() for topic in each.counts)
    usual = {topic for topic, count in topics.items() if len(heard) > 2 and count > 0.5 * len(heard)}
    for name, each in heard.items():
        for topic in sorted(usual - each.counts.keys()):
            code = 'topic-missing' if camera_of(topic) is None else 'camera-missing'
            yield Finding(code, name, f'it has no {topic}, which {topics[topic]} of {len(heard)} recordings have')


def _provenance(folder: Path, heard: Heard) -> dict[str, Any]:
    try:
        return dict(read_summary(folder).get('provenance') or {})
    except DatasetError:
        return heard.provenance
